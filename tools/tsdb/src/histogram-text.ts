import type { Histogram, Span } from '@gauntlet/chunk';
import { bucketBound } from './bucket-bound.js';
import { goFloat } from './go-text.js';

interface Bucket {
  readonly index: number;
  readonly count: number | bigint;
}

const customSchema = -53;

/** A native histogram as promtool prints it: `{count:4, sum:1.1, [-0.001,0.001]:1, (0.5,1]:2, (2,4]:1}`; empty buckets are left out. */
export function histogramText(histogram: Histogram): string {
  const parts = [`count:${countText(histogram.count)}`, `sum:${goFloat(fromBits(histogram.sumBits))}`];
  for (const bucket of bucketsOf(histogram, 'negative').reverse()) parts.push(negativeText(histogram, bucket));
  if (Number(histogram.zeroCount) !== 0) {
    const threshold = histogram.zeroThreshold;
    parts.push(`[${goFloat(-threshold)},${goFloat(threshold)}]:${countText(histogram.zeroCount)}`);
  }
  for (const bucket of bucketsOf(histogram, 'positive')) parts.push(positiveText(histogram, bucket));
  return `{${parts.join(', ')}}`;
}

function positiveText(histogram: Histogram, { index, count }: Bucket): string {
  const lower = boundOf(histogram, index - 1);
  const upper = boundOf(histogram, index);
  // Bounds of custom buckets may be negative; the first of them begins at -Inf.
  const isLowerInside = histogram.schema === customSchema ? index === 0 : lower < 0;
  return `${isLowerInside ? '[' : '('}${goFloat(lower)},${goFloat(upper)}]:${countText(count)}`;
}

function negativeText(histogram: Histogram, { index, count }: Bucket): string {
  const lower = -boundOf(histogram, index);
  const upper = -boundOf(histogram, index - 1);
  return `[${goFloat(lower)},${goFloat(upper)}):${countText(count)}`;
}

function boundOf({ schema, customBounds }: Histogram, index: number): number {
  if (schema !== customSchema) return bucketBound(schema, index);
  return index < 0 ? -Infinity : (customBounds[index] ?? Infinity);
}

/** Buckets that count something, ascending. */
function bucketsOf(histogram: Histogram, side: 'positive' | 'negative'): Bucket[] {
  const spans = side === 'positive' ? histogram.positiveSpans : histogram.negativeSpans;
  const counts = countsOf(histogram, side);
  return indexesOf(spans)
    .map((index, at) => ({ index, count: counts[at] ?? 0 }))
    .filter(({ count }) => Number(count) !== 0);
}

function countsOf(histogram: Histogram, side: 'positive' | 'negative'): readonly (number | bigint)[] {
  if (histogram.kind === 'float') return [...histogram[side]];
  let count = 0n;
  return [...histogram[side]].map((difference) => (count += difference));
}

function indexesOf(spans: readonly Span[]): number[] {
  const indexes: number[] = [];
  let next = 0;
  for (const { offset, length } of spans) {
    next += offset;
    for (let left = length; left > 0; left -= 1) indexes.push(next++);
  }
  return indexes;
}

const countText = (count: number | bigint): string => (typeof count === 'bigint' ? String(count) : goFloat(count));

const scratch = new DataView(new ArrayBuffer(8));

export function fromBits(bits: bigint): number {
  scratch.setBigUint64(0, BigInt.asUintN(64, bits));
  return scratch.getFloat64(0);
}
