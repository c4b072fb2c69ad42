import { bucketIndexes, spansOf } from './bucket-spans.js';
import type { Histogram, Span } from './histogram.js';
import { exponentialSchemaMax } from './histogram-header.js';

/** The histogram as it is, or with the buckets of schema 8 when it has finer ones, which nothing of ours counts in. */
export function coarsenHistogram(histogram: Histogram): Histogram {
  const steps = histogram.schema - exponentialSchemaMax;
  if (steps <= 0) return histogram;
  if (histogram.kind === 'float') {
    const positive = merged(histogram.positiveSpans, Array.from(histogram.positive), steps, addFloats);
    const negative = merged(histogram.negativeSpans, Array.from(histogram.negative), steps, addFloats);
    return {
      ...histogram,
      schema: exponentialSchemaMax,
      positiveSpans: positive.spans,
      negativeSpans: negative.spans,
      positive: Float64Array.from(positive.counts),
      negative: Float64Array.from(negative.counts),
    };
  }
  const positive = merged(histogram.positiveSpans, absolute(histogram.positive), steps, addIntegers);
  const negative = merged(histogram.negativeSpans, absolute(histogram.negative), steps, addIntegers);
  return {
    ...histogram,
    schema: exponentialSchemaMax,
    positiveSpans: positive.spans,
    negativeSpans: negative.spans,
    positive: differences(positive.counts),
    negative: differences(negative.counts),
  };
}

const addFloats = (a: number, b: number): number => a + b;
const addIntegers = (a: bigint, b: bigint): bigint => BigInt.asIntN(64, a + b);

/** Bucket i of a schema covers buckets 2i-1 and 2i of the next finer one. */
function merged<T>(spans: readonly Span[], counts: readonly T[], steps: number, add: (a: T, b: T) => T) {
  const sums = new Map<number, T>();
  bucketIndexes(spans).forEach((fine, i) => {
    const index = Math.ceil(fine / 2 ** steps);
    const sum = sums.get(index);
    sums.set(index, sum === undefined ? counts[i]! : add(sum, counts[i]!));
  });
  return { spans: spansOf([...sums.keys()]), counts: [...sums.values()] };
}

/** Counts out of the differences between neighbours. */
export function absolute(deltas: BigInt64Array): bigint[] {
  let count = 0n;
  return Array.from(deltas, (delta) => (count = BigInt.asIntN(64, count + delta)));
}

export function differences(counts: readonly bigint[]): BigInt64Array {
  return BigInt64Array.from(counts, (count, i) => BigInt.asIntN(64, count - (counts[i - 1] ?? 0n)));
}
