import { until } from '@gauntlet/base/testing';
import { Agent, request, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Admission, type WriteListenerOptions } from './index.js';
import { limitsOf } from './testing/fake-limits.js';
import { bodyOf, oneSeries, runListener, send, seriesOf, type Running } from './testing/run-listener.js';

const all: Running[] = [];
async function run(options?: Partial<WriteListenerOptions>): Promise<Running> {
  const running = await runListener(options);
  all.push(running);
  return running;
}
afterEach(async () => {
  for (const running of all.splice(0)) {
    await running.stop();
    expect(running.faults).toEqual([]);
  }
});

/** A POST whose body is still to be sent. */
function open(
  port: number,
  headers: Record<string, string | number>,
): { call: ClientRequest; answer: Promise<{ status: number; text: string }> } {
  const call = request({ host: '127.0.0.1', port, path: '/api/v1/receive', method: 'POST', headers, agent: false });
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

/** A target that answers when it is told to. */
function holdBack({ target }: Running): (() => void)[] {
  const waiting: (() => void)[] = [];
  target.answer = (stored) => new Promise((resolve) => waiting.push(() => resolve(stored)));
  return waiting;
}

const small = (limits: Partial<ConstructorParameters<typeof Admission>[0]>): Admission =>
  new Admission({ requestsInflightMax: 100, bytesInflightMax: 100_000, ...limits });

test('a declared length over the bound is refused before any of the body is sent', async () => {
  const { port } = await run({ bodyBytesMax: 1000 });
  const { answer, call } = open(port, { 'content-length': 1001 });
  expect(await answer).toEqual({ status: 413, text: 'write request too large\n' });
  call.destroy();
});

test('a body without declared length is refused where it passes the bound', async () => {
  const { port } = await run({ bodyBytesMax: 1000 });
  const { answer, call } = open(port, { 'transfer-encoding': 'chunked' });
  call.write(Buffer.alloc(600));
  call.write(Buffer.alloc(600));
  expect(await answer).toEqual({ status: 413, text: 'write request too large\n' });
  call.destroy();
});

test('a connection ends with a body that was too large, of which more may come', async () => {
  const { port } = await run({ bodyBytesMax: 1000 });
  const agent = new Agent({ keepAlive: true });
  const { headers } = await send(port, { body: Buffer.alloc(1001), agent });
  expect(headers['connection']).toBe('close');
  expect((await send(port, { body: Buffer.alloc(10), agent })).headers['connection']).toBe('keep-alive');
  agent.destroy();
});

test('requests beyond the bound are turned away unread, with the time to come back', async () => {
  const running = await run({ admission: small({ requestsInflightMax: 2 }), random: () => 0 });
  const waiting = holdBack(running);
  const admitted = [send(running.port, { body: oneSeries }), send(running.port, { body: oneSeries })];
  await until(() => waiting.length === 2);
  expect(await send(running.port, { body: oneSeries })).toMatchObject({
    status: 503,
    body: 'Cannot admit write: 2 requests are in flight\n',
    headers: { 'retry-after': '1' },
  });
  for (const answer of waiting) answer();
  expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200]);
});

test('bytes in flight are bounded, but an otherwise empty process takes any admissible body', async () => {
  const running = await run({ admission: small({ bytesInflightMax: 10 }) });
  const waiting = holdBack(running);
  const admitted = send(running.port, { body: oneSeries });
  await until(() => waiting.length === 1);
  expect((await send(running.port, { body: oneSeries })).status).toBe(503);
  for (const answer of waiting) answer();
  expect((await admitted).status).toBe(200);
});

test('clients that send slowly, or only announce, shut nobody out', async () => {
  const { port } = await run({ admission: small({ requestsInflightMax: 1, bytesInflightMax: 1000 }) });
  const idle = Array.from({ length: 20 }, () => open(port, { 'content-length': 1000 }));
  for (const { answer, call } of idle) {
    answer.catch(() => {});
    call.write(Buffer.alloc(1));
  }
  expect((await send(port, { body: oneSeries })).status).toBe(200);
  for (const { call } of idle) call.destroy();
});

test('a client that goes away in the middle of its body gives back what it held', async () => {
  const { port, admission } = await run();
  const { call, answer } = open(port, { 'content-length': 1000 });
  call.write(Buffer.alloc(10));
  answer.catch(() => {});
  expect((await send(port, { body: oneSeries })).status).toBe(200);
  call.destroy();
  await admission.drain();
});

test('a body that does not come is answered 408 in the end', async () => {
  const { port, admission } = await run({ requestMsMax: 100 });
  const { answer } = open(port, { 'content-length': 1000 });
  expect((await answer).status).toBe(408);
  await admission.drain();
});

test('headers that do not come are answered 408 in the end', async () => {
  const { port } = await run({ requestMsMax: 100 });
  const { text } = await raw(port, 'POST /api/v1/receive HTTP/1.1\r\nHost: x\r\n');
  expect(text).toMatch(/^HTTP\/1.1 408 /);
});

describe('the gate', () => {
  /** A gate for one. */
  function gateForOne(): { limits: ReturnType<typeof limitsOf>; waiting: () => number } {
    let isTaken = false;
    const waiting = new Set<() => void>();
    const enter = (signal: AbortSignal): Promise<() => void> =>
      new Promise((resolve, reject) => {
        const pass = (): void => {
          waiting.delete(pass);
          isTaken = true;
          resolve(() => {
            isTaken = false;
            for (const next of waiting) return next();
          });
        };
        if (!isTaken) return pass();
        waiting.add(pass);
        signal.addEventListener('abort', () => {
          if (waiting.delete(pass)) reject(signal.reason as Error);
        });
      });
    return { limits: limitsOf({ enter }), waiting: () => waiting.size };
  }

  test('lets requests wait for each other', async () => {
    const { limits, waiting } = gateForOne();
    const running = await run({ limits });
    const held = holdBack(running);
    const answers = [send(running.port, { body: oneSeries }), send(running.port, { body: oneSeries })];
    await until(() => held.length === 1 && waiting() === 1);
    held[0]!();
    await until(() => held.length === 2);
    held[1]!();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test('forgets a client that goes away while it waits, and nobody else', async () => {
    const { limits, waiting } = gateForOne();
    const running = await run({ limits });
    const held = holdBack(running);
    const first = send(running.port, { body: oneSeries });
    await until(() => held.length === 1);
    const { call, answer } = open(running.port, { 'content-length': oneSeries.length });
    answer.catch(() => {});
    call.end(oneSeries);
    await until(() => waiting() === 1);
    call.destroy();
    await until(() => waiting() === 0);
    expect(held.length).toBe(1);
    held[0]!();
    expect((await first).status).toBe(200);
    const third = send(running.port, { body: oneSeries });
    await until(() => held.length === 2);
    held[1]!();
    expect((await third).status).toBe(200);
  });

  test('tells a request that waits too long to come back', async () => {
    const clock = {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sleep: (_ms: number, signal?: AbortSignal) =>
        signal?.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve(),
    };
    const enter = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const { port } = await run({ limits: limitsOf({ enter }), clock });
    const answer = await send(port, { body: oneSeries });
    expect(answer).toMatchObject({ status: 503, body: 'Cannot admit write: too many requests are before it\n' });
    expect(answer.headers['retry-after']).toBeDefined();
  });
});

test('stopping answers what is under way, ends the connections and refuses the rest', async () => {
  const running = await run();
  const held = holdBack(running);
  const agent = new Agent({ keepAlive: true });
  const underWay = send(running.port, { body: oneSeries, agent });
  await until(() => held.length === 1);
  const stopped = running.listener.stopListening(0);
  const drained = running.admission.drain();
  await expect(send(running.port, { body: oneSeries })).rejects.toThrow();
  held[0]!();
  expect(await underWay).toMatchObject({ status: 200, headers: { connection: 'close' } });
  await drained;
  await stopped;
  agent.destroy();
});

test('a connection serves one request after another', async () => {
  const { port, target } = await run();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const name of ['a', 'b', 'c']) {
    const { status } = await send(port, { body: bodyOf(seriesOf({ __name__: name })), agent });
    expect(status).toBe(200);
  }
  expect(target.writes).toHaveLength(3);
  agent.destroy();
});

test('our own bugs are told to the log and not to the client', async () => {
  const running = await run();
  running.target.answer = () => Promise.reject(new Error('secret'));
  expect(await send(running.port, { body: oneSeries })).toMatchObject({ status: 500, body: 'internal error\n' });
  expect(running.faults.splice(0)).toEqual([new Error('secret')]);
});

test('a target that stops being ready while the body comes gets nothing', async () => {
  const { port, target } = await run();
  const { call, answer } = open(port, { 'content-length': oneSeries.length });
  call.write(oneSeries.subarray(0, 5));
  await send(port, { body: oneSeries });
  target.ready = false;
  call.end(oneSeries.subarray(5));
  expect(await answer).toEqual({ status: 503, text: 'Service Unavailable' });
  expect(target.writes).toHaveLength(1);
});

/** What comes back for bytes as they are, until the connection is closed. */
function raw(port: number, text: string): Promise<{ text: string; socket: Socket }> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve({ text: received, socket }));
  });
}

test('a client that is still sending reads why its body is too large, instead of a broken connection', async () => {
  const { port } = await run({ bodyBytesMax: 1000 });
  const length = 50_000_000;
  const outcome = await new Promise<string>((resolve) => {
    let received = '';
    let sent = 0;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
      send();
    });
    // As a sender that first writes all of its request, and reads then.
    const send = (): void => {
      while (sent < length) {
        sent += 50_000;
        if (!socket.write(Buffer.alloc(50_000))) return void socket.once('drain', send);
      }
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    };
    socket.on('error', (error) => resolve(`${received}${error.message}`));
    socket.on('close', () => resolve(received));
  });
  expect(outcome).toMatch(/^HTTP\/1\.1 413 (.|\r\n)*\r\n\r\nwrite request too large\n$/);
});
