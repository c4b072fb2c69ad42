import fc from 'fast-check';
import { type ChunkSample } from '@gauntlet/chunk';
import { createHead, type Head } from './index.js';
import { dumpInOrder, dumpLate } from './testing/dump-head.js';
import { customHistogram, floatHistogram, integerHistogram } from './testing/histograms.js';
import { layOutBatch, type TestRow } from './testing/lay-out-batch.js';
import { MemorySink } from './testing/memory-sink.js';
import { countItems, refusedItems } from './testing/refused-items.js';
import { ModelSamples, valueOf } from './testing/model-samples.js';

const base = 1_699_999_200_000; // A multiple of the range.
const rangeMs = 600_000;
const stale = 0x7ff0000000000002n;

const anyTime = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 60 }).map((i) => base + i * 15_000) },
  { weight: 1, arbitrary: fc.integer({ min: base - 10, max: base + 4 * rangeMs }) },
);
const makers = { integer: integerHistogram, float: floatHistogram, custom: customHistogram };
/** `count` of them, a second apart. */
const anyHistograms = fc.record({
  t: anyTime,
  kind: fc.constantFrom('integer' as const, 'integer' as const, 'float' as const, 'custom' as const),
  n: fc.nat(9),
  count: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(60) }),
});
const anyRow = fc.record(
  {
    labels: fc.constantFrom('a', 'b', 'c', 'd').map((job) => [['job', job] as const]),
    samples: fc.array(fc.record({ t: anyTime.map(BigInt), bits: fc.constantFrom(0n, 1n, stale) }), { maxLength: 3 }),
    histograms: fc.array(anyHistograms, { maxLength: 2 }),
    exemplars: fc.array(
      fc.record({
        t: anyTime.map(BigInt),
        bits: fc.constantFrom(0n, 1n),
        labels: fc.constantFrom('x', 'y').map((id) => [['id', id] as const]),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['labels', 'samples'] },
);
type AnyRow = typeof anyRow extends fc.Arbitrary<infer Row> ? Row : never;

function rowOf({ histograms = [], ...row }: AnyRow): TestRow {
  return {
    ...row,
    histograms: histograms.flatMap(({ t, kind, n, count }) =>
      Array.from({ length: count }, (_, i) => ({ t: BigInt(t + i * 1000), histogram: makers[kind](n) })),
    ),
  };
}

type Step =
  | { readonly kind: 'append'; readonly rows: readonly AnyRow[]; readonly createdMax?: number | undefined }
  | { readonly kind: 'truncate'; readonly by: number }
  | { readonly kind: 'reopen'; readonly withFiles: boolean }
  | { readonly kind: 'spill' | 'compactLate' | 'snapshot' };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      rows: fc.array(anyRow, { maxLength: 8 }),
      createdMax: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), by: fc.integer({ min: 1, max: rangeMs }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen' as const), withFiles: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('spill' as const, 'compactLate' as const, 'snapshot' as const) }),
  },
);

const textOf = (sample: ChunkSample): string => valueOf('bits' in sample ? sample.bits : sample.histogram);

/** Whether a marker is one of floats or of histograms follows from what lies before it: of that, a log may have more or less than the head had. */
const anyStale = (sample: string): string => sample.replace(/ .*stale$| 7ff0000000000002$/, ' stale');

/** A head, its logs and its files, as a database has them. */
class Database {
  readonly options;
  head: Head;
  wal: Uint8Array[] = [];
  wbl: Uint8Array[] = [];
  readonly sink: MemorySink | undefined;

  constructor(options: { readonly outOfOrderWindowMs: number; readonly shardSeriesMax: number }, hasSink: boolean) {
    this.sink = hasSink ? new MemorySink() : undefined;
    this.options = {
      chunkRangeMs: rangeMs,
      samplesPerChunk: 8,
      exemplarsMax: 10_000,
      outOfOrderCapMax: 4,
      sliceLimits: { rows: 3, samples: 1000, labelBytes: 1000 },
      ...options,
      ...(this.sink && { chunkSink: this.sink }),
    };
    // Exemplars are judged by their own window here, so that the model need not know of the head's.
    this.head = createHead(this.options);
  }

  append(rows: readonly TestRow[], seriesMax = 0) {
    const result = this.head.append(layOutBatch(rows), 0, { timestampMsMax: base + 3 * rangeMs, seriesMax });
    this.wal.push(...result.records.map((record) => Uint8Array.from(record)));
    this.wbl.push(...result.outOfOrderRecords);
    return result;
  }

  /** What a start finds; files are there or lost. */
  reopen(withFiles: boolean): void {
    if (this.sink !== undefined) {
      if (!withFiles) this.sink.chunks.length = 0;
      this.sink.file += 1;
    }
    const { minValidTimeMs } = this.head;
    this.head = createHead(this.options);
    this.head.minValidTimeMs = minValidTimeMs;
    for (const chunk of this.sink?.attached() ?? []) this.head.attachStored(chunk);
    for (const record of this.wal) this.head.replay(record);
    for (const record of this.wbl) this.head.replayOutOfOrder(record);
  }

  compactLate(): void {
    this.head.outOfOrderSnapshot().drop();
    this.wbl = [];
    const { chunks } = this.sink ?? new MemorySink();
    const kept = chunks.filter(({ isOutOfOrder }) => !isOutOfOrder);
    chunks.length = 0;
    chunks.push(...kept);
  }

  inOrder(from: number): Map<string, string[]> {
    const all = dumpInOrder(this.head, (stored) => this.sink!.read(stored), from);
    return new Map(
      all.map(({ labels, samples }) => [
        JSON.stringify(labels),
        samples.map((sample) => anyStale(`${String(sample.timestampMs)} ${textOf(sample)}`)),
      ]),
    );
  }

  late() {
    return dumpLate(this.head, (stored) => this.sink!.read(stored));
  }

  refs(): Map<string, number> {
    return new Map(
      [...dumpInOrder(this.head, (stored) => this.sink!.read(stored)), ...this.late()].map(({ labels, ref }) => [
        JSON.stringify(labels),
        ref,
      ]),
    );
  }
}

function expectLate(database: Database, model: ModelSamples): void {
  const found = new Map<string, Set<number>>();
  for (const { labels, samples } of database.late()) {
    const { late } = model.series.get(JSON.stringify(labels))!;
    for (const sample of samples) expect(late.get(Number(sample.timestampMs))).toContain(textOf(sample));
    found.set(JSON.stringify(labels), new Set(samples.map(({ timestampMs }) => Number(timestampMs))));
  }
  const expected = [...model.series].filter(([, { late }]) => late.size > 0);
  expect(found).toEqual(new Map(expected.map(([key, { late }]) => [key, new Set(late.keys())])));
  const times = expected.flatMap(([, { late }]) => [...late.keys()]);
  expect(database.head.outOfOrder).toMatchObject({
    minTimeMs: Math.min(...times),
    maxTimeMs: Math.max(...times),
    seriesCount: expected.length,
  });
}

test.each([
  { outOfOrderWindowMs: 0, shardSeriesMax: 1000, hasSink: true },
  { outOfOrderWindowMs: rangeMs, shardSeriesMax: 1000, hasSink: false },
  { outOfOrderWindowMs: 2 * rangeMs, shardSeriesMax: 2, hasSink: true },
])(
  'samples of all kinds are kept, logged and found again as plain objects keep them: %o',
  ({ hasSink, ...options }) => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 14 }), (steps) => {
        const database = new Database(options, hasSink);
        const model = new ModelSamples(rangeMs, options.outOfOrderWindowMs);
        let isTruncated = false;
        for (const step of steps) {
          switch (step.kind) {
            case 'append': {
              const rows = step.rows.map(rowOf);
              // Series without samples are removed later than in the model.
              const isLimited = step.createdMax !== undefined && !isTruncated;
              // 0 is no bound.
              const seriesMax = isLimited ? database.head.seriesCount + step.createdMax : 0;
              const result = database.append(rows, seriesMax);
              const { refused, stored, late } = model.append(
                rows,
                base + 3 * rangeMs,
                seriesMax === 0 ? Infinity : seriesMax,
              );
              const items = refusedItems(result.rejections);
              expect(result.rejected).toEqual(countItems(items));
              expect(new Set(items.map((item) => item.replace(/ [^ ]*$/, ''))).size).toBe(items.length);
              // Exemplars have the head's window, and those of removed series come back, as the series may: they are looked at elsewhere.
              const isLeftOut = (item: string): boolean =>
                (options.outOfOrderWindowMs > 0 || isTruncated) && / exemplar(OutOfOrder|WithoutSeries)$/.test(item);
              expect(items.filter((item) => !isLeftOut(item))).toEqual(refused.filter((item) => !isLeftOut(item)));
              expect(result.samplesAppended).toBeGreaterThanOrEqual(stored);
              expect(result.samplesAppended).toBeLessThanOrEqual(stored + late);
              break;
            }
            case 'truncate': {
              const { head } = database;
              if (head.minTimeMs === Infinity) break;
              const min = head.minTimeMs + step.by;
              while (head.truncate(min, 0));
              model.truncate(min);
              model.minValidTimeMs = head.minValidTimeMs;
              model.maxTimeMs = Math.max(model.maxTimeMs, min);
              isTruncated = true;
              break;
            }
            case 'reopen':
              database.reopen(step.withFiles);
              // What a truncation has moved is not in the log.
              if (isTruncated) model.maxTimeMs = database.head.maxTimeMs;
              break;
            case 'spill':
              while (database.head.spill(0));
              break;
            case 'compactLate':
              database.compactLate();
              model.dropLate();
              break;
            case 'snapshot':
              database.inOrder(-Infinity);
              break;
          }
          const { head } = database;
          expect(head.maxTimeMs).toBe(model.maxTimeMs);
          // A snapshot finishes chunks, so that it is a step of its own.
          if (step.kind === 'append' || step.kind === 'spill') continue;
          const from = model.minValidTimeMs;
          const expected = [...model.series]
            .map(([key, { samples }]): [string, string[]] => [
              key,
              samples.filter(({ t }) => t >= from).map(({ t, value }) => anyStale(`${String(t)} ${value}`)),
            ])
            .filter(([, samples]) => samples.length > 0);
          const found = database.inOrder(from);
          if (step.kind === 'reopen' && options.outOfOrderWindowMs > 0) {
            // The WAL has late samples too, and those that are newer than what is before them in the log come back in order.
            for (const [key, samples] of found) {
              const { samples: inOrder, everLate } = model.series.get(key)!;
              const known = new Set(
                [...inOrder.map(({ t, value }) => `${String(t)} ${value}`), ...everLate].map(anyStale),
              );
              expect(samples.filter((sample) => !known.has(sample))).toEqual([]);
            }
            for (const [key, samples] of expected) expect(found.get(key)).toEqual(expect.arrayContaining(samples));
            expectLate(database, model);
            return;
          }
          expect(found).toEqual(new Map(expected));
          expectLate(database, model);
          if (isTruncated || options.outOfOrderWindowMs > 0) continue;
          for (const [key, ref] of database.refs()) {
            expect(head.exemplars!.select(ref)).toEqual(model.ring.select(model.series.get(key)!.id));
          }
        }
      }),
      { numRuns: 40 },
    );
  },
);
