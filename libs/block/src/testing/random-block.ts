import type { ChunkSample, Histogram, Span } from '@gauntlet/chunk';
import { CounterReset, encodeChunks } from '@gauntlet/chunk';
import { compareLabels, type Label } from '@gauntlet/model';
import fc from 'fast-check';
import type { BlockSeries } from '../write-block.js';
import { encodeLabels } from './fixtures.js';

export interface RandomSeries {
  readonly labels: readonly Label[];
  readonly samples: readonly ChunkSample[];
}

/** Names and values from here hold every length of UTF-8 form, beyond the BMP and around the surrogates as well. */
const text = fc.string({
  unit: fc.constantFrom(
    'a',
    'b',
    'z',
    '\u007f',
    'é',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  ),
  minLength: 1,
  maxLength: 6,
});
const labels = fc
  .uniqueArray(fc.tuple(text, text), { minLength: 1, maxLength: 6, selector: ([name]) => name })
  .map((pairs) => pairs.map(([name, value]) => ({ name, value })).sort((a, b) => compareBytes(a.name, b.name)));

/** Any bits: NaNs with payloads, infinities, zeros of both signs, stale markers. */
const bits = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 0x7ff0000000000002n, 0x7ff8000000000001n, 0x8000000000000000n, 0x3ff0000000000000n),
);

const spans = fc.array(fc.record({ offset: fc.nat(5), length: fc.integer({ min: 1, max: 3 }) }), { maxLength: 3 });
const bucketCount = (all: readonly Span[]): number => all.reduce((sum, { length }) => sum + length, 0);

/** Counts that make sense: the reader of the other side checks that they add up. */
const histogram = fc
  .record({
    isFloat: fc.boolean(),
    isGauge: fc.boolean(),
    schema: fc.integer({ min: -4, max: 8 }),
    threshold: fc.constantFrom(0, 0.001, 2 ** -128),
    positiveSpans: spans,
    negativeSpans: spans,
    counts: fc.array(fc.nat(1000), { minLength: 20, maxLength: 20 }),
    sum: fc.double({ noNaN: true, noDefaultInfinity: true }),
  })
  .map(({ isFloat, isGauge, schema, threshold, positiveSpans, negativeSpans, counts, sum }): Histogram => {
    const positive = counts.slice(1, 1 + bucketCount(positiveSpans));
    const negative = counts.slice(10, 10 + bucketCount(negativeSpans));
    const zeroCount = counts[0]!;
    const count = [zeroCount, ...positive, ...negative].reduce((all, one) => all + one, 0);
    const layout = { schema, zeroThreshold: threshold, positiveSpans, negativeSpans, customBounds: new Float64Array() };
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, sum);
    const sumBits = view.getBigUint64(0);
    const hint = isGauge ? CounterReset.gauge : CounterReset.unknown;
    if (isFloat) {
      const floats = { positive: Float64Array.from(positive), negative: Float64Array.from(negative) };
      return { kind: 'float', ...layout, hint, count, zeroCount, sumBits, ...floats };
    }
    const deltas = (all: readonly number[]): BigInt64Array =>
      BigInt64Array.from(all, (value, at) => BigInt(value - (all[at - 1] ?? 0)));
    const integers = { positive: deltas(positive), negative: deltas(negative) };
    return {
      kind: 'integer',
      ...layout,
      hint,
      count: BigInt(count),
      zeroCount: BigInt(zeroCount),
      sumBits,
      ...integers,
    };
  });

const samples = (startMs: number, stepMsMax: number): fc.Arbitrary<ChunkSample[]> =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: stepMsMax }), fc.oneof({ weight: 3, arbitrary: bits }, histogram)), {
      minLength: 1,
      maxLength: 40,
    })
    .map((all) => {
      let timestampMs = BigInt(startMs);
      return all.map(([stepMs, value]) => {
        timestampMs += BigInt(stepMs);
        return typeof value === 'bigint' ? { timestampMs, bits: value } : { timestampMs, histogram: value };
      });
    });

/** Series in label order, each once, with samples of every kind behind `startMs`. */
export function randomSeries(startMs: number, stepMsMax: number, countMax: number): fc.Arbitrary<RandomSeries[]> {
  return fc
    .uniqueArray(fc.record({ labels, samples: samples(startMs, stepMsMax) }), {
      maxLength: countMax,
      selector: (series) => JSON.stringify(series.labels),
    })
    .map((all) => all.sort((a, b) => compareLabels(a.labels, b.labels)));
}

export function blockSeries(all: readonly RandomSeries[], samplesMax = 120): BlockSeries[] {
  return all.map((series) => ({
    labels: encodeLabels(series.labels.map(({ name, value }) => [name, value])),
    chunks: encodeChunks(series.samples, { samplesMax }).map(({ minTimeMs, maxTimeMs, ...chunk }) => ({
      ...chunk,
      minTimeMs: Number(minTimeMs),
      maxTimeMs: Number(maxTimeMs),
    })),
  }));
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
