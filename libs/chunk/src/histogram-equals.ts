import { sameBuckets } from './bucket-spans.js';
import type { Histogram } from './histogram.js';
import { isStaleHistogram } from './stale-histogram.js';

/** Whether two histograms say the same, bit for bit. Their hints and the seams of their spans do not matter, nor what a stale one holds. */
export function histogramEquals(a: Histogram, b: Histogram): boolean {
  if (a.kind !== b.kind || a.sumBits !== b.sumBits) return false;
  if (isStaleHistogram(a)) return true;
  return (
    a.schema === b.schema &&
    Object.is(a.zeroThreshold, b.zeroThreshold) &&
    Object.is(a.count, b.count) &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameValues(a.customBounds, b.customBounds) &&
    sameBuckets(a.positiveSpans, b.positiveSpans) &&
    sameBuckets(a.negativeSpans, b.negativeSpans) &&
    sameValues(a.positive, b.positive) &&
    sameValues(a.negative, b.negative)
  );
}

type Values = BigInt64Array | Float64Array;

function sameValues(a: Values, b: Values): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (!Object.is(a[i], b[i])) return false;
  return true;
}
