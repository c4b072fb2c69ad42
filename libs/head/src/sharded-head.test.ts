import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { decodeXor } from '@gauntlet/chunk';
import { RecordCorruptError, createHead, hasRef, type Head, type HeadSeries, type Rejections } from './index.js';
import { compareCanonicalLabels } from '@gauntlet/model';
import { canonicalLabels, layOutBatch, type TestLabels, type TestRow } from './testing/lay-out-batch.js';
import { ModelHead, type ModelSeries } from './testing/model-head.js';
import { countItems, refusedItems } from './testing/refused-items.js';
import { decodeSamplesRecord, decodeSeriesRecord } from './testing/wal-records.js';

const t0 = 1_700_000_000_000n;
const one = 0x3ff0000000000000n;
const stale = 0x7ff0000000000002n;
const unbounded = { timestampMsMax: Infinity };
const up = (job: string, ...samples: (readonly [t: bigint, bits: bigint])[]): TestRow => ({
  labels: [
    ['__name__', 'up'],
    ['job', job],
  ],
  samples: samples.map(([t, bits]) => ({ t, bits })),
});

interface SeriesCopy {
  readonly ref: number;
  readonly labels: string;
  readonly chunks: readonly {
    readonly minTimeMs: number;
    readonly maxTimeMs: number;
    readonly sampleCount: number;
    readonly data: string;
  }[];
}

function copy(series: HeadSeries): SeriesCopy {
  const chunks = series.chunks.map(({ minTimeMs, maxTimeMs, sampleCount, data }) => ({
    minTimeMs,
    maxTimeMs,
    sampleCount,
    data: Buffer.from(data!).toString('hex'),
  }));
  return { ref: series.ref, labels: Buffer.from(series.labels).toString('hex'), chunks };
}

function readAll(head: Head, min = -Infinity, max = Infinity): SeriesCopy[] {
  const cursor = head.cursor(min, max);
  while (cursor.prepare(0));
  const all: SeriesCopy[] = [];
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) all.push(copy(series));
  expect(cursor.next()).toBeUndefined();
  cursor.close();
  return all;
}

/** What the model holds, in the order in which a cursor returns it. */
function modelSeries(model: ModelHead): SeriesCopy[] {
  return [...model.series.values()]
    .map((series: ModelSeries) => ({ series, labels: canonicalLabels(series.labels) }))
    .sort((a, b) => compareCanonicalLabels(a.labels, b.labels))
    .map(({ series, labels }) => ({
      ref: series.ref,
      labels: labels.toString('hex'),
      chunks: series.chunks.map(({ appender, minTimeMs, maxTimeMs }) => ({
        minTimeMs,
        maxTimeMs,
        sampleCount: appender.sampleCount,
        data: Buffer.from(appender.bytes()).toString('hex'),
      })),
    }));
}

const verdict = (labels: TestLabels): keyof Rejections | undefined => {
  if (labels.length === 0 || labels.some(([name, value]) => name === '' || value === '')) return 'emptyLabel';
  for (let i = 1; i < labels.length; i += 1) {
    if (labels[i - 1]![0] === labels[i]![0]) return 'duplicateLabel';
    if (labels[i - 1]![0] > labels[i]![0]) return 'unsortedLabel';
  }
  return undefined;
};

test('the example of the specification is logged byte for byte', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const { records } = head.append(layOutBatch([up('a', [t0, one]), up('b', [t0, one])]), 0, unbounded);
  expect(records.map((record) => Buffer.from(record).toString('hex').toUpperCase())).toEqual([
    '01000000000000000102085F5F6E616D655F5F027570036A6F62016100000000000000020208' +
      '5F5F6E616D655F5F027570036A6F620162',
    '0200000000000000010000018BCFE5680000003FF000000000000002003FF0000000000000',
  ]);
});

describe('a sample at', () => {
  const head = () => {
    const it = createHead({ chunkRangeMs: 7_200_000 });
    it.append(layOutBatch([up('old', [t0 - 3_000_000n, one]), up('a', [t0, one])]), 0, unbounded);
    return it;
  };
  test.each<[string, TestRow, Partial<Rejections>, number, number]>([
    ['a later time is stored', up('a', [t0 + 1n, one]), {}, 1, 1],
    ['the last time with the same bits is logged and not stored', up('a', [t0, one]), {}, 0, 1],
    ['the last time with other bits is a duplicate', up('a', [t0, stale]), { duplicate: 1 }, 0, 0],
    ['an earlier time within an hour is out of order', up('a', [t0 - 3_600_000n, one]), { outOfOrder: 1 }, 0, 0],
    ['more than an hour before the newest is out of bounds', up('b', [t0 - 3_600_001n, one]), { outOfBounds: 1 }, 0, 0],
    ['a time beyond the limit is out of bounds', up('b', [t0 + 10_001n, one]), { outOfBounds: 1 }, 0, 0],
    ['two equal times of one request conflict', up('b', [t0, one], [t0, 0n]), { duplicate: 1 }, 1, 1],
    ['two falling times of one request conflict', up('b', [t0, one], [t0 - 1n, 0n]), { outOfOrder: 1 }, 1, 1],
  ])('%s', (_name, row, rejected, appended, logged) => {
    const result = head().append(layOutBatch([row]), 0, { timestampMsMax: Number(t0) + 10_000 });
    expect(result.rejected).toMatchObject(rejected);
    expect(Object.values(result.rejected).reduce((a, b) => a + b)).toBe(Object.keys(rejected).length);
    expect(result.hasRejections).toBe(Object.keys(rejected).length > 0);
    expect(result.samplesAppended).toBe(appended);
    const samples = result.records.find((record) => record[0] === 2);
    expect(samples === undefined ? 0 : decodeSamplesRecord(samples).length).toBe(logged);
  });
});

test('the ends of int64 are stored and read back exactly', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const times = [-(2n ** 63n), -(2n ** 53n) - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n];
  for (const t of times) head.append(layOutBatch([up('a', [t, one])]), 0, unbounded);
  const cursor = head.cursor(-Infinity, Infinity);
  const { chunks } = cursor.next()!;
  expect(chunks.flatMap(({ data }) => decodeXor(data!)).map(({ timestampMs }) => timestampMs)).toEqual(times);
  cursor.close();
});

const names = ['__name__', 'a', 'b', 'instance', 'job'];
const anyLabels: fc.Arbitrary<TestLabels> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.integer({ min: 0, max: 30 }).map((i): TestLabels => [
      ['__name__', 'm' + String(i % 7)],
      ['job', 'j'.repeat((i % 4) + 1)],
      ['z', String(i)],
    ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .uniqueArray(fc.constantFrom(...names), { minLength: 1 })
      .chain((picked) =>
        fc.tuple(
          ...picked
            .sort()
            .map((name) => fc.tuple(fc.constant(name), fc.string({ minLength: 1, maxLength: 300, unit: 'binary' }))),
        ),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(fc.constantFrom('', 'a', 'b'), fc.constantFrom('', 'v')), { maxLength: 3 }),
  },
);
const base = 1_699_999_200_000; // A multiple of the range.
const rangeMs = 600_000;
const anyTime = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((i) => base + i * 15_000) },
  { weight: 2, arbitrary: fc.integer({ min: base - 10, max: base + 10 * rangeMs }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(base + rangeMs, base + rangeMs - 1, base + 2 * rangeMs, 0, -1, base + 100 * rangeMs),
  },
);
const anyBits = fc.oneof(
  fc.constantFrom(0n, one, stale, 2n ** 63n),
  fc.integer({ min: 0, max: 5 }).map((i) => 0x4000000000000000n + BigInt(i) * 2n ** 40n),
  fc.bigInt(0n, 2n ** 64n - 1n),
);
const anyRow: fc.Arbitrary<TestRow> = fc.record({
  labels: anyLabels,
  samples: fc.oneof(
    fc.array(fc.record({ t: anyTime.map(BigInt), bits: anyBits }), { maxLength: 4 }),
    // A run long enough for several chunks.
    fc
      .record({ t: anyTime, step: fc.constantFrom(1, 1000, 15_000), bits: fc.array(anyBits, { maxLength: 60 }) })
      .map(({ t, step, bits }) => bits.map((b, i) => ({ t: BigInt(t + i * step), bits: b }))),
  ),
});
type Step =
  | {
      readonly kind: 'append';
      readonly rows: readonly TestRow[];
      readonly max: number;
      readonly createdMax?: number | undefined;
    }
  | { readonly kind: 'truncate'; readonly t: number }
  | { readonly kind: 'reopen' };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      rows: fc.array(anyRow, { maxLength: 40 }),
      max: fc.constantFrom(Infinity, base + 9 * rangeMs),
      createdMax: fc.option(fc.nat(3), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('truncate' as const), t: anyTime }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

const tinySlices = { rows: 3, samples: 5, labelBytes: 200 };

test.each([
  { shardBytesMax: 2 ** 31 },
  { shardBytesMax: 1 },
  { shardBytesMax: 2 ** 31, sliceLimits: tinySlices },
  { shardBytesMax: 1, sliceLimits: tinySlices },
])(
  'appends, truncations and replays give what plain objects give, with shards of $shardBytesMax bytes and slices of $sliceLimits',
  (limits) => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { minLength: 1, maxLength: 12 }),
        fc.constantFrom(8, 120),
        (steps, samplesPerChunk) => {
          const options = { chunkRangeMs: rangeMs, samplesPerChunk, ...limits };
          const head = createHead(options);
          const model = new ModelHead(options);
          const wal: Uint8Array[] = [];
          const removed = new Set<number>();
          for (const step of steps) {
            if (step.kind === 'append') {
              // 0 is no bound.
              const seriesMax = step.createdMax === undefined ? 0 : head.seriesCount + step.createdMax;
              const result = head.append(layOutBatch([up('of another tenant')], step.rows), 1, {
                timestampMsMax: step.max,
                seriesMax,
              });
              const records = result.records.map((record) => record.slice());
              const expected = model.append(step.rows, step.max, verdict, seriesMax === 0 ? Infinity : seriesMax);
              const items = refusedItems(result.rejections);
              expect(items).toEqual(
                expected.refused.map((item) => item.replace(/^\d+/, (i) => String(Number(i) + 1))).sort(),
              );
              expect(result.rejected).toEqual(countItems(items));
              expect(result.hasRejections).toBe(items.length > 0);
              expect(result.samplesAppended).toBe(expected.appended);
              expect(records.filter((r) => r[0] === 1).flatMap(decodeSeriesRecord)).toEqual(
                expected.created.map(({ ref, labels }) => ({
                  ref,
                  labels: labels.map(([name, value]) => [name, value]),
                })),
              );
              // Several shards log their samples one after the other.
              const order = (a: readonly [number, number, bigint], b: readonly [number, number, bigint]) => a[0] - b[0];
              expect(
                records
                  .filter((r) => r[0] === 2)
                  .flatMap(decodeSamplesRecord)
                  .sort(order),
              ).toEqual(expected.logged.sort(order));
              wal.push(...records);
            } else if (step.kind === 'truncate') {
              const before = new Set([...model.series.values()].map(({ ref }) => ref));
              while (head.truncate(step.t, 0));
              model.truncate(step.t);
              for (const { ref } of model.series.values()) before.delete(ref);
              for (const ref of before) removed.add(ref);
            } else {
              const reopened = createHead(options);
              reopened.minValidTimeMs = head.minValidTimeMs;
              for (const record of wal) reopened.replay(record);
              // What was removed comes back without samples, and chunks may be cut elsewhere: compare samples.
              expect(samplesOf(reopened, head.minValidTimeMs)).toEqual(samplesOf(head, head.minValidTimeMs));
            }
            expect(readAll(head)).toEqual(modelSeries(model));
            model.finishChunks();
            expect(head.seriesCount).toBe(model.series.size);
            expect(head.chunkCount).toBe(
              [...model.series.values()].reduce((sum, { chunks }) => sum + chunks.length, 0),
            );
            expect({ min: head.minTimeMs, max: head.maxTimeMs, valid: head.minValidTimeMs }).toEqual({
              min: model.minTimeMs,
              max: model.maxTimeMs,
              valid: model.minValidTimeMs,
            });
            const kept = head.refsForCheckpoint(Infinity);
            for (const { ref } of model.series.values()) expect(hasRef(kept, ref)).toBe(true);
            for (const ref of removed) expect(hasRef(kept, ref)).toBe(false);
          }
        },
      ),
      { numRuns: 50 },
    );
  },
);

/** Samples by labels, those below `from` left out. */
function samplesOf(head: Head, from: number): Map<string, string[]> {
  const all = readAll(head, from).map(({ labels, chunks }): [string, string[]] => [
    labels,
    chunks
      .flatMap(({ data }) => decodeXor(Buffer.from(data, 'hex')))
      .map(({ timestampMs, bits }) => `${timestampMs} ${bits}`),
  ]);
  return new Map(all);
}

test('float samples are logged as Prometheus logs them, under the refs that its log has given', () => {
  const recorded = readFileSync(join(__dirname, '../testdata/recorded/writer/wal-records.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as {
          readonly type: string;
          readonly record: string;
          readonly decoded: readonly (readonly [string, string, string])[];
        },
    );
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const labelsOf = new Map<number, TestLabels>();
  for (const { type, record } of recorded) {
    if (type !== 'series') continue;
    const bytes = Buffer.from(record, 'base64');
    head.replay(bytes);
    for (const { ref, labels } of decodeSeriesRecord(bytes)) labelsOf.set(ref, labels);
  }
  let compared = 0;
  for (const { type, record, decoded } of recorded) {
    if (type !== 'samples') continue;
    const rows = decoded.map(([ref, t, bits]) => ({
      labels: labelsOf.get(Number(ref))!,
      samples: [{ t: BigInt(t), bits: BigInt(`0x${bits}`) }],
    }));
    const { records, hasRejections } = head.append(layOutBatch(rows), 0, unbounded);
    // Prometheus also logs what it then drops: such commits hold conflicts here.
    if (hasRejections) continue;
    expect(records.map((bytes) => Buffer.from(bytes).toString('base64'))).toEqual([record]);
    compared += 1;
  }
  expect(compared).toBeGreaterThanOrEqual(5);
});

test('a series record for labels already known drops their samples and redirects the new ref', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const writer = createHead({ chunkRangeMs: 7_200_000 });
  const [series, samples] = writer
    .append(layOutBatch([up('a', [t0, one])]), 0, unbounded)
    .records.map((record) => record.slice());
  head.replay(series!);
  head.replay(samples!);
  const again = series!.slice();
  again[8] = 9;
  head.replay(again);
  const later = samples!.slice();
  later[8] = 9;
  later[16] = later[16]! + 5;
  head.replay(later);
  expect(head.replayed).toEqual({ series: 2, samples: 2, dropped: 0, unknownRefs: 0 });
  const [only, ...others] = readAll(head);
  expect(others).toEqual([]);
  expect(only).toMatchObject({ ref: 1, chunks: [{ minTimeMs: Number(t0) + 5, sampleCount: 1 }] });
  // The redirected ref is needed as long as its samples may be kept; new refs go on behind it.
  expect(hasRef(head.refsForCheckpoint(Number(t0) + 5), 9)).toBe(true);
  expect(hasRef(head.refsForCheckpoint(Number(t0) + 6), 9)).toBe(false);
  const created = head.append(layOutBatch([up('b', [t0 + 9n, one])]), 0, unbounded).records[0]!;
  expect(decodeSeriesRecord(created)[0]!.ref).toBe(10);
});

test('samples of unknown refs, below minValidTime or not newer are dropped and counted', () => {
  const writer = createHead({ chunkRangeMs: 7_200_000 });
  const rows = [up('a', [t0, one], [t0 + 1n, one]), up('b', [t0 + 2n, one])];
  const [series, samples] = writer.append(layOutBatch(rows), 0, unbounded).records.map((record) => record.slice());
  const head = createHead({ chunkRangeMs: 7_200_000 });
  head.minValidTimeMs = Number(t0) + 1;
  head.replay(samples!);
  expect(head.replayed).toEqual({ series: 0, samples: 0, dropped: 0, unknownRefs: 3 });
  head.replay(series!);
  head.replay(samples!);
  head.replay(samples!);
  expect(head.replayed).toEqual({ series: 2, samples: 2, dropped: 4, unknownRefs: 3 });
});

test('a record that does not decode is reported and changes nothing', () => {
  const writer = createHead({ chunkRangeMs: 7_200_000 });
  const records = writer
    .append(layOutBatch([up('a', [t0, one])]), 0, unbounded)
    .records.map((record) => record.slice());
  const head = createHead({ chunkRangeMs: 7_200_000 });
  for (const record of records) {
    for (let length = 2; length < record.length; length += 1) {
      if (record[0] === 2 && length === 17) continue; // A base without samples.
      expect(() => head.replay(record.subarray(0, length))).toThrow(RecordCorruptError);
    }
  }
  expect(() => head.replay(Buffer.of(7, 1))).toThrow(RecordCorruptError);
  expect(head.seriesCount).toBe(0);
});

test('chunks that lie across the range of a cursor are cut to it', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const start = 1_699_999_200_000n;
  const samples = Array.from({ length: 100 }, (_, i): [bigint, bigint] => [start + BigInt(i) * 1000n, BigInt(i)]);
  head.append(layOutBatch([up('a', ...samples)]), 0, unbounded);
  const [series] = readAll(head, Number(start) + 10_000, Number(start) + 19_999);
  expect(series!.chunks).toMatchObject([
    { minTimeMs: Number(start) + 10_000, maxTimeMs: Number(start) + 19_000, sampleCount: 10 },
  ]);
  expect(decodeXor(Buffer.from(series!.chunks[0]!.data, 'hex')).map(({ bits }) => Number(bits))).toEqual([
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
  ]);
});

test.each([{ shardSeriesMax: 1000 }, { shardSeriesMax: 60 }])(
  'a cursor stays whole while series grow and arrive, with $shardSeriesMax series per shard',
  ({ shardSeriesMax }) => {
    const head = createHead({ chunkRangeMs: 7_200_000, shardSeriesMax });
    const start = 1_699_999_200_000n;
    const rows = (from: number, count: number, t: bigint) =>
      Array.from({ length: count }, (_, i) =>
        up(String(from + i), [t, BigInt(from + i)], [t + 1n, 0x123456789abcdefn * BigInt(i)]),
      );
    for (let t = 0n; t < 5n; t += 1n) head.append(layOutBatch(rows(0, 50, start + t * 10n)), 0, unbounded);
    head.append(layOutBatch(rows(50, 50, start)), 0, unbounded);
    const expected = readAll(head, Number(start), Number(start) + 999);
    const cursor = head.cursor(Number(start), Number(start) + 999);
    const seen: SeriesCopy[] = [];
    for (let i = 0; ; i += 1) {
      // Growing chunks, cut chunks and a table that doubles: none of it may show.
      head.append(layOutBatch(rows(0, 100, start + 1000n + BigInt(i) * 100_000n)), 0, unbounded);
      if (i < 10)
        head.append(layOutBatch(rows(1000 + i * 200, 200, start + 1000n + BigInt(i) * 100_000n)), 0, unbounded);
      const series = cursor.next();
      if (series === undefined) break;
      seen.push(copy(series));
    }
    cursor.close();
    expect(seen).toEqual(expected);
  },
);

test('the README example holds', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const batch = layOutBatch([up('a', [t0, one])]); // In production: intake.scan(body, ...)
  const { records, rejected } = head.append(batch, 0, { timestampMsMax: Infinity });
  expect(records.length).toBe(2); // For the WAL, before the client is answered.
  expect(rejected.outOfOrder).toBe(0);
  const cursor = head.cursor(head.minTimeMs, head.maxTimeMs);
  while (cursor.prepare(5)); // In production: yield to the event loop in between.
  for (let series = cursor.next(); series; series = cursor.next()) expect(series.chunks.length).toBe(1);
  cursor.close();
  while (head.truncate(Number(t0) + 1, 5));
  expect(head.seriesCount).toBe(0);
});
