import { type Union, unionOf } from './bucket-spans.js';
import type { Histogram, HistogramLayout } from './histogram.js';
import { absolute, differences } from './histogram-resolution.js';

/** The buckets of a chunk (ours) and of a sample (theirs) on one side, where they differ. */
export interface SideUnion extends Union {
  /** The sample has buckets that the chunk lacks. */
  readonly grows: boolean;
  /** The chunk has buckets that the sample lacks. */
  readonly lacks: boolean;
}

/** Undefined sides are the same in both. */
export interface LayoutUnion {
  readonly positive: SideUnion | undefined;
  readonly negative: SideUnion | undefined;
}

export function uniteLayouts(ours: HistogramLayout, theirs: HistogramLayout): LayoutUnion {
  return {
    positive: withDifferences(unionOf(ours.positiveSpans, theirs.positiveSpans)),
    negative: withDifferences(unionOf(ours.negativeSpans, theirs.negativeSpans)),
  };
}

function withDifferences(union: Union | undefined): SideUnion | undefined {
  if (union === undefined) return undefined;
  const size = union.indexes.length;
  return { ...union, grows: size > union.ours.length, lacks: size > union.theirs.length };
}

export function sameScale(a: HistogramLayout, b: HistogramLayout): boolean {
  return a.schema === b.schema && a.zeroThreshold === b.zeroThreshold;
}

export function sameBounds({ customBounds: a }: HistogramLayout, { customBounds: b }: HistogramLayout): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** Whether any bucket of `before`, in our layout, counts less in `after`, in theirs, or is missing there though it had counted. */
export function anyFell({ positive, negative }: LayoutUnion, before: Histogram, after: Histogram): boolean {
  return (
    fell(positive, countsOf(before, 'positive'), countsOf(after, 'positive')) ||
    fell(negative, countsOf(before, 'negative'), countsOf(after, 'negative'))
  );
}

type Counts = ArrayLike<number | bigint>;

function fell(union: SideUnion | undefined, before: Counts, after: Counts): boolean {
  if (union === undefined) {
    for (let i = 0; i < before.length; i += 1) if (before[i]! > after[i]!) return true;
    return false;
  }
  const found = new Map(union.theirs.map((place, i) => [place, after[i]!]));
  return union.ours.some((place, i) => {
    const now = found.get(place);
    const then = before[i]!;
    // Not the same as `then > 0`: a bucket may count a NaN.
    return now === undefined ? Number(then) !== 0 : then > now;
  });
}

function countsOf(histogram: Histogram, side: 'positive' | 'negative'): Counts {
  return histogram.kind === 'float' ? histogram[side] : absolute(histogram[side]);
}

/** The histogram with zeros in the buckets that it lacks; its spans are left as they are. */
export function padded(
  histogram: Histogram,
  { positive, negative }: LayoutUnion,
  places: 'ours' | 'theirs',
): Histogram {
  if (positive === undefined && negative === undefined) return histogram;
  if (histogram.kind === 'integer') {
    return {
      ...histogram,
      positive: padIntegers(histogram.positive, positive, places),
      negative: padIntegers(histogram.negative, negative, places),
    };
  }
  return {
    ...histogram,
    positive: padFloats(histogram.positive, positive, places),
    negative: padFloats(histogram.negative, negative, places),
  };
}

function padIntegers(deltas: BigInt64Array, union: SideUnion | undefined, places: 'ours' | 'theirs'): BigInt64Array {
  if (union === undefined) return deltas;
  const counts = Array<bigint>(union.indexes.length).fill(0n);
  absolute(deltas).forEach((count, i) => (counts[union[places][i]!] = count));
  return differences(counts);
}

function padFloats(counts: Float64Array, union: SideUnion | undefined, places: 'ours' | 'theirs'): Float64Array {
  if (union === undefined) return counts;
  const wide = new Float64Array(union.indexes.length);
  counts.forEach((count, i) => (wide[union[places][i]!] = count));
  return wide;
}
