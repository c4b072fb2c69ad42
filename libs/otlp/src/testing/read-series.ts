import { decodeWriteRequest, type BucketSpan, type Exemplar, type Histogram } from '@gauntlet/remote-write';
import { doubleOf } from '../double-bits.js';

export interface ReadSeries {
  readonly labels: readonly string[][];
  readonly samples: readonly (readonly [timestampMs: number, value: string])[];
  readonly histograms: readonly object[];
  readonly exemplars: readonly object[];
}

/** The series of a prometheus.WriteRequest in the form of the recordings, sorted by their labels. */
export function readSeries(message: Uint8Array): ReadSeries[] {
  const series = decodeWriteRequest(message).timeseries.map(({ labels, samples, histograms, exemplars }) => ({
    labels: labels.map((pair) => pair.map(String)),
    samples: samples.map(({ timestampMs, bits }) => [Number(timestampMs), valueText(bits)] as const),
    histograms: histograms.map(readHistogram),
    exemplars: exemplars.map(readExemplar),
  }));
  return series.sort((left, right) => (JSON.stringify(left.labels) < JSON.stringify(right.labels) ? -1 : 1));
}

/** `name{label="value"} value@time` for each sample. */
export function readLines(message: Uint8Array): string[] {
  return readSeries(message).flatMap(({ labels, samples }) => {
    const name = labels.find(([key]) => key === '__name__')?.[1] ?? '';
    const others = labels
      .filter(([key]) => key !== '__name__')
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const id = others.length === 0 ? name : `${name}{${others.join(',')}}`;
    return samples.map(([timestampMs, value]) => `${id} ${value}@${timestampMs}`);
  });
}

function readExemplar({ labels, bits, timestampMs }: Exemplar): object {
  const pairs = labels.map(([name, value]) => [String(name), String(value)]);
  return { labels: Object.fromEntries(pairs), value: doubleOf(bits), timestampMs: Number(timestampMs) };
}

function readHistogram(histogram: Histogram): object {
  const { count, zeroCount, positiveSpans, negativeSpans, positiveDeltas, negativeDeltas } = histogram;
  return {
    t: Number(histogram.timestampMs),
    kind: count !== undefined && 'int' in count ? 'int' : 'float',
    reset: histogram.resetHint === 0 ? 'unknown' : histogram.resetHint,
    schema: histogram.schema,
    zeroThreshold: doubleOf(histogram.zeroThresholdBits),
    count: count !== undefined && 'int' in count ? String(count.int) : undefined,
    zero: zeroCount !== undefined && 'int' in zeroCount ? String(zeroCount.int) : undefined,
    sum: valueText(histogram.sumBits),
    positiveSpans: positiveSpans.map(spanPair),
    positiveDeltas: positiveDeltas.map(Number),
    negativeSpans: negativeSpans.map(spanPair),
    negativeDeltas: negativeDeltas.map(Number),
  };
}

function spanPair({ offset, length }: BucketSpan): [number, number] {
  return [offset, length];
}

/** NaN shows its bits. */
function valueText(bits: bigint): string {
  const value = doubleOf(bits);
  return Number.isNaN(value) ? `NaN:0x${bits.toString(16)}` : Object.is(value, -0) ? '-0' : String(value);
}
