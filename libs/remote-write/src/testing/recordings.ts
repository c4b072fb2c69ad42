import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabelBytes, SampleBits } from '@gauntlet/kernel';
import type { Histogram, HistogramCount, TimeSeries } from '../write-request.js';

// Recordings of Thanos and Prometheus in testdata, and how they write what was decoded.

export type Text = string | { readonly hex: string };
export interface RecordedSeries {
  readonly labels: Text[];
  readonly labelsError?: string;
  readonly samples: [bits: string, timestampMs: string][];
  readonly exemplars: unknown[];
  readonly histograms: unknown[];
}
export interface Recorded {
  readonly name: string;
  readonly body: string;
  readonly snappy: string;
  readonly error?: string;
  readonly decoded?: { readonly timeseries: RecordedSeries[]; readonly metadata: unknown[] };
}

export function recordings<Case>(file: string): Case[] {
  return (JSON.parse(readFileSync(join(__dirname, '../../testdata', file), 'utf8')) as { cases: Case[] }).cases;
}

export function bytesOf(text: Text): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.hex, 'hex');
}

export function pairsOf(labels: readonly Text[]): LabelBytes[] {
  return Array.from(
    { length: labels.length / 2 },
    (_, index) => [bytesOf(labels[index * 2]!), bytesOf(labels[index * 2 + 1]!)] as const,
  );
}

export function samplesOf(samples: RecordedSeries['samples']): SampleBits[] {
  return samples.map(([bits, timestampMs]) => ({ timestampMs: BigInt(timestampMs), bits: BigInt(`0x${bits}`) }));
}

/** Writes bytes as the recordings do: as text where it is valid UTF-8, in hex otherwise. */
export function textOf(bytes: Buffer): Text {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : { hex: bytes.toString('hex') };
}

export const hexOf = (bits: bigint): string => bits.toString(16).padStart(16, '0');

export function recordedHistogram(histogram: Histogram): unknown {
  const count = (name: string, value: HistogramCount | undefined): object =>
    value === undefined
      ? {}
      : 'int' in value
        ? { [`${name}_int`]: String(value.int) }
        : { [`${name}_float`]: hexOf(value.floatBits) };
  return {
    ...count('count', histogram.count),
    sum: hexOf(histogram.sumBits),
    schema: histogram.schema,
    zero_threshold: hexOf(histogram.zeroThresholdBits),
    ...count('zero_count', histogram.zeroCount),
    negative_spans: histogram.negativeSpans.map(({ offset, length }) => [offset, length]),
    negative_deltas: histogram.negativeDeltas.map(String),
    negative_counts: histogram.negativeCountBits.map(hexOf),
    positive_spans: histogram.positiveSpans.map(({ offset, length }) => [offset, length]),
    positive_deltas: histogram.positiveDeltas.map(String),
    positive_counts: histogram.positiveCountBits.map(hexOf),
    reset_hint: histogram.resetHint,
    timestamp: String(histogram.timestampMs),
    custom_values: histogram.customValueBits.map(hexOf),
  };
}

export function recordedSeries(series: TimeSeries): unknown {
  return {
    labels: series.labels.flat().map(textOf),
    samples: series.samples.map(({ bits, timestampMs }) => [hexOf(bits), String(timestampMs)]),
    exemplars: series.exemplars.map(({ labels, bits, timestampMs }) => ({
      labels: labels.flat().map(textOf),
      value: hexOf(bits),
      timestamp: String(timestampMs),
    })),
    histograms: series.histograms.map(recordedHistogram),
  };
}

export function withoutChecks(series: RecordedSeries): unknown {
  const { labels, samples, exemplars, histograms } = series;
  return { labels, samples, exemplars, histograms };
}
