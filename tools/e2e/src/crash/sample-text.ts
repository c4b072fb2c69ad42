import { staleMarkerBits } from '@gauntlet/model';
import type { ChunkSample, Histogram as StoredHistogram, Span } from '@gauntlet/chunk';
import type { SeriesInput } from '@gauntlet/remote-write';

export type SentHistogram = NonNullable<SeriesInput['histograms']>[number];

/**
 * One text for each sample, the same whether it is about to be sent or was read from a block. Histograms are told by their buckets
 * that are not empty: a chunk may widen a layout, and work out anew what is known of counter resets.
 */
export const sampleText = (series: string, timestampMs: number | bigint, value: string): string =>
  `${series} ${timestampMs} ${value}`;

/** Name and values in the order given. */
export const seriesText = (labels: Iterable<readonly [name: string, value: string]>): string =>
  `{${[...labels].map(([name, value]) => `${name}="${value}"`).join(', ')}}`;

/** The samples of a series that is about to be sent. */
export function sentTexts({ labels, samples, histograms = [] }: SeriesInput): string[] {
  const series = seriesText(labels as readonly (readonly [string, string])[]);
  return [
    ...samples.map((sample) =>
      sampleText(series, sample.timestampMs, floatText('bits' in sample ? sample.bits : bitsOf(sample.value))),
    ),
    ...histograms.map((histogram) => sampleText(series, histogram.timestampMs, sentHistogramText(histogram))),
  ];
}

/** The exemplars of a series that is about to be sent, or of one in a head. */
export const exemplarTexts = (series: string, exemplars: readonly ExemplarFacts[]): string[] =>
  exemplars.map(({ timestampMs, bits, labels }) => {
    const names = labels.map(([name, value]): [string, string] => [String(name), String(value)]);
    return sampleText(series, timestampMs, `exemplar ${seriesText(names)} ${floatText(bits)}`);
  });

interface ExemplarFacts {
  readonly timestampMs: bigint;
  readonly bits: bigint;
  readonly labels: readonly (readonly [name: unknown, value: unknown])[];
}

/** The time in a text. */
export const timeOf = (sample: string): number => Number(/\} (-?\d+) /.exec(sample)?.[1]);

export const storedValueText = (sample: ChunkSample): string =>
  'bits' in sample ? floatText(sample.bits) : storedHistogramText(sample.histogram);

export const floatText = (bits: bigint): string =>
  bits === staleMarkerBits ? 'stale' : `${doubleOf(bits)}/${bits.toString(16)}`;

interface Side {
  readonly spans: readonly Span[];
  /** Absolute counts. */
  readonly counts: readonly (bigint | number)[];
}

interface HistogramFacts {
  readonly kind: 'integer' | 'float';
  readonly isGauge: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly count: bigint | number;
  readonly zeroCount: bigint | number;
  readonly sumBits: bigint;
  readonly positive: Side;
  readonly negative: Side;
  readonly customBounds: readonly number[];
}

function storedHistogramText(histogram: StoredHistogram): string {
  const counts = (values: BigInt64Array | Float64Array): (bigint | number)[] =>
    values instanceof BigInt64Array ? runningSums([...values]) : [...values];
  return textOf({
    ...histogram,
    isGauge: histogram.hint === 3,
    positive: { spans: histogram.positiveSpans, counts: counts(histogram.positive) },
    negative: { spans: histogram.negativeSpans, counts: counts(histogram.negative) },
    customBounds: [...histogram.customBounds],
  });
}

function sentHistogramText(histogram: SentHistogram): string {
  const { isFloat, count, zeroCount, positive, negative } = countsOf(histogram);
  return textOf({
    kind: isFloat ? 'float' : 'integer',
    isGauge: histogram.resetHint === 3,
    schema: histogram.schema,
    sumBits: histogram.sumBits,
    zeroThreshold: doubleOf(histogram.zeroThresholdBits),
    count,
    zeroCount,
    positive: { spans: histogram.positiveSpans, counts: positive },
    negative: { spans: histogram.negativeSpans, counts: negative },
    customBounds: histogram.customValueBits.map(doubleOf),
  });
}

/** The counts of a histogram as numbers, bucket by bucket from the one nearest to zero. */
export function bucketCounts(histogram: SentHistogram): {
  count: number;
  zero: number;
  positive: number[];
  negative: number[];
} {
  const { count, zeroCount, positive, negative } = countsOf(histogram);
  return {
    count: Number(count),
    zero: Number(zeroCount),
    positive: positive.map(Number),
    negative: negative.map(Number),
  };
}

type Count = bigint | number;

function countsOf(histogram: SentHistogram): {
  isFloat: boolean;
  count: Count;
  zeroCount: Count;
  positive: Count[];
  negative: Count[];
} {
  const { count, zeroCount } = histogram;
  const isFloat = count !== undefined && 'floatBits' in count;
  const numberOf = (value: typeof count): Count =>
    value === undefined ? 0n : 'int' in value ? value.int : doubleOf(value.floatBits);
  const counts = (deltas: readonly bigint[], bits: readonly bigint[]): Count[] =>
    isFloat ? bits.map(doubleOf) : runningSums(deltas);
  return {
    isFloat,
    count: numberOf(count),
    zeroCount: numberOf(zeroCount),
    positive: counts(histogram.positiveDeltas, histogram.positiveCountBits),
    negative: counts(histogram.negativeDeltas, histogram.negativeCountBits),
  };
}

function textOf(facts: HistogramFacts): string {
  if (facts.sumBits === staleMarkerBits) return `stale ${facts.kind} histogram`;
  const { kind, isGauge, schema, zeroThreshold, count, zeroCount, sumBits, customBounds } = facts;
  return [
    isGauge ? 'gauge' : 'counter',
    kind,
    `schema ${schema}`,
    `count ${count}`,
    `sum ${doubleOf(sumBits)}`,
    `zero ${zeroThreshold}:${zeroCount}`,
    `positive ${bucketsText(facts.positive)}`,
    `negative ${bucketsText(facts.negative)}`,
    ...(customBounds.length > 0 ? [`bounds ${customBounds.join(',')}`] : []),
  ].join(' ');
}

function bucketsText({ spans, counts }: Side): string {
  const texts: string[] = [];
  let bucket = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    bucket += offset;
    for (let run = 0; run < length; run++, bucket++) {
      const count = counts[at++] ?? 0;
      if (Number(count) !== 0) texts.push(`${bucket}:${count}`);
    }
  }
  return texts.join(',');
}

function runningSums(deltas: readonly bigint[]): bigint[] {
  let sum = 0n;
  return deltas.map((delta) => (sum += delta));
}

const double = new DataView(new ArrayBuffer(8));

export function doubleOf(bits: bigint): number {
  double.setBigUint64(0, bits);
  return double.getFloat64(0);
}

export function bitsOf(value: number): bigint {
  double.setFloat64(0, value);
  return double.getBigUint64(0);
}
