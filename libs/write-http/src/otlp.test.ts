import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createOtlpTranslator } from './otlp-translator.js';
import { fakeOtlp } from './testing/fake-otlp.js';
import { limitsOf } from './testing/fake-limits.js';
import { oneSeries, runListener, send, type Received, type Running } from './testing/run-listener.js';
import { Admission } from './index.js';
import { otlpBytesMax } from './otlp.js';

let running: Running;
const limits = limitsOf({ default: { bodyBytesMax: 5000, seriesMax: 10 }, tenants: { large: { bodyBytesMax: 0 } } });
beforeEach(async () => (running = await runListener({ otlp: fakeOtlp, limits, splitLabel: 'split' })));
afterEach(async () => {
  await running.stop();
  expect(running.faults).toEqual([]);
});

const protobuf = 'application/x-protobuf';
function post(body: Uint8Array | object, headers: Record<string, string> = {}): Promise<Received> {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  return send(running.port, { path: '/api/v1/otlp', body: bytes, headers: { 'content-type': protobuf, ...headers } });
}

test('what is taken whole is 200 without a body', async () => {
  expect(await post({ series: 2 }, { 'thanos-tenant': 'team' })).toMatchObject({ status: 200, body: '' });
  expect(running.target.writes).toEqual([{ team: ['__name__=metric_0', '__name__=metric_1'] }]);
});

test.each([protobuf, 'application/json'])('what is taken in part is told so in %s', async (type) => {
  const answer = await post({ series: 1, rejected: 3 }, { 'content-type': type });
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'content-type': type },
    body: `${type} 3 invalid temporality for metric "x"`,
  });
});

test('what is not taken at all is 400', async () => {
  expect(await post({ rejected: 3 })).toMatchObject({ status: 400, body: 'invalid temporality for metric "x"\n' });
});

test('nothing is a success', async () => {
  expect(await post(new Uint8Array(0))).toMatchObject({ status: 200, body: '' });
  expect(running.target.writes).toEqual([]);
});

const body = Buffer.from('{"series":1}');
test.each<[name: string, body: Uint8Array, headers: Record<string, string>, status: number, text: string]>([
  ['gzip', gzipSync(body), { 'content-encoding': 'gzip' }, 200, ''],
  ['identity', body, { 'content-encoding': 'identity' }, 200, ''],
  ['parameters of the type', body, { 'content-type': 'application/json; charset=utf-8' }, 200, ''],
  [
    'another type',
    body,
    { 'content-type': 'text/plain' },
    400,
    'unsupported content type: text/plain, supported: [application/json, application/x-protobuf]\n',
  ],
  [
    'no type',
    body,
    { 'content-type': '' },
    400,
    'unsupported content type: , supported: [application/json, application/x-protobuf]\n',
  ],
  [
    'another encoding',
    body,
    { 'content-encoding': 'snappy' },
    400,
    'unsupported compression: snappy. Only "gzip" or no compression supported\n',
  ],
  ['gzip that is none', body, { 'content-encoding': 'gzip' }, 400, 'gzip: invalid header\n'],
  ['gzip that is cut', gzipSync(body).subarray(0, -3), { 'content-encoding': 'gzip' }, 400, 'unexpected EOF\n'],
  ['gzip of nothing', Buffer.alloc(0), { 'content-encoding': 'gzip' }, 400, 'unexpected EOF\n'],
  ['a message that is none', Buffer.from('{'), {}, 400, 'unexpected EOF\n'],
  ['too much', Buffer.alloc(5001), {}, 413, 'write request too large\n'],
  [
    'too much when decompressed',
    gzipSync(Buffer.alloc(5001)),
    { 'content-encoding': 'gzip' },
    413,
    'write request too large\n',
  ],
  [
    'more than any request may have',
    gzipSync(Buffer.alloc(otlpBytesMax + 1)),
    { 'content-encoding': 'gzip', 'thanos-tenant': 'large' },
    413,
    'write request too large\n',
  ],
  ['too many series', Buffer.from('{"series":11}'), {}, 413, 'too many timeseries\n'],
  ['a bad replica', body, { 'thanos-replica': 'x' }, 400, 'could not parse replica header\n'],
  ['a bad tenant', body, { 'thanos-tenant': '..' }, 400, 'tenant name not valid\n'],
])('%s', async (_name, bytes, headers, status, text) => {
  expect(await post(bytes, headers)).toMatchObject({ status, body: text });
});

test('bodies count as what they decompress to', async () => {
  const { stop, port } = await runListener({
    otlp: fakeOtlp,
    admission: new Admission({ requestsInflightMax: 10, bytesInflightMax: 100_000 }),
  });
  const headers = { 'content-type': protobuf, 'content-encoding': 'gzip' };
  const bomb = { path: '/api/v1/otlp', body: gzipSync(Buffer.alloc(1_000_000)), headers };
  // Alone it passes, and is no message; two of them are more than there is room for.
  const statuses = (await Promise.all([1, 2, 3, 4].map(() => send(port, bomb)))).map(({ status }) => status);
  expect(new Set([...statuses, 400, 503])).toEqual(new Set([400, 503]));
  expect(statuses).toContain(503);
  await stop();
});

test('a large body is taken, with others being served while it is translated', async () => {
  const points = Array.from({ length: 20_000 }, (_, index) => ({
    asInt: index,
    attributes: [{ key: 'n', value: { stringValue: String(index) } }],
  }));
  const large = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'g', gauge: { dataPoints: points } }] }] }] };
  const otlp = createOtlpTranslator({ targetInfo: true, promoteResourceAttributes: [] });
  let isTranslating = false;
  const { stop, port, target } = await runListener({
    otlp: {
      ...otlp,
      async translate(...call) {
        isTranslating = true;
        const translation = await otlp.translate(...call);
        isTranslating = false;
        return translation;
      },
    },
  });
  const sent = send(port, {
    path: '/api/v1/otlp',
    body: Buffer.from(JSON.stringify(large)),
    headers: { 'content-type': 'application/json' },
  });
  let servedMeanwhile = 0;
  let answer: Received | undefined;
  void sent.then((received) => (answer = received));
  while (answer === undefined) {
    expect((await send(port, { body: oneSeries })).status).toBe(200);
    if (isTranslating) servedMeanwhile += 1;
  }
  expect(answer.status).toBe(200);
  expect(servedMeanwhile).toBeGreaterThan(0);
  expect(target.writes.some((write) => Object.values(write)[0]?.length === 20_000)).toBe(true);
  await stop();
});

test('a client that goes away ends the translation, and what it held is given back', async () => {
  let onSignal = (_signal: AbortSignal): void => {};
  const translating = new Promise<AbortSignal>((resolve) => (onSignal = resolve));
  const { stop, port, admission, faults } = await runListener({
    otlp: {
      ...fakeOtlp,
      translate: (_body, _type, signal) => {
        onSignal(signal);
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      },
    },
  });
  const call = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/v1/otlp',
    headers: { 'content-type': protobuf },
  });
  call.on('error', () => {});
  call.end(body);
  const signal = await translating;
  call.destroy();
  await admission.drain();
  expect(signal.aborted).toBe(true);
  expect(faults).toEqual([]);
  await stop();
});

test('without a translator there is no such path', async () => {
  const { stop, port } = await runListener();
  expect((await send(port, { path: '/api/v1/otlp', body })).status).toBe(404);
  await stop();
});
