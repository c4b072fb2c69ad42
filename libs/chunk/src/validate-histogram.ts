import { bucketCount } from './bucket-spans.js';
import type { Histogram, HistogramLayout, Span } from './histogram.js';
import { customBucketsSchema, exponentialSchemaMax, fromBits } from './histogram-header.js';

const exponentialSchemaMin = -4;

/** What is wrong with a histogram that a client sent; undefined when it can be stored (spec/tsdb.md 5.4). */
export function validateHistogram(histogram: Histogram): string | undefined {
  return (
    problemOfSpans('positive', histogram.positiveSpans, histogram.positive.length) ??
    problemOfSpans('negative', histogram.negativeSpans, histogram.negative.length) ??
    problemOfScale(histogram) ??
    (histogram.kind === 'integer' ? problemOfIntegers(histogram) : problemOfFloats(histogram))
  );
}

function problemOfSpans(side: string, spans: readonly Span[], buckets: number): string | undefined {
  for (const [i, { offset, length }] of spans.entries()) {
    if (i > 0 && offset < 0) return `${side} span ${i + 1} has a negative offset ${offset}`;
    if (!(length >= 0)) return `${side} span ${i + 1} has a negative length ${length}`;
  }
  const named = bucketCount(spans);
  return named === buckets ? undefined : `${side} spans name ${named} buckets, but there are ${buckets}`;
}

function problemOfScale(histogram: Histogram): string | undefined {
  const { schema, customBounds } = histogram;
  if (schema === customBucketsSchema) return problemOfBounds(histogram) ?? problemOfCustom(histogram);
  if (!(schema >= exponentialSchemaMin && schema <= exponentialSchemaMax)) return `schema ${schema} is not known`;
  return customBounds.length === 0 ? undefined : `schema ${schema} has no custom bounds, but there are some`;
}

function problemOfBounds({ customBounds }: HistogramLayout): string | undefined {
  for (const [i, bound] of customBounds.entries()) {
    if (Number.isNaN(bound)) return `custom bound ${i + 1} is not a number`;
    if (i > 0 && !(bound > customBounds[i - 1]!)) return `custom bound ${i + 1} does not exceed the one before`;
  }
  return customBounds.at(-1) === Infinity ? 'the last custom bound is +Inf, which goes without saying' : undefined;
}

function problemOfCustom(histogram: Histogram): string | undefined {
  const { positiveSpans, customBounds, negativeSpans, zeroCount, zeroThreshold } = histogram;
  if (Number(zeroCount) !== 0) return 'a histogram with custom bounds has a zero count';
  if (zeroThreshold !== 0) return 'a histogram with custom bounds has a zero threshold';
  if (negativeSpans.length > 0) return 'a histogram with custom bounds has negative buckets';
  let reach = 0;
  for (const { offset, length } of positiveSpans) {
    if (offset < 0) return `a span of a histogram with custom bounds has a negative offset ${offset}`;
    reach += offset + length;
  }
  if (reach <= customBounds.length + 1) return undefined;
  return `positive spans reach bucket ${reach}, but ${customBounds.length} custom bounds make ${customBounds.length + 1}`;
}

function problemOfIntegers({ count, zeroCount, sumBits, positive, negative }: Histogram & { kind: 'integer' }) {
  let total = zeroCount;
  for (const [side, deltas] of [
    ['positive', positive],
    ['negative', negative],
  ] as const) {
    let bucket = 0n;
    for (const delta of deltas) {
      bucket += delta;
      if (bucket < 0n) return `a ${side} bucket counts ${bucket}`;
      total += bucket;
    }
  }
  // Observations that are NaN are in the count alone, and make the sum NaN.
  if (Number.isNaN(fromBits(sumBits)) ? total <= count : total === count) return undefined;
  return `its buckets hold ${total} observations, but its count is ${count}`;
}

function problemOfFloats({ count, zeroCount, positive, negative }: Histogram & { kind: 'float' }) {
  if (count < 0) return `its count is ${count}`;
  if (zeroCount < 0) return `its zero bucket counts ${zeroCount}`;
  for (const [side, counts] of [
    ['positive', positive],
    ['negative', negative],
  ] as const) {
    const low = counts.find((bucket) => bucket < 0);
    if (low !== undefined) return `a ${side} bucket counts ${low}`;
  }
  return undefined;
}
