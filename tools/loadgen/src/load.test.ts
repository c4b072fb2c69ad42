import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { uncompress } from 'snappy';
import { Load, prepareBodies, type LoadAnswer } from './load.js';
import { summaryText } from './load-summary.js';

const shape = { series: 25, labelsPerSeries: 4, seriesPerRequest: 10, samplesPerSeries: 2 };

async function withReceiver<T>(
  answer: (
    body: Buffer,
    tenant: string | undefined,
    headers: IncomingHttpHeaders,
  ) => Promise<number | { status: number; headers: OutgoingHttpHeaders }>,
  use: (url: URL) => Promise<T>,
): Promise<T> {
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const tenant = request.headers['thanos-tenant'] as string | undefined;
      void answer(Buffer.concat(parts), tenant, request.headers).then((given) => {
        const { status, headers } = typeof given === 'number' ? { status: given, headers: {} } : given;
        response.writeHead(status, headers).end('no room\n');
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/receive`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('every body is sent in every round, with newer samples each time and always to the same tenant', async () => {
  const seen = new Map<string, Buffer[]>();
  const bodies = prepareBodies(shape);
  const result = await withReceiver(
    async (body, tenant) => {
      const plain = (await uncompress(body)) as Buffer;
      seen.set(tenant ?? '', [...(seen.get(tenant ?? '') ?? []), plain]);
      return 200;
    },
    (url) =>
      new Load({
        url,
        headers: {},
        connections: 2,
        tenants: ['a', 'b', 'c'],
        bodies,
        until: { rounds: 4 },
        signal: new AbortController().signal,
      }).run(),
  );
  expect(result).toMatchObject({ requests: 12, samplesAccepted: 25 * 2 * 4 });
  expect([...seen.keys()].sort()).toEqual(['a', 'b', 'c']);
  for (const received of seen.values()) {
    expect(received).toHaveLength(4);
    expect(new Set(received.map((plain) => plain.toString('base64'))).size).toBe(4);
    expect(new Set(received.map((plain) => plain.length)).size).toBe(1);
  }
});

test('refusals are counted by status, and the first text of each is kept', async () => {
  let count = 0;
  const result = await withReceiver(
    async () => ((count += 1) % 3 === 0 ? 503 : 200),
    (url) =>
      new Load({
        url,
        headers: {},
        connections: 1,
        tenants: [],
        bodies: prepareBodies(shape),
        until: { rounds: 1 },
        signal: new AbortController().signal,
      }).run(),
  );
  expect(Object.fromEntries(result.statuses)).toEqual({ 200: 2, 503: 1 });
  expect(result.examples.get('503')).toBe('no room');
  expect(summaryText({ result, costs: [] })).toContain('first 503: no room');
});

test('a load that is stopped gives what it has so far', async () => {
  const stop = new AbortController();
  let answered = 0;
  const result = await withReceiver(
    async () => {
      if ((answered += 1) === 5) stop.abort();
      return 200;
    },
    (url) =>
      new Load({
        url,
        headers: {},
        connections: 1,
        tenants: [],
        bodies: prepareBodies(shape),
        until: { durationMs: 60_000 },
        signal: stop.signal,
      }).run(),
  );
  expect(result.requests).toBe(4);
  expect(result.samplesAccepted).toBe(2 * (10 + 10 + 5 + 10));
});

test('a paced load spreads its requests over all connections, tells of each answer when it was due, and takes the times it is given', async () => {
  const bodies = prepareBodies({ series: 40, labelsPerSeries: 4, seriesPerRequest: 10, samplesPerSeries: 1 });
  const answers: LoadAnswer[] = [];
  const sent: Buffer[] = [];
  await withReceiver(
    async (body) => {
      sent.push((await uncompress(body)) as Buffer);
      return 200;
    },
    (url) =>
      new Load({
        url,
        headers: {},
        connections: 4,
        tenants: [],
        bodies,
        until: { rounds: 1 },
        samplesPerSecondMax: 200,
        timestampMsOf: (round) => 1_700_000_000_000 + round,
        onAnswer: (answer) => answers.push(answer),
        signal: new AbortController().signal,
      }).run(),
  );
  // 10 samples at 200 a second: one request every 50 ms, and not four at once.
  const due = answers.map(({ dueMs }) => dueMs).sort((a, b) => a - b);
  for (const [k, at] of due.slice(1).entries()) expect(Math.abs(at - (due[k] as number) - 50)).toBeLessThan(5);
  for (const { dueMs, sentMs, answeredMs, code } of answers) {
    expect(sentMs).toBeGreaterThanOrEqual(dueMs);
    expect(answeredMs).toBeGreaterThan(sentMs);
    expect(code).toBe('200');
  }
  const timestamp = Buffer.from([0x10, 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31]); // Field 2: 1,700,000,000,000.
  for (const plain of sent) expect(plain.includes(timestamp)).toBe(true);
});

test('requests of 2.0 have the headers that Prometheus sends, and count when all of their samples are told of as written', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const result = await withReceiver(
    async (_, _tenant, headers) => {
      seen.push(headers);
      return { status: 204, headers: { 'X-Prometheus-Remote-Write-Samples-Written': seen.length === 2 ? '19' : '20' } };
    },
    (url) =>
      new Load({
        url,
        headers: {},
        connections: 1,
        tenants: [],
        bodies: prepareBodies({ ...shape, series: 30, version: '2.0' }),
        until: { rounds: 1 },
        signal: new AbortController().signal,
      }).run(),
  );
  expect(Object.fromEntries(result.statuses)).toEqual({ 204: 2, MISCOUNTED: 1 });
  expect(result.samplesAccepted).toBe(40);
  expect(result.examples.get('MISCOUNTED')).toContain('204 tells of 19 samples');
  for (const headers of seen) {
    expect(headers).toMatchObject({
      'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '2.0.0',
    });
  }
});
