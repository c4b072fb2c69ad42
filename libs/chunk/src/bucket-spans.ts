import type { Span } from './histogram.js';

/** Index of each bucket, in order. The caller knows that spans are no longer than the buckets it holds. */
export function bucketIndexes(spans: readonly Span[]): number[] {
  const indexes: number[] = [];
  let next = 0;
  for (const { offset, length } of spans) {
    next += offset;
    for (let left = length; left > 0; left -= 1) indexes.push(next++);
  }
  return indexes;
}

export function bucketCount(spans: readonly Span[]): number {
  let count = 0;
  for (const { length } of spans) count += length;
  return count;
}

/** The shortest spans with these buckets. */
export function spansOf(indexes: readonly number[]): Span[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length += 1;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** Whether spans name the same buckets; empty spans and the seams between touching ones do not matter. */
export function sameBuckets(a: readonly Span[], b: readonly Span[]): boolean {
  if (a === b || sameSpans(a, b)) return true;
  const ours = seamless(a);
  const theirs = seamless(b);
  return sameSpans(ours, theirs);
}

function sameSpans(a: readonly Span[], b: readonly Span[]): boolean {
  return (
    a.length === b.length && a.every(({ offset, length }, i) => offset === b[i]!.offset && length === b[i]!.length)
  );
}

function seamless(spans: readonly Span[]): Span[] {
  const joined: { offset: number; length: number }[] = [];
  let gap = 0;
  for (const { offset, length } of spans) {
    gap += offset;
    if (length === 0) continue;
    const last = joined.at(-1);
    if (last !== undefined && gap === 0) last.length += length;
    else joined.push({ offset: gap, length });
    gap = 0;
  }
  return joined;
}

/** Two layouts of one side brought together. */
export interface Union {
  readonly indexes: readonly number[];
  /** Where the buckets of each layout are in the union. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** Undefined when both have the same buckets, which is the usual case. */
export function unionOf(ours: readonly Span[], theirs: readonly Span[]): Union | undefined {
  if (sameBuckets(ours, theirs)) return undefined;
  const a = bucketIndexes(ours);
  const b = bucketIndexes(theirs);
  const union = { indexes: [] as number[], ours: [] as number[], theirs: [] as number[] };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const left = a[i] ?? Infinity;
    const right = b[j] ?? Infinity;
    if (left <= right) union.ours[i++] = union.indexes.length;
    if (right <= left) union.theirs[j++] = union.indexes.length;
    union.indexes.push(Math.min(left, right));
  }
  return union;
}
