/** What is known of a counter reset between a histogram and the one before it; the numbers are those of WAL records (spec/tsdb.md 2.4). */
export const CounterReset = { unknown: 0, reset: 1, notReset: 2, gauge: 3 } as const;
export type CounterReset = (typeof CounterReset)[keyof typeof CounterReset];

/** A run of buckets: the first offset is an absolute bucket index, later ones are gaps. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Which buckets a native histogram has. */
export interface HistogramLayout {
  /** -4 to 8 exponential, -53 custom bounds. */
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly Span[];
  readonly negativeSpans: readonly Span[];
  /** Upper bounds of the buckets of schema -53; empty otherwise. */
  readonly customBounds: Float64Array;
}

/** A native histogram whose counts are integers. */
export interface IntegerHistogram extends HistogramLayout {
  readonly kind: 'integer';
  readonly hint: CounterReset;
  readonly count: bigint;
  readonly zeroCount: bigint;
  /** Bits of the sum; those of the stale marker make the histogram stale. */
  readonly sumBits: bigint;
  /** Differences between neighbouring buckets, the first one absolute. */
  readonly positive: BigInt64Array;
  readonly negative: BigInt64Array;
}

/** A native histogram whose counts are floating-point numbers. */
export interface FloatHistogram extends HistogramLayout {
  readonly kind: 'float';
  readonly hint: CounterReset;
  readonly count: number;
  readonly zeroCount: number;
  readonly sumBits: bigint;
  /** Absolute counts. */
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

export type Histogram = IntegerHistogram | FloatHistogram;

/** One sample of a chunk. `startMs`, the start timestamp, is there in encodings 4 to 6 only, and absent when unknown. */
export type ChunkSample =
  | { readonly timestampMs: bigint; readonly bits: bigint; readonly startMs?: bigint }
  | { readonly timestampMs: bigint; readonly histogram: Histogram; readonly startMs?: bigint };
