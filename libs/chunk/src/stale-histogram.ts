import { CounterReset, type Histogram } from './histogram.js';

/** The one NaN that ends a series; in a histogram it is the sum (spec/tsdb.md 5.5). */
export const staleBits = 0x7ff0000000000002n;

export function isStaleHistogram(histogram: Histogram): boolean {
  return histogram.sumBits === staleBits;
}

/** Nothing but the mark, as a chunk gives it back. */
export function staleHistogram(kind: Histogram['kind']): Histogram {
  const layout = { hint: CounterReset.unknown, ...emptyLayout, sumBits: staleBits };
  if (kind === 'float') return { kind, ...layout, count: 0, zeroCount: 0, positive: noCounts, negative: noCounts };
  return { kind, ...layout, count: 0n, zeroCount: 0n, positive: noDeltas, negative: noDeltas };
}

const noCounts = new Float64Array(0);
const noDeltas = new BigInt64Array(0);
const emptyLayout = { schema: 0, zeroThreshold: 0, positiveSpans: [], negativeSpans: [], customBounds: noCounts };
