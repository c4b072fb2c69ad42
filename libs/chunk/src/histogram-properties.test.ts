import fc from 'fast-check';
import {
  CounterReset,
  HistogramChunk,
  chunkSampleCount,
  decodeChunk,
  encodeChunks,
  histogramEquals,
  isStaleHistogram,
  staleHistogram,
  validateHistogram,
  type ChunkSample,
  type Histogram,
  type HistogramLayout,
  type Span,
} from './index.js';

const isLong = process.env.GAUNTLET_LONG !== undefined;
const numRuns = isLong ? 20_000 : 300;

/** Counts by bucket index, which is what a histogram says however it is laid out. Empty buckets do not count. */
function meaning(histogram: Histogram) {
  if (isStaleHistogram(histogram)) return { kind: histogram.kind, sumBits: histogram.sumBits };
  const { kind, schema, zeroThreshold, count, zeroCount, sumBits, customBounds } = histogram;
  const buckets = (spans: readonly Span[], values: BigInt64Array | Float64Array) => {
    const found: [number, bigint | number][] = [];
    let next = 0;
    let at = 0;
    let sum = 0n;
    for (const { offset, length } of spans) {
      next += offset;
      for (let left = length; left > 0; left -= 1, next += 1, at += 1) {
        const value = values[at]!;
        if (typeof value === 'bigint') sum = BigInt.asIntN(64, sum + value);
        const here = typeof value === 'bigint' ? sum : value;
        if (Number(here) !== 0) found.push([next, here]);
      }
    }
    return found;
  };
  const positive = buckets(histogram.positiveSpans, histogram.positive);
  const negative = buckets(histogram.negativeSpans, histogram.negative);
  return { kind, schema, zeroThreshold, count, zeroCount, sumBits, customBounds, positive, negative };
}

const sides = fc.array(fc.record({ offset: fc.nat(2), length: fc.nat(3) }), { maxLength: 4 });
const lengthOf = (spans: readonly Span[]): number => spans.reduce((sum, { length }) => sum + length, 0);
const integers = fc.oneof(fc.bigInt(0n, 5n), fc.bigInt(0n, 2n ** 40n));
const floats = fc.oneof(fc.nat(5), fc.double({ min: 0, noNaN: true }));
const sums = fc.oneof(
  fc.constantFrom(0n, 0x7ff0000000000002n, 0x7ff8000000000001n, 1n << 63n),
  fc.bigInt(0n, 2n ** 64n - 1n),
);

const layouts: fc.Arbitrary<HistogramLayout> = fc.oneof(
  fc.record({
    schema: fc.constantFrom(0, 0, 0, 3, -4, 8),
    zeroThreshold: fc.constantFrom(0, 0, 0, 2 ** -128, 0.001),
    positiveSpans: fc
      .tuple(sides, fc.integer({ min: -3, max: 3 }))
      .map(([spans, first]) => spans.map((span, i) => (i === 0 ? { ...span, offset: first } : span))),
    negativeSpans: sides,
    customBounds: fc.constant(new Float64Array(0)),
  }),
  fc.record({
    schema: fc.constant(-53),
    zeroThreshold: fc.constant(0),
    positiveSpans: sides,
    negativeSpans: fc.constant([]),
    customBounds: fc.constantFrom(
      Float64Array.from({ length: 40 }, (_, i) => i / 8),
      Float64Array.from({ length: 40 }, (_, i) => Math.sqrt(i)),
    ),
  }),
);

const absolutes = <T>(value: fc.Arbitrary<T>, spans: readonly Span[]) =>
  fc.array(value, { minLength: lengthOf(spans), maxLength: lengthOf(spans) });
const deltasOf = (counts: readonly bigint[]) =>
  BigInt64Array.from(counts, (count, i) => count - (i > 0 ? counts[i - 1]! : 0n));

/** Valid histograms; their sums may be anything, a stale marker too. */
const valid: fc.Arbitrary<Histogram> = fc
  .record({ layout: layouts, hint: fc.constantFrom(0, 0, 0, 1, 2, 3, 3, 3), sumBits: sums, isFloat: fc.boolean() })
  .chain(({ layout, isFloat, ...scalars }) => {
    const isCustom = layout.schema === -53;
    const hint = scalars.hint as CounterReset;
    const { sumBits } = scalars;
    return isFloat
      ? fc
          .tuple(floats, floats, absolutes(floats, layout.positiveSpans), absolutes(floats, layout.negativeSpans))
          .map(([count, zero, positive, negative]): Histogram => {
            const buckets = { positive: Float64Array.from(positive), negative: Float64Array.from(negative) };
            return { kind: 'float', hint, ...layout, count, zeroCount: isCustom ? 0 : zero, sumBits, ...buckets };
          })
      : fc
          .tuple(integers, absolutes(integers, layout.positiveSpans), absolutes(integers, layout.negativeSpans))
          .map(([zero, positive, negative]): Histogram => {
            const zeroCount = isCustom ? 0n : zero;
            const count = [...positive, ...negative].reduce((sum, bucket) => sum + bucket, zeroCount);
            const buckets = { positive: deltasOf(positive), negative: deltasOf(negative) };
            return { kind: 'integer', hint, ...layout, count, zeroCount, sumBits, ...buckets };
          });
  })
  .map((histogram) => (isStaleHistogram(histogram) ? staleHistogram(histogram.kind) : histogram));

const steps = fc.oneof(fc.constantFrom(1n, 15_000n), fc.bigInt(1n, 2n ** 40n));

/** Histograms that mostly grow out of one another, so that chunks get long; and some that do not. */
const series: fc.Arbitrary<{ timestampMs: bigint; histogram: Histogram }[]> = fc
  .tuple(
    fc.bigInt(-(2n ** 62n), 2n ** 62n),
    fc.array(fc.record({ step: steps, histogram: valid, growth: fc.option(fc.nat(20), { freq: 4 }) }), {
      maxLength: 25,
    }),
  )
  .map(([start, items]) => {
    let timestampMs = start;
    let last: Histogram | undefined;
    return items.map(({ step, histogram, growth }) => {
      timestampMs += step;
      const isGrown = growth !== null && last !== undefined && !isStaleHistogram(last);
      last = isGrown ? grown(last!, growth) : histogram;
      return { timestampMs, histogram: last };
    });
  });

function grown(histogram: Histogram, growth: number): Histogram {
  const hint = histogram.hint === CounterReset.gauge ? CounterReset.gauge : CounterReset.unknown;
  if (histogram.positive.length === 0) return { ...histogram, hint };
  if (histogram.kind === 'float') {
    const positive = histogram.positive.slice();
    positive[growth % positive.length]! += growth;
    return { ...histogram, hint, positive, count: histogram.count + growth };
  }
  const positive = histogram.positive.slice();
  positive[0]! += BigInt(growth);
  return { ...histogram, hint, positive, count: histogram.count + BigInt(growth * positive.length) };
}

test('the histograms of these tests are valid', () => {
  fc.assert(
    fc.property(series, (samples) => {
      for (const { histogram } of samples) expect(validateHistogram(histogram)).toBeUndefined();
    }),
    { numRuns },
  );
});

test('any histograms are read back as what they said, whatever chunks and layouts they went through', () => {
  fc.assert(
    fc.property(series, fc.constantFrom(3, 120), (samples, samplesMax) => {
      const chunks = encodeChunks(samples, { samplesMax });
      const read = chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data)) as typeof samples;
      expect(read.map(({ timestampMs }) => timestampMs)).toEqual(samples.map(({ timestampMs }) => timestampMs));
      expect(read.map(({ histogram }) => meaning(histogram))).toEqual(
        samples.map(({ histogram }) => meaning(histogram)),
      );
      for (const { encoding, data, minTimeMs, maxTimeMs, sampleCount } of chunks) {
        const inside = decodeChunk(encoding, data);
        expect(inside).toHaveLength(sampleCount);
        expect(sampleCount).toBeLessThanOrEqual(samplesMax);
        expect(chunkSampleCount(encoding, data)).toBe(sampleCount);
        expect([inside[0]!.timestampMs, inside.at(-1)!.timestampMs]).toEqual([minTimeMs, maxTimeMs]);
        // What was read, written again, is the same chunk; a reset told by the header alone is not in the samples.
        if ((data[2]! & 0xc0) === 0x00 || (data[2]! & 0xc0) === 0xc0) {
          const [again, ...others] = encodeChunks(inside);
          expect(others).toEqual([]);
          expect(Buffer.from(again!.data).toString('hex')).toBe(Buffer.from(data).toString('hex'));
        }
      }
    }),
    { numRuns },
  );
});

test('within a chunk of counters no count and no bucket ever falls', () => {
  const buckets = (histogram: Histogram) => new Map(meaning(histogram).positive ?? []);
  fc.assert(
    fc.property(series, (samples) => {
      for (const { encoding, data } of encodeChunks(samples)) {
        if (data[2]! >> 6 === 3) continue;
        let before: Histogram | undefined;
        for (const sample of decodeChunk(encoding, data)) {
          const { histogram } = sample as (typeof samples)[number];
          if (before !== undefined && !isStaleHistogram(histogram)) {
            expect(histogram.count >= before.count && histogram.zeroCount >= before.zeroCount).toBe(true);
            const after = buckets(histogram);
            for (const [index, count] of buckets(before)) expect((after.get(index) ?? 0) >= count).toBe(true);
          }
          before = histogram;
        }
      }
    }),
    { numRuns },
  );
});

test('an open chunk takes what it appends, and leaves itself alone when it begins another', () => {
  fc.assert(
    fc.property(series, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), (samples, cuts) => {
      let open: HistogramChunk | undefined;
      for (const [i, { timestampMs, histogram }] of samples.entries()) {
        if (open === undefined) {
          open = HistogramChunk.begin(timestampMs, histogram);
          continue;
        }
        const before = open.bytes();
        const count: number = open.sampleCount;
        if (cuts[i] === true) {
          const next: HistogramChunk = open.cut(timestampMs, histogram);
          expect(open.bytes()).toEqual(before);
          open = next;
          continue;
        }
        const taken = open.append(timestampMs, histogram);
        if (taken.outcome === 'new-chunk') {
          expect(open.bytes()).toEqual(before);
          open = taken.next;
          expect(open.sampleCount).toBe(1);
        } else {
          expect(open.sampleCount).toBe(count + 1);
          expect(open.last).toBe(histogram);
        }
        expect(open.maxTimeMs).toBe(timestampMs);
        expect(open.byteLength).toBe(open.bytes().length);
      }
    }),
    { numRuns },
  );
});

test('a histogram equals its copy, and nothing that differs in anything but hint and seams', () => {
  fc.assert(
    fc.property(valid, (histogram) => {
      const copy = structuredClone(histogram);
      expect(histogramEquals(histogram, copy)).toBe(true);
      expect(histogramEquals(histogram, { ...copy, hint: CounterReset.notReset })).toBe(true);
      const seamy = [
        { offset: 7, length: 0 },
        ...copy.negativeSpans.map((s, i) => (i > 0 ? s : { ...s, offset: s.offset - 7 })),
      ];
      expect(histogramEquals(histogram, { ...copy, negativeSpans: seamy })).toBe(true);
      expect(histogramEquals(histogram, { ...copy, sumBits: copy.sumBits ^ 1n })).toBe(false);
      if (isStaleHistogram(histogram)) return;
      expect(histogramEquals(histogram, { ...copy, schema: copy.schema + 1 })).toBe(false);
      expect(histogramEquals(histogram, { ...copy, zeroThreshold: copy.zeroThreshold + 1 })).toBe(false);
      const other = copy.kind === 'integer' ? { ...copy, count: copy.count + 1n } : { ...copy, zeroCount: -0.5 };
      expect(histogramEquals(histogram, other)).toBe(false);
      if (copy.positive.length === 0) return;
      if (copy.kind === 'integer') copy.positive[0]! += 1n;
      else copy.positive[0] = -1;
      expect(histogramEquals(histogram, copy)).toBe(false);
    }),
    { numRuns },
  );
});

test('floats and histograms in any order come back as they were', () => {
  const mixed = fc.tuple(series, fc.array(fc.option(sums), { minLength: 25, maxLength: 25 })).map(([samples, bits]) =>
    samples.map((sample, i): ChunkSample => {
      const float = bits[i] ?? null;
      return float === null ? sample : { timestampMs: sample.timestampMs, bits: float };
    }),
  );
  fc.assert(
    fc.property(mixed, fc.constantFrom(undefined, 64, 1024), (samples, bytesMax) => {
      const chunks = encodeChunks(samples, bytesMax === undefined ? {} : { bytesMax });
      const say = (sample: ChunkSample) =>
        'bits' in sample ? sample : { timestampMs: sample.timestampMs, ...meaning(sample.histogram) };
      expect(chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data)).map(say)).toEqual(samples.map(say));
      expect(chunks.every(({ encoding }) => [1, 2, 3].includes(encoding))).toBe(true);
    }),
    { numRuns },
  );
});
