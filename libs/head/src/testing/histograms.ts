import { CounterReset, type FloatHistogram, type Histogram, type IntegerHistogram } from '@gauntlet/chunk';

const bits = (value: number): bigint => new BigUint64Array(new Float64Array([value]).buffer)[0]!;

/** A valid histogram of four buckets with `n` observations and a few more. */
export function integerHistogram(n: number, change: Partial<IntegerHistogram> = {}): IntegerHistogram {
  return {
    kind: 'integer',
    hint: CounterReset.unknown,
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: BigInt(n),
    count: BigInt(5 * n + 4),
    sumBits: bits(n * 1.5),
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [{ offset: 1, length: 2 }],
    // Absolute: n + 1 each.
    positive: BigInt64Array.of(BigInt(n + 1), 0n),
    negative: BigInt64Array.of(BigInt(n + 1), 0n),
    customBounds: new Float64Array(0),
    ...change,
  };
}

export function floatHistogram(n: number, change: Partial<FloatHistogram> = {}): FloatHistogram {
  return {
    ...integerHistogram(n),
    kind: 'float',
    zeroCount: n,
    count: 5 * n + 4,
    positive: Float64Array.of(n + 1, n + 1),
    negative: Float64Array.of(n + 1, n + 1),
    ...change,
  };
}

/** With custom buckets. */
export function customHistogram(n: number): Histogram {
  return integerHistogram(n, {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0n,
    count: BigInt(2 * n + 2),
    negativeSpans: [],
    negative: new BigInt64Array(0),
    customBounds: Float64Array.of(0.5, 1, 2),
  });
}
