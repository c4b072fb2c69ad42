import { snappyBlockEncode } from '@gauntlet/kernel';
import { encodeWriteRequestV2 } from '@gauntlet/remote-write';
import { encodeExportResponse, translateMetrics } from '@gauntlet/otlp';
import fc from 'fast-check';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { bodyOf, runListener, send, seriesOf, typeV2, type Running } from './testing/run-listener.js';

let running: Running;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
beforeAll(async () => {
  running = await runListener({
    splitLabel: 'team',
    relabel: (labels) => [...labels],
    otlp: {
      translate: (body, type) => translateMetrics(body, type, { targetInfo: true, promoteResourceAttributes: [] }),
      encodeResponse: encodeExportResponse,
    },
  });
});
afterAll(async () => {
  agent.destroy();
  await running.stop();
});
afterEach(() => {
  expect(running.faults).toEqual([]);
  running.target.writes.splice(0);
});

/** What may be said of anything a client can send. */
const fit = [200, 204, 400, 409, 413, 415];

const header = fc.string({
  unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code === 127 ? 128 : code)),
  maxLength: 40,
});
const sound = [
  bodyOf(seriesOf({ __name__: 'up', job: 'a', team: 'x' }, { b: '1', a: '2' })),
  snappyBlockEncode(encodeWriteRequestV2({ timeseries: seriesOf({ __name__: 'up', team: 'y' }, { job: 'a' }) })),
  Buffer.from(
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}',
  ),
];
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => snappyBlockEncode(bytes)),
  fc.constantFrom(...sound),
  fc
    .tuple(fc.constantFrom(...sound), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
    .map(([bytes, changes]) => {
      const damaged = Buffer.from(bytes);
      for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
      return damaged;
    }),
);
const headers = fc.record(
  {
    'content-type': fc.oneof(header, fc.constantFrom('application/x-protobuf', typeV2, 'application/json')),
    'content-encoding': fc.oneof(header, fc.constantFrom('snappy', 'gzip', '')),
    'thanos-tenant': header,
    'thanos-replica': fc.oneof(header, fc.bigInt(0n, 2n ** 70n).map(String)),
    'x-request-id': header,
    'transfer-encoding': fc.constant('chunked'),
  },
  { requiredKeys: [] },
);

test('whatever headers and bodies say, the answer is a success or the fault of the client', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('/api/v1/receive', '/api/v1/otlp'), headers, body, async (path, fields, bytes) => {
      const { status } = await send(running.port, { path, headers: fields, body: bytes, agent });
      expect(fit).toContain(status);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['no HTTP', 'hello\r\n\r\n'],
  ['a path that does not decode', 'POST /api/v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['a target with authority', 'GET http://[::/api/v1/status/tsdb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['a path of slashes', 'GET ////api//v1///status/tsdb/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ['no host', 'POST /api/v1/receive HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['two lengths', 'POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  [
    'length and chunks',
    'POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
  ['a negative length', 'POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
  [
    'a length beyond all numbers',
    `POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nContent-Length: 1${'0'.repeat(30)}\r\n\r\n`,
  ],
  ['a chunk that is none', 'POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['headers without end', `POST /api/v1/receive HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
])('%s is told so, and the next request is served', async (_name, text) => {
  const answer = await new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(running.port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      socket.end();
    });
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)));
    socket.on('close', () => resolve(received));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 (4\d\d|301) /);
  expect((await send(running.port, { body: sound[0]! })).status).toBe(409); // Labels out of order.
});

test('a message of ten thousand labels, and one of hundreds of tenants, are taken; one of thousands is refused', async () => {
  const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`l${String(i).padStart(5, '0')}`, 'x']));
  expect((await send(running.port, { body: bodyOf(seriesOf(labels)) })).status).toBe(200);
  const tenants = Array.from({ length: 5000 }, (_, i) => ({ a: 'x', team: `t${i}` }));
  const statusOf = async (count: number): Promise<number> =>
    (await send(running.port, { body: bodyOf(seriesOf(...tenants.slice(0, count))) })).status;
  expect([await statusOf(400), await statusOf(5000)]).toEqual([200, 400]);
});

test('a block that declares more than it holds, or than may be, costs nothing', async () => {
  const declared = (bytes: number): Buffer => {
    const prefix: number[] = [];
    for (; bytes >= 128; bytes = Math.floor(bytes / 128)) prefix.push((bytes % 128) | 128);
    return Buffer.from([...prefix, bytes, 0, 0x78]);
  };
  expect((await send(running.port, { body: declared(2 ** 32 - 1) })).status).toBe(400);
  const bomb = snappyBlockEncode(Buffer.alloc(5_000_000)); // The intake takes 4 MiB.
  expect((await send(running.port, { body: bomb })).status).toBe(413);
});
