import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { doubleOf } from '../double-bits.js';

export interface ReadSeries {
  readonly labels: readonly string[][];
  readonly samples: readonly (readonly [timestampMs: number, value: string])[];
  readonly histograms: readonly ReadHistogram[];
  readonly exemplars: readonly object[];
}

/** Counts are decimal; a NaN shows its bits. */
export interface ReadHistogram {
  readonly t: number;
  readonly kind: 'int' | 'float';
  readonly reset: 'unknown' | number;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly count: string | undefined;
  readonly zero: string | undefined;
  readonly sum: string;
  readonly positiveSpans: readonly (readonly [offset: number, length: number])[];
  readonly positiveDeltas: readonly number[];
  readonly negativeSpans: readonly (readonly [offset: number, length: number])[];
  readonly negativeDeltas: readonly number[];
}

/** As protobufjs gives a request; 64-bit numbers are decimal, and doubles are numbers that stand for their bits. */
interface DecodedRequest {
  timeseries: {
    labels: DecodedLabel[];
    samples: { value: string; timestamp: string }[];
    exemplars: { labels: DecodedLabel[]; value: string; timestamp: string }[];
    histograms: DecodedHistogram[];
  }[];
}
interface DecodedLabel {
  name: string;
  value: string;
}
interface DecodedSpan {
  offset: number;
  length: number;
}
interface DecodedHistogram {
  countInt?: string;
  zeroCountInt?: string;
  sum: string;
  schema: number;
  zeroThreshold: string;
  positiveSpans: DecodedSpan[];
  positiveDeltas: string[];
  negativeSpans: DecodedSpan[];
  negativeDeltas: string[];
  resetHint: number;
  timestamp: string;
}

const proto = readFileSync(join(__dirname, '../../../../proto/prometheus/remote.proto'), 'utf8');
const type = protobuf.parse(proto.replaceAll('double ', 'fixed64 ')).root.lookupType('prometheus.WriteRequest');

/** The series of a prometheus.WriteRequest in the form of the recordings, sorted by their labels. */
export function readSeries(message: Uint8Array): ReadSeries[] {
  const decoded = type.toObject(type.decode(message), { longs: String, defaults: true, arrays: true });
  const series = (decoded as DecodedRequest).timeseries.map(({ labels, samples, histograms, exemplars }) => ({
    labels: labels.map(({ name, value }) => [name, value]),
    samples: samples.map(({ timestamp, value }) => [Number(timestamp), valueText(value)] as const),
    histograms: histograms.map(readHistogram),
    exemplars: exemplars.map((exemplar) => ({
      labels: Object.fromEntries(exemplar.labels.map(({ name, value }) => [name, value])),
      value: doubleOf(BigInt(exemplar.value)),
      timestampMs: Number(exemplar.timestamp),
    })),
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

function readHistogram(histogram: DecodedHistogram): ReadHistogram {
  const pair = ({ offset, length }: DecodedSpan): [number, number] => [offset, length];
  return {
    t: Number(histogram.timestamp),
    kind: histogram.countInt === undefined ? 'float' : 'int',
    reset: histogram.resetHint === 0 ? 'unknown' : histogram.resetHint,
    schema: histogram.schema,
    zeroThreshold: doubleOf(BigInt(histogram.zeroThreshold)),
    count: histogram.countInt,
    zero: histogram.zeroCountInt,
    sum: valueText(histogram.sum),
    positiveSpans: histogram.positiveSpans.map(pair),
    positiveDeltas: histogram.positiveDeltas.map(Number),
    negativeSpans: histogram.negativeSpans.map(pair),
    negativeDeltas: histogram.negativeDeltas.map(Number),
  };
}

function valueText(bits: string): string {
  const value = doubleOf(BigInt(bits));
  if (Number.isNaN(value)) return `NaN:0x${BigInt(bits).toString(16)}`;
  return Object.is(value, -0) ? '-0' : String(value);
}
