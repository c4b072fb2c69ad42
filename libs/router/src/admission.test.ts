import { request, type ClientRequest } from 'node:http';
import { until } from '@gauntlet/base/testing';
import type { RunningRouter } from './index.js';
import { hangs, type Behaviour } from './testing/fake-peers.js';
import { oneSeries, post, runRouter } from './testing/run-router.js';

const running: RunningRouter[] = [];
async function run(...args: Parameters<typeof runRouter>): ReturnType<typeof runRouter> {
  const started = await runRouter(...args);
  running.push(started.router);
  return started;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((router) => router.stop(0)));
});

/** A POST whose body is still to be sent. */
function open(
  url: string,
  headers: Record<string, string | number>,
): { call: ClientRequest; answer: Promise<{ status: number; text: string }> } {
  const call = request(url, { method: 'POST', headers, agent: false });
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode as number, text }));
    });
  });
  call.flushHeaders();
  return { call, answer };
}

/** Peers that answer when they are told to. */
function heldBack(): { behaviour: Behaviour; waiting: (() => void)[] } {
  const waiting: (() => void)[] = [];
  return { waiting, behaviour: () => new Promise((resolve) => waiting.push(() => resolve([]))) };
}

test('a declared length over the bound is refused before any of the body is sent', async () => {
  const { url } = await run({ writes: { bodyBytesMax: 1000 } });
  const { answer, call } = open(url, { 'content-length': 1001 });
  expect(await answer).toEqual({ status: 413, text: 'write request too large\n' });
  call.destroy();
});

test('a body without declared length is refused where it passes the bound', async () => {
  const { url } = await run({ writes: { bodyBytesMax: 1000 } });
  const { answer, call } = open(url, { 'transfer-encoding': 'chunked' });
  call.write(Buffer.alloc(600));
  call.write(Buffer.alloc(600));
  expect(await answer).toEqual({ status: 413, text: 'write request too large\n' });
  call.destroy();
});

test('a message that would decompress to more than the bound is refused', async () => {
  const { url } = await run({ messageBytesMax: 20 });
  expect(await post(url, oneSeries)).toMatchObject({ status: 413 });
});

test('requests beyond the bound are turned away unread, with the time to come back', async () => {
  const { url, peers } = await run({ requestsInflightMax: 2 });
  const { behaviour, waiting } = heldBack();
  for (const address of ['a:1', 'b:1', 'c:1']) peers.behaviours.set(address, behaviour);
  const admitted = [post(url, oneSeries), post(url, oneSeries)];
  await until(() => waiting.length === 6);
  const refused = await post(url, oneSeries);
  expect(refused).toMatchObject({ status: 503, text: 'Cannot admit write: 2 requests are in flight\n' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  for (const answer of waiting) answer();
  expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200]);
  peers.behaviours.clear();
  expect((await post(url, oneSeries)).status).toBe(200);
});

test('bytes in flight are bounded, but an empty router takes any admissible body', async () => {
  const { url, peers } = await run({ bytesInflightMax: 10 });
  const { behaviour, waiting } = heldBack();
  for (const address of ['a:1', 'b:1', 'c:1']) peers.behaviours.set(address, behaviour);
  const admitted = post(url, oneSeries);
  await until(() => waiting.length === 3);
  expect((await post(url, oneSeries)).status).toBe(503);
  for (const answer of waiting) answer();
  expect((await admitted).status).toBe(200);
});

test('stopping answers what is under way and refuses the rest', async () => {
  const { router, url, peers } = await run();
  const { behaviour, waiting } = heldBack();
  for (const address of ['a:1', 'b:1', 'c:1']) peers.behaviours.set(address, behaviour);
  const underWay = post(url, oneSeries);
  await until(() => waiting.length === 3);
  const stopped = router.stop(60_000);
  expect(router.ready()).toBe(false);
  await expect(post(url, oneSeries)).rejects.toThrow(); // Takes a new connection.
  // Over connections that are there writes are taken for a while.
  await until(() =>
    router.handleRemoteWrite(new Uint8Array(), 'identity').then(
      () => false,
      ({ kind }) => kind === 'unavailable',
    ),
  );
  for (const answer of waiting) answer();
  expect((await underWay).status).toBe(200);
  await stopped;
  expect(peers.open.size).toBe(0);
});

test('stopping breaks off what the grace period does not suffice for', async () => {
  const { router, url, peers } = await run({ forwardTimeoutMs: 60_000 });
  for (const address of ['a:1', 'b:1']) peers.behaviours.set(address, hangs);
  const underWay = post(url, oneSeries);
  await until(() => peers.calls.length === 3);
  await Promise.all([router.stop(10), expect(underWay).rejects.toThrow()]);
});

test('clients that only announce large bodies do not shut others out', async () => {
  const { url } = await run({ bytesInflightMax: 1000, writes: { bodyBytesMax: 1000 } });
  const idle = Array.from({ length: 20 }, () => open(url, { 'content-length': 1000 }));
  for (const { answer } of idle) answer.catch(() => {});
  expect((await post(url, oneSeries)).status).toBe(200);
  for (const { call } of idle) call.destroy();
});
