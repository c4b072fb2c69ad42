import fc from 'fast-check';
import { decodeXor } from '@gauntlet/chunk';
import { createHead, type Head, type HeadSeries, type Rejections } from './index.js';
import { compareLabels } from './compare-labels.js';
import { canonicalLabels, layOutBatch, type TestLabels, type TestRow } from './testing/lay-out-batch.js';
import { ModelHead, type ModelSeries } from './testing/model-head.js';
import { decodeSamplesRecord, decodeSeriesRecord } from './testing/wal-records.js';

const t0 = 1_700_000_000_000n;
const one = 0x3ff0000000000000n;
const stale = 0x7ff0000000000002n;
const unbounded = { timestampMsMax: Infinity };
const up = (job: string, ...samples: (readonly [t: bigint, bits: bigint])[]): TestRow => ({
  labels: [['__name__', 'up'], ['job', job]],
  samples: samples.map(([t, bits]) => ({ t, bits })),
});

interface SeriesCopy {
  readonly ref: number;
  readonly labels: string;
  readonly chunks: readonly { readonly minTimeMs: number; readonly maxTimeMs: number; readonly sampleCount: number; readonly data: string }[];
}

function copy(series: HeadSeries): SeriesCopy {
  const chunks = series.chunks.map(({ minTimeMs, maxTimeMs, sampleCount, data }) => ({
    minTimeMs, maxTimeMs, sampleCount, data: Buffer.from(data).toString('hex'),
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
    .sort((a, b) => compareLabels(a.labels, b.labels))
    .map(({ series, labels }) => ({
      ref: series.ref,
      labels: labels.toString('hex'),
      chunks: series.chunks.map(({ appender, minTimeMs, maxTimeMs }) => ({
        minTimeMs, maxTimeMs, sampleCount: appender.sampleCount, data: Buffer.from(appender.bytes()).toString('hex'),
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
    '01000000000000000102085F5F6E616D655F5F027570036A6F62016100000000000000020208' + '5F5F6E616D655F5F027570036A6F620162',
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
  expect(chunks.flatMap(({ data }) => decodeXor(data)).map(({ timestampMs }) => timestampMs)).toEqual(times);
  cursor.close();
});

const names = ['__name__', 'a', 'b', 'instance', 'job'];
const anyLabels: fc.Arbitrary<TestLabels> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }).map((i): TestLabels => [['__name__', 'm' + String(i % 7)], ['job', 'j'.repeat((i % 4) + 1)], ['z', String(i)]]) },
  { weight: 2, arbitrary: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }).chain((picked) =>
    fc.tuple(...picked.sort().map((name) => fc.tuple(fc.constant(name), fc.string({ minLength: 1, maxLength: 300, unit: 'binary' }))))) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.constantFrom('', 'a', 'b'), fc.constantFrom('', 'v')), { maxLength: 3 }) },
);
const base = 1_699_999_200_000; // A multiple of the range.
const rangeMs = 600_000;
const anyTime = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((i) => base + i * 15_000) },
  { weight: 2, arbitrary: fc.integer({ min: base - 10, max: base + 10 * rangeMs }) },
  { weight: 1, arbitrary: fc.constantFrom(base + rangeMs, base + rangeMs - 1, base + 2 * rangeMs, 0, -1, base + 100 * rangeMs) },
);
const anyBits = fc.oneof(fc.constantFrom(0n, one, stale, 2n ** 63n), fc.integer({ min: 0, max: 5 }).map((i) => 0x4000000000000000n + BigInt(i) * 2n ** 40n), fc.bigInt(0n, 2n ** 64n - 1n));
const anyRow: fc.Arbitrary<TestRow> = fc.record({
  labels: anyLabels,
  samples: fc.oneof(
    fc.array(fc.record({ t: anyTime.map(BigInt), bits: anyBits }), { maxLength: 4 }),
    // A run long enough for several chunks.
    fc.record({ t: anyTime, step: fc.constantFrom(1, 1000, 15_000), bits: fc.array(anyBits, { maxLength: 60 }) }).map(({ t, step, bits }) =>
      bits.map((b, i) => ({ t: BigInt(t + i * step), bits: b }))),
  ),
  histogramCount: fc.constantFrom(0, 0, 0, 2),
});
type Step =
  | { readonly kind: 'append'; readonly rows: readonly TestRow[]; readonly max: number }
  | { readonly kind: 'truncate'; readonly t: number }
  | { readonly kind: 'reopen' };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('append' as const), rows: fc.array(anyRow, { maxLength: 40 }), max: fc.constantFrom(Infinity, base + 9 * rangeMs) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('truncate' as const), t: anyTime }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

test.each([{ shardBytesMax: 2 ** 31 }, { shardBytesMax: 1 }])(
  'appends, truncations and replays give what plain objects give, with shards of $shardBytesMax bytes',
  ({ shardBytesMax }) => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 12 }), fc.constantFrom(8, 120), (steps, samplesPerChunk) => {
        const options = { chunkRangeMs: rangeMs, samplesPerChunk, shardBytesMax };
        const head = createHead(options);
        const model = new ModelHead(options);
        const wal: Uint8Array[] = [];
        const removed = new Set<number>();
        for (const step of steps) {
          if (step.kind === 'append') {
            const result = head.append(layOutBatch([], step.rows), 1, { timestampMsMax: step.max });
            const records = result.records.map((record) => record.slice());
            const expected = model.append(step.rows, step.max, verdict);
            expect(result.rejected).toEqual(expected.rejected);
            expect(result.samplesAppended).toBe(expected.appended);
            expect(records.filter((r) => r[0] === 1).flatMap(decodeSeriesRecord)).toEqual(
              expected.created.map(({ ref, labels }) => ({ ref, labels: labels.map(([name, value]) => [name, value]) })),
            );
            // Several shards log their samples one after the other.
            const order = (a: readonly [number, number, bigint], b: readonly [number, number, bigint]) => a[0] - b[0];
            expect(records.filter((r) => r[0] === 2).flatMap(decodeSamplesRecord).sort(order)).toEqual(expected.logged.sort(order));
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
          expect(head.seriesCount).toBe(model.series.size);
          expect(head.chunkCount).toBe([...model.series.values()].reduce((sum, { chunks }) => sum + chunks.length, 0));
          expect({ min: head.minTimeMs, max: head.maxTimeMs, valid: head.minValidTimeMs }).toEqual({
            min: model.minTimeMs, max: model.maxTimeMs, valid: model.minValidTimeMs,
          });
          for (const { ref } of model.series.values()) expect(head.keepInCheckpoint(ref, Infinity)).toBe(true);
          for (const ref of removed) expect(head.keepInCheckpoint(ref, Infinity)).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  },
);

/** Samples by labels, those below `from` left out. */
function samplesOf(head: Head, from: number): Map<string, string[]> {
  const all = readAll(head, from).map(({ labels, chunks }): [string, string[]] => [
    labels,
    chunks.flatMap(({ data }) => decodeXor(Buffer.from(data, 'hex'))).map(({ timestampMs, bits }) => `${timestampMs} ${bits}`),
  ]);
  return new Map(all);
}
