import { CounterReset, staleHistogram, type Histogram } from '@gauntlet/chunk';
import { decodeExemplars, decodeHistograms, decodeSamples, recordType } from '@gauntlet/wal';
import { createHead, type Head, type HeadOptions, type Rejections } from './index.js';
import { dumpInOrder, dumpLate } from './testing/dump-head.js';
import { customHistogram, floatHistogram, integerHistogram } from './testing/histograms.js';
import { layOutBatch, type TestExemplar, type TestLabels, type TestRow } from './testing/lay-out-batch.js';
import { MemorySink } from './testing/memory-sink.js';

const t0 = 1_700_000_000_000n;
const hour = 3_600_000n;
const stale = 0x7ff0000000000002n;
const unbounded = { timestampMsMax: Infinity };
const labels = (job: string): TestLabels => [['job', job]];
const floats = (job: string, ...samples: (readonly [bigint, bigint])[]): TestRow => ({
  labels: labels(job),
  samples: samples.map(([t, bits]) => ({ t, bits })),
});
const histograms = (job: string, ...all: (readonly [bigint, Histogram])[]): TestRow => ({
  labels: labels(job),
  samples: [],
  histograms: all.map(([t, histogram]) => ({ t, histogram })),
});
const create = (options: Partial<HeadOptions> = {}): Head => createHead({ chunkRangeMs: 7_200_000, ...options });
const append = (head: Head, ...rows: TestRow[]) => {
  const result = head.append(layOutBatch(rows), 0, unbounded);
  return { ...result, records: result.records.map((record) => record.slice()) };
};
const countOf = (rejected: Rejections) => Object.values(rejected).reduce((a, b) => a + b);

const emptyHistogram = (buckets: number): Histogram =>
  integerHistogram(0, {
    zeroCount: 0n,
    count: 0n,
    positiveSpans: [{ offset: 0, length: buckets }],
    positive: new BigInt64Array(buckets),
    negativeSpans: [],
    negative: new BigInt64Array(0),
  });

describe('a histogram at', () => {
  const last = integerHistogram(10);
  const start = (options: Partial<HeadOptions>) => {
    const head = create(options);
    append(head, histograms('old', [t0 - 3_000_000n, integerHistogram(1)]), histograms('a', [t0, last]));
    return head;
  };
  const later = integerHistogram(11);
  test.each<[string, TestRow, Partial<Rejections>, number, number]>([
    ['a later time is stored', histograms('a', [t0 + 1n, later]), {}, 1, 1],
    [
      'the last time with the same value is logged and not stored',
      histograms('a', [t0, integerHistogram(10)]),
      {},
      0,
      1,
    ],
    [
      'the last time with another hint is the same value',
      histograms('a', [t0, integerHistogram(10, { hint: CounterReset.notReset })]),
      {},
      0,
      1,
    ],
    ['the last time with another value is a duplicate', histograms('a', [t0, later]), { duplicate: 1 }, 0, 0],
    [
      'the last time of the other kind is a duplicate',
      histograms('a', [t0, floatHistogram(10)]),
      { duplicate: 1 },
      0,
      0,
    ],
    ['an earlier time within an hour is out of order', histograms('a', [t0 - hour, later]), { outOfOrder: 1 }, 0, 0],
    [
      'more than an hour before the newest is out of bounds',
      histograms('b', [t0 - hour - 1n, later]),
      { outOfBounds: 1 },
      0,
      0,
    ],
    ['a time beyond the limit is out of bounds', histograms('b', [t0 + 10_001n, later]), { outOfBounds: 1 }, 0, 0],
    ['a later time of the other kind is stored', histograms('a', [t0 + 1n, floatHistogram(1)]), {}, 1, 1],
    ['a later time with custom buckets is stored', histograms('a', [t0 + 1n, customHistogram(1)]), {}, 1, 1],
    ['two equal times of one request conflict', histograms('b', [t0, last], [t0, later]), { duplicate: 1 }, 1, 1],
    [
      'two falling times of one request conflict',
      histograms('b', [t0, last], [t0 - 1n, later]),
      { outOfOrder: 1 },
      1,
      1,
    ],
    [
      'a later time is stored, with tens of thousands of buckets, too',
      histograms('a', [t0 + 1n, emptyHistogram(100_000)]),
      {},
      1,
      1,
    ],
    [
      'any time is refused when its message has more than 128 KiB, and the next one is looked at',
      histograms('a', [t0 + 1n, emptyHistogram(200_000)], [t0 + 1n, later]),
      { invalidHistogram: 1 },
      1,
      1,
    ],
    [
      'any time is refused when it is not valid',
      histograms('b', [t0, integerHistogram(1, { count: 3n })]),
      { invalidHistogram: 1 },
      0,
      0,
    ],
  ])('%s', (_name, row, rejected, appended, logged) => {
    const result = start({}).append(layOutBatch([row]), 0, { timestampMsMax: Number(t0) + 10_000 });
    expect(result.rejected).toMatchObject(rejected);
    expect(countOf(result.rejected)).toBe(Object.keys(rejected).length);
    expect(result.samplesAppended).toBe(appended);
    expect(result.records.filter((record) => recordType(record) > 6).flatMap(decodeHistograms).length).toBe(logged);
    expect(result.outOfOrderRecords).toEqual([]);
  });

  test.each<[string, TestRow, Partial<Rejections>, boolean]>([
    ['an earlier time is stored out of order', histograms('a', [t0 - 1n, later]), {}, true],
    ['more than an hour before the newest as well', histograms('b', [t0 - 2n * hour, later]), {}, true],
    ['more than the window before is too old', histograms('b', [t0 - 2n * hour - 1n, later]), { tooOld: 1 }, false],
    ['the last time with another value is a duplicate', histograms('a', [t0, later]), { duplicate: 1 }, false],
    ['beyond the limit is out of bounds', histograms('a', [t0 + 10_001n, later]), { outOfBounds: 1 }, false],
  ])('with a window, %s', (_name, row, rejected, isLate) => {
    const head = start({ outOfOrderWindowMs: 7_200_000 });
    const result = head.append(layOutBatch([row]), 0, { timestampMsMax: Number(t0) + 10_000 });
    expect(result.rejected).toMatchObject(rejected);
    expect(countOf(result.rejected)).toBe(Object.keys(rejected).length);
    expect(result.samplesAppended).toBe(isLate ? 1 : 0);
    // It is in both logs.
    expect(result.records.filter((record) => recordType(record) === 7).length).toBe(isLate ? 1 : 0);
    expect(result.outOfOrderRecords.flatMap(decodeHistograms).map(({ histogram }) => histogram)).toEqual(
      isLate ? [later] : [],
    );
    expect(head.outOfOrder.sampleCount).toBe(isLate ? 1 : 0);
    expect(head.maxTimeMs).toBe(Number(t0));
  });
});

test('a float at the time of a histogram is a duplicate, and the other way round', () => {
  const head = create();
  append(head, histograms('h', [t0, integerHistogram(1)]), floats('f', [t0, 5n]));
  expect(append(head, floats('h', [t0, 5n])).rejected.duplicate).toBe(1);
  expect(append(head, histograms('f', [t0, integerHistogram(1)])).rejected.duplicate).toBe(1);
});

test('the first sample of a head may be a histogram, and sets the hour before it', () => {
  const head = create();
  const { rejected } = append(
    head,
    histograms('h', [t0, integerHistogram(1)]),
    floats('f', [t0 - hour - 1n, 1n], [t0 - hour, 1n]),
  );
  expect(rejected.outOfBounds).toBe(1);
  expect([head.minTimeMs, head.maxTimeMs]).toEqual([Number(t0 - hour), Number(t0)]);
});

describe('the stale marker of a series of histograms', () => {
  test.each([integerHistogram(1), floatHistogram(1)])('is stored as one of their kind: $kind', (histogram) => {
    const head = create();
    append(head, histograms('h', [t0, histogram]));
    const { records, samplesAppended } = append(head, floats('h', [t0 + 1n, stale]));
    expect(samplesAppended).toBe(1);
    // As Prometheus logs it: what the series has is known again when the log is replayed.
    expect(records.flatMap(decodeSamples).map(({ valueBits }) => valueBits)).toEqual([stale]);
    expect(dumpInOrder(head)[0]!.samples.at(-1)).toEqual({
      timestampMs: t0 + 1n,
      histogram: staleHistogram(histogram.kind),
    });
    // A client may repeat it.
    expect(countOf(append(head, floats('h', [t0 + 1n, stale])).rejected)).toBe(0);
  });

  test('is logged as a histogram behind one of the same request', () => {
    const { records } = append(
      create(),
      { ...histograms('h', [t0, integerHistogram(1)]) },
      floats('h', [t0 + 1n, stale]),
    );
    expect(records.map(recordType)).toEqual([1, 7]);
  });

  test('stays a float in a series of floats', () => {
    const head = create();
    append(head, histograms('h', [t0, integerHistogram(1)]), floats('h', [t0 + 1n, 1n], [t0 + 2n, stale]));
    expect(dumpInOrder(head)[0]!.samples.at(-1)).toEqual({ timestampMs: t0 + 2n, bits: stale });
  });
});

test('types that change within a request go into runs of their own', () => {
  const head = create();
  const { records } = append(
    head,
    histograms('x', [t0, integerHistogram(1)]),
    floats('x', [t0 + 1n, 1n]),
    floats('y', [t0 + 1n, 1n]),
    histograms('x', [t0 + 2n, integerHistogram(2)], [t0 + 3n, floatHistogram(3)]),
    floats('y', [t0 + 2n, 1n]),
  );
  expect(records.map(recordType)).toEqual([1, 7, 2, 7, 2, 8]);
  const reopened = create();
  for (const record of records) reopened.replay(record);
  expect(dumpInOrder(reopened)).toEqual(dumpInOrder(head));
  expect(dumpInOrder(head)[0]!.samples.map((sample) => ('bits' in sample ? 'float' : sample.histogram.kind))).toEqual([
    'integer',
    'float',
    'integer',
    'float',
  ]);
});

describe('exemplars', () => {
  const exemplar = (t: bigint, bits = 1n, id = 'a'): TestExemplar => ({ t, bits, labels: [['id', id]] });
  const row = (job: string, samples: TestRow['samples'], ...exemplars: TestExemplar[]): TestRow => ({
    labels: labels(job),
    samples,
    exemplars,
  });
  const sample = { t: t0, bits: 1n };

  test('are kept and logged last', () => {
    const head = create({ exemplarsMax: 10 });
    const { records, samplesAppended } = append(
      head,
      row('a', [sample], exemplar(t0), exemplar(t0 + 1n)),
      floats('b', [t0, 1n]),
    );
    expect(samplesAppended).toBe(2);
    expect(records.map(recordType)).toEqual([1, 2, 4]);
    expect(decodeExemplars(records[2]!)).toEqual([
      { ref: 1, timestampMs: t0, valueBits: 1n, labels: [{ name: 'id', value: 'a' }] },
      { ref: 1, timestampMs: t0 + 1n, valueBits: 1n, labels: [{ name: 'id', value: 'a' }] },
    ]);
    expect(head.exemplars!.select(1).length).toBe(2);
    const reopened = create({ exemplarsMax: 10 });
    for (const record of records) reopened.replay(record);
    expect(reopened.exemplars!.select(1)).toEqual(head.exemplars!.select(1));
  });

  test.each<[string, TestRow, Partial<Rejections>, number]>([
    [
      'are dropped without a word with a sample that was refused',
      row('a', [{ t: t0, bits: 9n }], exemplar(t0)),
      { duplicate: 1 },
      0,
    ],
    [
      'are kept when the last sample of the row is taken',
      row(
        'a',
        [
          { t: t0, bits: 9n },
          { t: t0 + 1n, bits: 9n },
        ],
        exemplar(t0),
      ),
      { duplicate: 1 },
      1,
    ],
    ['of a known series need no sample', row('a', [], exemplar(t0)), {}, 1],
    ['of an unknown series are refused', row('b', [], exemplar(t0)), { exemplarWithoutSeries: 1 }, 0],
    ['are kept with a sample that is there already', row('a', [sample], exemplar(t0)), {}, 1],
    ['that fall are out of order', row('a', [], exemplar(t0 + 1n), exemplar(t0)), { exemplarOutOfOrder: 1 }, 1],
    ['that repeat are not kept twice', row('a', [], exemplar(t0), exemplar(t0)), {}, 1],
    ['with long labels are refused', row('a', [], exemplar(t0, 1n, 'x'.repeat(127))), { exemplarLabels: 1 }, 0],
    ['beyond the limit are out of bounds', row('a', [], exemplar(t0 + 10_001n)), { outOfBounds: 1 }, 0],
  ])('%s', (_name, batch, rejected, kept) => {
    const head = create({ exemplarsMax: 10 });
    append(head, floats('a', [t0, 1n]));
    const result = head.append(layOutBatch([batch]), 0, { timestampMsMax: Number(t0) + 10_000 });
    expect(result.rejected).toMatchObject(rejected);
    expect(countOf(result.rejected)).toBe(Object.keys(rejected).length);
    expect(head.exemplars!.select(1).length).toBe(kept);
  });

  test('are dropped without a word by a head that keeps none', () => {
    const head = create();
    const { records, hasRejections } = append(head, row('a', [sample], exemplar(t0, 1n, 'x'.repeat(200))));
    expect([records.map(recordType), hasRejections, head.exemplars]).toEqual([[1, 2], false, undefined]);
  });

  test('go with their series', () => {
    const head = create({ exemplarsMax: 10 });
    append(head, row('a', [sample], exemplar(t0)));
    while (head.truncate(Number(t0) + 1, 0));
    expect(head.exemplars!.size).toBe(0);
  });
});

describe('floats out of order', () => {
  const window = { outOfOrderWindowMs: 7_200_000, outOfOrderCapMax: 2 };
  const late = (n: number) => t0 - BigInt(n);

  test('are kept by time, in both logs, and pinned until they are dropped', () => {
    const head = create({ ...window, outOfOrderCapMax: 32 });
    append(head, floats('a', [t0, 1n]));
    const result = append(
      head,
      floats('a', [late(2), 2n], [late(1), 3n], [late(2), 4n]),
      floats('new', [t0 - hour - 5n, 7n]),
    );
    expect(result.hasRejections).toBe(false);
    // The second of its time is logged, and then dropped.
    expect(result.samplesAppended).toBe(3);
    expect(result.outOfOrderRecords.flatMap(decodeSamples).length).toBe(3);
    expect(result.records.filter((record) => recordType(record) === 2).flatMap(decodeSamples).length).toBe(4);
    expect(dumpLate(head).map((series) => [series.labels[0]![1], series.samples.length])).toEqual([
      ['a', 2],
      ['new', 1],
    ]);
    while (head.truncate(Number(t0) + 1, 0));
    expect(head.seriesCount).toBe(2);
    expect(dumpInOrder(head)).toEqual([]);
    const { drop } = head.outOfOrderSnapshot();
    drop();
    expect(head.outOfOrder).toEqual({ minTimeMs: Infinity, maxTimeMs: -Infinity, seriesCount: 0, sampleCount: 0 });
    while (head.truncate(Number(t0) + 1, 0));
    expect(head.seriesCount).toBe(0);
  });

  test.each([true, false])('come back from the logs, with the files of the chunks: %p', (areFilesThere) => {
    const sink = new MemorySink();
    const head = create({ ...window, chunkSink: sink });
    const wal: Uint8Array[] = [];
    const wbl: Uint8Array[] = [];
    append(head, floats('a', [t0, 1n]), histograms('h', [t0, integerHistogram(9)])).records.forEach((r) => wal.push(r));
    for (let i = 1; i < 12; i += 1) {
      const rows = [
        floats('a', [late(i * 7), BigInt(i)], [late(i * 7 + 1), 1n]),
        histograms('h', [late(i * 3), integerHistogram(i)]),
      ];
      const { records, outOfOrderRecords } = append(head, ...rows);
      wal.push(...records);
      wbl.push(...outOfOrderRecords);
    }
    expect(new Set(wbl.map(recordType))).toEqual(new Set([2, 5, 7]));
    const again = new MemorySink();
    again.file = 2;
    const reopened = create({ ...window, chunkSink: again });
    if (areFilesThere) for (const chunk of sink.attached()) reopened.attachStored(chunk);
    for (const record of wal) reopened.replay(record);
    for (const record of wbl) reopened.replayOutOfOrder(record);
    const samples = (head_: Head, sinks: readonly MemorySink[]) =>
      dumpLate(head_, (stored) => sinks[stored.file - 1]!.read(stored)).map(({ ref, samples: all }) => ({
        ref,
        samples: [...all]
          .sort((a, b) => Number(a.timestampMs - b.timestampMs))
          .map((s) => ('bits' in s ? s.bits : s.histogram.count)),
      }));
    expect(samples(reopened, [sink, again])).toEqual(samples(head, [sink]));
    expect(reopened.outOfOrder).toEqual(head.outOfOrder);
    // Nothing is encoded anew that a file has.
    if (areFilesThere) expect(again.chunks).toEqual([]);
  });
});

describe('what is refused is told item by item', () => {
  const stop = (head: Head) => append(head, histograms('h', [t0, integerHistogram(1)]));
  const listed = (result: { readonly rejections: Iterable<object> }) => [...result.rejections];

  test('also of a long row of the host, which comes in several slices', () => {
    const head = create({ sliceLimits: { rows: 10, samples: 2, labelBytes: 1000 } });
    stop(head);
    const times = [t0 + 1n, t0 + 2n, t0 + 1n, t0 + 3n, t0 + 3n, t0, t0];
    const result = append(
      head,
      floats('other', [t0, 1n]),
      floats('h', ...times.map((t, i) => [t, BigInt(i)] as const)),
    );
    expect(listed(result)).toEqual([
      { series: 1, item: 'sample', first: 2, count: 1, reason: 'outOfOrder' },
      { series: 1, item: 'sample', first: 4, count: 1, reason: 'duplicate' },
      { series: 1, item: 'sample', first: 5, count: 2, reason: 'outOfOrder' },
    ]);
  });

  test('histograms and exemplars are counted among their like', () => {
    const head = create({ exemplarsMax: 10 });
    stop(head);
    const exemplar = (t: bigint, id: string): TestExemplar => ({ t, bits: 0n, labels: [['id', id]] });
    const row: TestRow = {
      ...histograms(
        'h',
        [t0, integerHistogram(2)],
        [t0 + 1n, integerHistogram(3)],
        [t0, integerHistogram(2)],
        [t0 + 2n, integerHistogram(4)],
      ),
      exemplars: [exemplar(t0, 'x'), exemplar(t0, 'y'.repeat(200)), exemplar(t0 - 1n, 'z')],
    };
    const result = append(head, row);
    expect(listed(result)).toEqual([
      { series: 0, item: 'histogram', first: 0, count: 1, reason: 'duplicate' },
      { series: 0, item: 'histogram', first: 2, count: 1, reason: 'outOfOrder' },
      { series: 0, item: 'exemplar', first: 1, count: 1, reason: 'exemplarLabels' },
      { series: 0, item: 'exemplar', first: 2, count: 1, reason: 'exemplarOutOfOrder' },
    ]);
    expect(result.exemplarsAccepted).toBe(1);
  });
});
