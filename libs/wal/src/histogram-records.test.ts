import fc from 'fast-check';
import {
  decodeHistograms,
  decodeSamplesV2,
  encodeHistograms,
  encodeSamplesV2,
  encodeStartedHistograms,
  RecordMalformedError,
  recordType,
  type HistogramEntry,
  type StartedSampleEntry,
} from './index.js';
import { goldenLines, type GoldenRecord } from './testing/golden.js';
import { histogramOf, histograms, type RecordedHistogram } from './testing/histograms.js';

const isLong = process.env.GAUNTLET_LONG !== undefined;

const golden = ['all-records-none', 'all-records-v2-none'].flatMap((name) =>
  goldenLines<GoldenRecord>(`good/${name}/records.jsonl.gz`).map(({ record, ...one }) => ({
    ...one,
    record: Buffer.from(record, 'base64'),
  })),
);
const ofType = (...types: number[]) => golden.filter(({ record }) => types.includes(recordType(record)));

type Recorded<T> = readonly [string, string, T, string?];
const startOf = (startMs: string | undefined) => (startMs === undefined ? {} : { startMs: BigInt(startMs) });
const entryOf = ([ref, t, value, start]: Recorded<RecordedHistogram>): HistogramEntry => ({
  ref: Number(ref),
  timestampMs: BigInt(t),
  histogram: histogramOf(value),
  ...startOf(start),
});
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test.each([7, 8, 9, 10, 12, 13])('recorded histograms of type %s decode as recorded', (type) => {
  const records = ofType(type);
  expect(records.length).toBeGreaterThan(0);
  for (const { record, decoded } of records)
    expect(decodeHistograms(record)).toEqual((decoded as Recorded<RecordedHistogram>[]).map(entryOf));
});

test.each([
  { types: [7, 9], kind: 'integer' },
  { types: [8, 10], kind: 'float' },
])('recorded $kind histograms encode to the same bytes, custom buckets in a record of their own', ({ types }) => {
  const records = ofType(...types);
  expect(records.length).toBeGreaterThan(0);
  // A batch is a record without custom buckets and one with them.
  for (let at = 0; at < records.length; at += 2) {
    const batch = records.slice(at, at + 2).map(({ record }) => record);
    expect(encodeHistograms(batch.flatMap((record) => decodeHistograms(record))).map(hex)).toEqual(batch.map(hex));
  }
});

test('recorded samples with start times decode as recorded and encode to the same bytes', () => {
  expect(ofType(11).length).toBeGreaterThan(0);
  for (const { record, decoded } of ofType(11)) {
    const entries = (decoded as Recorded<string>[]).map(([ref, t, bits, start]) => ({
      ref: Number(ref),
      timestampMs: BigInt(t),
      valueBits: BigInt(`0x${bits}`),
      ...startOf(start),
    }));
    expect(decodeSamplesV2(record)).toEqual(entries);
    expect(hex(encodeSamplesV2(entries))).toBe(hex(record));
  }
  for (const { record } of ofType(12))
    expect(hex(encodeStartedHistograms(decodeHistograms(record), 'integer'))).toBe(hex(record));
  for (const { record } of ofType(13))
    expect(hex(encodeStartedHistograms(decodeHistograms(record), 'float'))).toBe(hex(record));
});

test('the first of a batch is the base of its times even when it goes into the other record', () => {
  const [histogram, custom] = [ofType(7)[0]!, ofType(9)[0]!].map(({ record }) => decodeHistograms(record)[0]!);
  const records = encodeHistograms([
    { ...custom!, ref: 5, timestampMs: 1000n },
    { ...histogram!, ref: 3, timestampMs: 900n },
  ]);
  expect(records.map(recordType)).toEqual([7, 9]);
  expect(hex(records[0]!.subarray(1, 17))).toBe('000000000000000500000000000003e8');
  expect(records.flatMap((record) => decodeHistograms(record)).map(({ ref }) => ref)).toEqual([3, 5]);
  expect(encodeHistograms([])).toEqual([]);
});

const times = fc.oneof(fc.bigInt(0n, 10_000n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const starts = fc.oneof(fc.constant({}), fc.record({ startMs: times.filter((ms) => ms !== 0n) }));
const refs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const histogramEntries = fc.array(fc.record({ ref: refs, timestampMs: times, histogram: histograms }), {
  maxLength: 6,
});
const numRuns = isLong ? 20_000 : 200;

test('any histograms are read back as they were written', () => {
  fc.assert(
    fc.property(histogramEntries, (entries) => {
      const read = encodeHistograms(entries).flatMap((record) => decodeHistograms(record));
      const isCustom = ({ histogram }: HistogramEntry) => histogram.schema === -53;
      const order = (one: HistogramEntry) => (one.histogram.kind === 'float' ? 2 : 0) + (isCustom(one) ? 1 : 0);
      expect(read).toEqual([...entries].sort((a, b) => order(a) - order(b)));
    }),
    { numRuns },
  );
});

test('any histograms and samples with start times are read back as they were written', () => {
  const withStarts = fc.array(
    fc.tuple(fc.record({ ref: refs, timestampMs: times, histogram: histograms }), starts).map(([entry, start]) => ({
      ...entry,
      ...start,
    })),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(withStarts, (entries) => {
      for (const kind of ['integer', 'float'] as const) {
        const ofKind = entries.filter(({ histogram }) => histogram.kind === kind);
        expect(decodeHistograms(encodeStartedHistograms(ofKind, kind))).toEqual(ofKind);
      }
      const samples: StartedSampleEntry[] = entries.map(({ histogram, ...entry }) => ({
        ...entry,
        valueBits: histogram.sumBits,
      }));
      expect(decodeSamplesV2(encodeSamplesV2(samples))).toEqual(samples);
    }),
    { numRuns },
  );
});

test('histograms that no chunk can hold are passed over, and the others stay', () => {
  const [first] = decodeHistograms(ofType(7)[0]!.record) as [HistogramEntry];
  const { histogram } = first;
  const misfits: Partial<typeof histogram>[] = [
    { schema: 53 },
    { schema: -10 },
    { positiveSpans: [...histogram.positiveSpans, { offset: 0, length: 1 }] },
    { negativeSpans: [] },
    {
      positiveSpans: [
        { offset: 2, length: 1 },
        { offset: -1, length: 1 },
      ],
    },
    { positiveSpans: [{ offset: 2 ** 31, length: histogram.positive.length }] },
  ];
  for (const misfit of misfits) {
    const entries = [first, { ...first, histogram: { ...histogram, ...misfit } as typeof histogram }, first];
    expect(encodeHistograms(entries).flatMap((record) => decodeHistograms(record))).toEqual([first, first]);
  }
});

test('a schema finer than 8 is brought down to it', () => {
  const [first] = decodeHistograms(ofType(7)[0]!.record) as [HistogramEntry];
  const fine = {
    ...first.histogram,
    schema: 10,
    positiveSpans: [{ offset: -3, length: 6 }],
    positive: BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 1n), // Counts 1 to 6 in buckets -3 to 2.
    negativeSpans: [],
    negative: new BigInt64Array(0),
  } as HistogramEntry['histogram'];
  const [coarse] = decodeHistograms(encodeHistograms([{ ...first, histogram: fine }])[0]!);
  expect(coarse?.histogram).toMatchObject({
    schema: 8,
    positiveSpans: [{ offset: 0, length: 2 }], // Buckets -3 to 0, and 1 to 2.
    positive: BigInt64Array.of(10n, 1n),
  });
});

test('a mangled record decodes or is reported as malformed, and nothing else happens', () => {
  const records = ofType(7, 8, 9, 10, 11, 12, 13).map(({ record }) => record);
  const mutations = fc.record({
    record: fc.constantFrom(...records),
    flips: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
    cut: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(mutations, ({ record, flips, cut }) => {
      const bytes = Buffer.from(record);
      // The type stays, so that the decoder is the one for it.
      for (const { at, byte } of flips) bytes[1 + (at % (bytes.length - 1))] = byte;
      const mangled = cut === null ? bytes : bytes.subarray(0, 1 + (cut % bytes.length));
      try {
        if (mangled[0] === 11) decodeSamplesV2(mangled);
        else decodeHistograms(mangled);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordMalformedError);
      }
    }),
    { numRuns: isLong ? 200_000 : 1500 },
  );
});

test('a decoder refuses records of another type', () => {
  expect(() => decodeHistograms(Buffer.of(2))).toThrow(RecordMalformedError);
  expect(() => decodeSamplesV2(Buffer.of(2))).toThrow(RecordMalformedError);
});
