import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createIntake, snappyFramedDecode, snappyFramedEncode, type MessageSchema } from '@gauntlet/kernel';
import {
  decodeRejections,
  encodeThanosWriteRequest,
  encodeWriteRequest,
  encodeWriteRequestV2,
  verdictsMetadataKey,
  type Histogram,
  type SeriesInput,
} from '@gauntlet/remote-write';
import { connectPeer } from '@gauntlet/rpc';
import type { WriteOutcome, WriteSource } from '@gauntlet/write-http';
import { startUnderTest, type IngesterUnderTest } from './testing/running-ingester.js';

const running: IngesterUnderTest[] = [];
async function start(...args: Parameters<typeof startUnderTest>): Promise<IngesterUnderTest> {
  const one = await startUnderTest(...args);
  running.push(one);
  return one;
}
afterEach(async () => {
  for (const one of running.splice(0)) {
    await one.stop().catch(() => {});
    await one.removeDir();
  }
});

const t0 = 1_780_000_000_000;
const intake = createIntake({ messageBytesMax: 1 << 24 });

/** A request as a listener hands it on. */
class Source implements WriteSource {
  readonly tellsLostExemplars = true;
  scans = 0;
  isReleased = false;
  readonly #body: Uint8Array;
  readonly #schema: MessageSchema;

  constructor(body: Uint8Array, kind: 'prometheus' | 'prometheus-v2' = 'prometheus', tenant = 'team-a') {
    this.#body = body;
    this.#schema = { kind, tenant };
  }

  scan() {
    expect(this.isReleased).toBe(false);
    this.scans += 1;
    return intake.scan(this.#body, 'identity', this.#schema);
  }

  release(): void {
    this.isReleased = true;
  }
}

const series = (name: string, ...samples: (readonly [timestampMs: number, value: number])[]): SeriesInput => ({
  labels: [
    ['__name__', name],
    ['job', 'api'],
  ],
  samples: samples.map(([timestampMs, value]) => ({ timestampMs, value })),
});
const histogram = (timestampMs: number, count = 3n): Histogram => ({
  count: { int: count },
  sumBits: 0x4008000000000000n,
  schema: 0,
  zeroThresholdBits: 0n,
  zeroCount: { int: 0n },
  negativeSpans: [],
  negativeDeltas: [],
  negativeCountBits: [],
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveDeltas: [1n, 1n],
  positiveCountBits: [],
  resetHint: 0,
  timestampMs: BigInt(timestampMs),
  customValueBits: [],
});
const exemplar = (timestampMs: number, id: string) => ({
  labels: [[Buffer.from('trace'), Buffer.from(id)] as const],
  bits: 0n,
  timestampMs: BigInt(timestampMs),
});
const write = (one: IngesterUnderTest, ...timeseries: SeriesInput[]): Promise<WriteOutcome> =>
  one.ingester.writeTarget.write(new Source(encodeWriteRequest({ timeseries })));

test('what is stored is counted, and the client is told what is not', async () => {
  const one = await start({ exemplarsMax: 100 });
  const source = new Source(
    encodeWriteRequest({
      timeseries: [
        series('a', [t0, 1], [t0 + 1, 2]),
        { ...series('b', [t0, 1]), exemplars: [exemplar(t0, 'x'), exemplar(t0, 'y'.repeat(200))] },
        { ...series('h'), histograms: [histogram(t0), histogram(t0 + 1, 1000n)] },
        {
          labels: [
            ['z', '1'],
            ['a', 'twice "quoted"'],
          ],
          samples: [{ timestampMs: t0, value: 1 }],
        },
        series('a', [t0, 3], [t0 - 1, 4], [t0 + 1, 2]),
      ],
    }),
  );
  const outcome = await one.ingester.writeTarget.write(source);
  expect(outcome).toMatchObject({
    verdict: 'conflict',
    // The last sample is there already.
    written: { samples: 4, histograms: 1, exemplars: 1 },
    tenants: [{ tenant: 'team-a', series: 5, samples: 7 }],
  });
  expect(outcome.text).toBe(
    '4 errors: add 1 exemplars: label length for exemplar exceeds maximum of 128 UTF-8 characters; add 1 samples: invalid native histogram; ' +
      'add 1 series: out of order labels; add 2 samples: out of order sample ' +
      '(tenant "team-a": {__name__="b", job="api"}: label length for exemplar exceeds maximum of 128 UTF-8 characters; ' +
      'tenant "team-a": {__name__="h", job="api"}: invalid native histogram; ' +
      'tenant "team-a": {z="1", a="twice \\"quoted\\""}: out of order labels; ' +
      'tenant "team-a": {__name__="a", job="api"}: out of order sample (2 samples))',
  );
  expect(source.isReleased).toBe(true);
  // Opening the tenant takes a while.
  expect(source.scans).toBe(2);
  expect(await one.metric('prometheus_tsdb_head_samples_appended_total{tenant="team-a",type="float"}')).toBe(4);
});

test('a request that is stored has no text', async () => {
  const one = await start();
  expect(await write(one, series('a', [t0, 1]))).toEqual({
    verdict: 'stored',
    text: '',
    written: { samples: 1, histograms: 0, exemplars: 0 },
    tenants: [{ tenant: 'team-a', series: 1, samples: 1 }],
  });
});

test('exemplars of a series that nobody knows are told of, whether their tenant is open or not', async () => {
  const one = await start({ exemplarsMax: 10 });
  const alone: SeriesInput = { ...series('a'), exemplars: [exemplar(t0, 'x')] };
  const refused = { verdict: 'conflict', written: { samples: 0, histograms: 0, exemplars: 0 } };
  const closed = await write(one, alone);
  expect(closed).toMatchObject(refused);
  await write(one, series('b', [t0, 1]));
  expect(await write(one, alone)).toEqual(closed);
});

test('remote write 2.0 is stored, but for series that it does not allow', async () => {
  const one = await start({ exemplarsMax: 10 });
  const body = encodeWriteRequestV2({
    timeseries: [
      {
        labels: [
          ['job', 'api'],
          ['__name__', 'a'],
        ],
        samples: [{ timestampMs: t0, value: 1, startTimestampMs: t0 - 1000 }],
        exemplars: [exemplar(t0, 'x')],
        metadata: { type: 1, help: 'Help.', unit: 's' },
      },
      { labels: [['__name__', 'h']], histograms: [{ ...histogram(t0), startTimestampMs: BigInt(t0 - 1000) }] },
      { labels: [['job', 'nameless']], samples: [{ timestampMs: t0, value: 1 }] },
      { labels: [['__name__', Buffer.from([0xff])]], samples: [{ timestampMs: t0, value: 1 }] },
      { labels: [['__name__', 'without']] },
      {
        labels: [
          ['__name__', 'twice'],
          ['a', '1'],
          ['a', '2'],
        ],
        samples: [{ timestampMs: t0, value: 1 }],
      },
    ],
  });
  // A series with a reference beyond the symbols, and a sample.
  const bad = Buffer.from([0x2a, 9, 0x0a, 3, 0, 0xff, 0x7f, 0x12, 2, 0x10, 5]);
  const source = new Source(Buffer.concat([body, bad]), 'prometheus-v2');
  const outcome = await one.ingester.writeTarget.write(source);
  expect(outcome).toMatchObject({ verdict: 'conflict', written: { samples: 1, histograms: 1, exemplars: 1 } });
  for (const text of [
    '{job="nameless"}: invalid metric name or labels: no metric name',
    '{__name__="\\xff"}: invalid metric name or labels: not UTF-8',
    '{__name__="without"}: TimeSeries must contain at least one sample or histogram',
    '{__name__="twice", a="1", a="2"}: label set contains duplicate label names',
    '{}: invalid labels: reference outside of symbols table',
  ])
    expect(outcome.text).toContain(`tenant "team-a": ${text}`);
  expect(await one.metric('prometheus_tsdb_head_series{tenant="team-a"}')).toBe(2);
});

test('a tenant with as many series as it may have gets no new ones, and keeps those that it has', async () => {
  let limit = 2;
  const one = await start({ activeSeriesMax: (tenant) => (tenant === 'team-a' ? limit : 0) });
  const first = await write(one, series('a', [t0, 1]), series('b', [t0, 1]), series('c', [t0, 1], [t0 + 1, 1]));
  expect(first).toMatchObject({ verdict: 'limited', written: { samples: 2 } });
  expect(first.text).toBe(
    'add 2 samples: tenant has as many series as it may ' +
      '(tenant "team-a": {__name__="c", job="api"}: tenant has as many series as it may (2 samples))',
  );
  const second = await write(one, series('a', [t0 + 1, 1]), { ...series('h'), histograms: [histogram(t0)] });
  expect(second).toMatchObject({ verdict: 'limited', written: { samples: 1, histograms: 0 } });
  // A conflict beside it: the client may still send the rest again.
  expect(await write(one, series('a', [t0, 1]), series('c', [t0, 1]))).toMatchObject({ verdict: 'limited' });
  expect(await one.metric('ingester_series_limited_total{tenant="team-a"}')).toBe(3);
  expect(await one.metric('ingester_rejected_total{tenant="team-a",reason="seriesLimit"}')).toBe(4);
  limit = 3;
  expect(await write(one, series('c', [t0, 1]), series('d', [t0, 1]))).toMatchObject({ written: { samples: 1 } });
  limit = 0;
  expect(await write(one, series('d', [t0, 1]), series('e', [t0, 1]))).toMatchObject({ verdict: 'stored' });
  await one.write(['other', 'team-b']);
});

test('while it stops, it is not ready and stores nothing', async () => {
  const one = await start();
  const { writeTarget } = one.ingester;
  expect(writeTarget.ready).toBe(true);
  await one.stop();
  expect(writeTarget.ready).toBe(false);
  expect(await writeTarget.write(new Source(encodeWriteRequest({ timeseries: [series('a', [t0, 1])] })))).toEqual({
    verdict: 'unavailable',
    text: 'Cannot take write: the ingester is stopping',
    written: { samples: 0, histograms: 0, exemplars: 0 },
    tenants: [],
  });
});

test('a tenant that cannot be opened makes the write unavailable, whatever else is wrong with it', async () => {
  const one = await start();
  await writeFile(join(one.dir, 'team-a'), 'no directory');
  const outcome = await write(one, series('a', [t0, 1]), { labels: [], samples: [] });
  expect(outcome).toMatchObject({
    verdict: 'unavailable',
    text: expect.stringMatching(/^writing team-a data to local TSDB: /),
    written: { samples: 0, histograms: 0, exemplars: 0 },
    tenants: [{ tenant: 'team-a', series: 2, samples: 1 }],
  });
});

describe('over gRPC', () => {
  const path = '/thanos.WriteableStore/RemoteWrite';
  const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
  const message = (...tenants: (readonly [tenant: string, timeseries: SeriesInput[]])[]) => ({
    bytes: encodeThanosWriteRequest({ tenants: tenants.map(([tenant, timeseries]) => ({ tenant, timeseries })) }),
    compressed: false,
  });
  const call = async (
    { ingester }: IngesterUnderTest,
    metadata: Readonly<Record<string, string>>,
    sent: ReturnType<typeof message>,
  ): Promise<Buffer> => {
    const peer = connectPeer(`127.0.0.1:${ingester.grpcPort}`, { codec, metadata });
    try {
      return await peer.call(path, sent, { deadlineMs: Date.now() + 30_000 });
    } finally {
      peer.close();
    }
  };

  test('a router that reads verdicts gets them for the rows of the whole message, and others a status', async () => {
    const one = await start({ activeSeriesMax: (tenant) => (tenant === 'b' ? 1 : 0) });
    const sent = message(
      ['a', [series('a', [t0, 1], [t0 - 1, 1]), series('b', [t0, 1])]],
      ['b', [series('a', [t0, 1]), { labels: [], samples: [] }, series('b', [t0, 1])]],
    );
    const answer = await call(one, { [verdictsMetadataKey]: '1' }, sent);
    expect(decodeRejections(answer)).toEqual([
      { series: 0, item: 'sample', first: 1, count: 1, reason: 'outOfOrder' },
      { series: 3, item: 'series', first: 0, count: 1, reason: 'emptyLabel' },
      { series: 4, item: 'sample', first: 0, count: 1, reason: 'seriesLimit' },
    ]);
    expect(await call(one, { [verdictsMetadataKey]: '1' }, message(['a', [series('c', [t0, 1])]]))).toHaveLength(0);
    await expect(call(one, {}, message(['a', [series('a', [t0 - 1, 1])]]))).rejects.toMatchObject({
      kind: 'conflict',
      details:
        'writing a data to local TSDB: add 1 samples: out of order sample (tenant "a": {__name__="a", job="api"}: out of order sample)',
    });
    await expect(call(one, { [verdictsMetadataKey]: '0' }, sent)).rejects.toMatchObject({ kind: 'overloaded' });
  });

  test('ten offenders with long labels fit into a status', async () => {
    const one = await start();
    const long = Array.from({ length: 20 }, (_, i): SeriesInput => ({
      labels: [
        ['__name__', `a${i}`],
        ['text', '温度'.repeat(1000)],
      ],
      samples: [{ timestampMs: t0, value: 1 }],
    }));
    await call(one, {}, message(['a', long]));
    const other = long.map((one) => ({ ...one, samples: [{ timestampMs: t0, value: 2 }] }));
    await expect(call(one, {}, message(['a', other]))).rejects.toMatchObject({
      kind: 'conflict',
      details: expect.stringMatching(/^writing a data to local TSDB: add 20 samples: duplicate sample for timestamp/),
    });
  });

  test('start timestamps of samples and histograms are passed over', async () => {
    const one = await start();
    const field = (number: number, bytes: Buffer): Buffer => {
      const tag = number * 8 + 2;
      return Buffer.concat([
        Buffer.from(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]),
        Buffer.from([bytes.length]),
        bytes,
      ]);
    };
    const label = field(1, Buffer.concat([field(1, Buffer.from('__name__')), field(2, Buffer.from('x'))]));
    // Timestamp 7, start timestamp 5.
    const sample = field(2, Buffer.from([0x10, 7, 0x18, 5]));
    const encoded = encodeWriteRequest({ timeseries: [{ labels: [], samples: [], histograms: [histogram(9)] }] });
    const inner = encoded.subarray(encoded.indexOf(0x22) + 2);
    const withStart = field(4, Buffer.concat([inner, Buffer.from([0x88, 1, 5])]));
    const timeseries = field(1, Buffer.concat([label, sample, withStart]));
    const bytes = field(4, Buffer.concat([timeseries, field(2, Buffer.from('a'))]));
    expect(await call(one, { [verdictsMetadataKey]: '1' }, { bytes, compressed: false })).toHaveLength(0);
    expect(await one.metric('prometheus_tsdb_head_samples_appended_total{tenant="a",type="float"}')).toBe(2);
    expect(await one.metric('prometheus_tsdb_head_max_time{tenant="a"}')).toBe(9);
  });
});
