import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { until } from '@gauntlet/base/testing';
import type { StatusRequest } from './status.js';
import { runListener, send } from './testing/run-listener.js';

const path = '/api/v1/status/tsdb';

test('a process without series says so, and before it is ready that it cannot', async () => {
  const { stop, target, port } = await runListener();
  expect(await send(port, { method: 'GET', path })).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' },
    body: '{"status":"success","data":[]}',
  });
  target.ready = false;
  expect((await send(port, { method: 'GET', path })).status).toBe(500);
  await stop();
});

test('a handler gets query and headers, and its answer may go compressed', async () => {
  const status = ({ query, header }: StatusRequest) => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: `${query.get('limit')} ${header('THANOS-tenant')} ${query.get('none')}`,
  });
  const { stop, port } = await runListener({ status });
  const sent = { method: 'GET', path: `${path}?limit=2&x=%zz`, headers: { 'thanos-tenant': 'a' } };
  expect(await send(port, sent)).toMatchObject({ status: 200, body: '2 a null' });
  const compressed = await new Promise<Buffer>((resolve) =>
    request({ port, ...sent, headers: { ...sent.headers, 'accept-encoding': 'gzip' }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      expect(response.headers['content-encoding']).toBe('gzip');
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
    }).end(),
  );
  expect(gunzipSync(compressed).toString()).toBe('2 a null');
  await stop();
});

test('a handler hears that the client has gone', async () => {
  let signal: AbortSignal | undefined;
  const status = (asked: StatusRequest): Promise<never> => {
    ({ signal } = asked);
    return new Promise((_, reject) =>
      asked.signal.addEventListener('abort', () => reject(asked.signal.reason as Error)),
    );
  };
  const { stop, port, faults } = await runListener({ status });
  const call = request({ port, path, agent: false }).on('error', () => {});
  call.end();
  await until(() => signal !== undefined);
  call.destroy();
  await until(() => signal!.aborted);
  await stop();
  expect(faults).toEqual([]);
});
