import type { LabelBytes } from '@gauntlet/kernel';
import { ProtobufWriter } from './protobuf-writer.js';
import type { Histogram, HistogramCount, MetricMetadata, TimeSeries, WriteRequest } from './write-request.js';

export type Text = string | Uint8Array;

/** A sample to send: its value as a number, or as bits where NaN payloads matter. */
export type SampleInput = { readonly timestampMs: number | bigint } & (
  { readonly value: number } | { readonly bits: bigint }
);

export interface SeriesInput {
  readonly labels: readonly (readonly [name: Text, value: Text])[];
  readonly samples: readonly SampleInput[];
  readonly exemplars?: TimeSeries['exemplars'];
  readonly histograms?: TimeSeries['histograms'];
}

export interface WriteRequestInput {
  readonly timeseries: readonly SeriesInput[];
  readonly metadata?: WriteRequest['metadata'];
}

/** thanos.WriteRequest to send; what is left out is empty. A decoded request is one, too. */
export interface ThanosWriteRequestInput {
  readonly timeseries?: readonly SeriesInput[];
  readonly tenant?: Text;
  readonly replica?: bigint;
  readonly tenants?: readonly { readonly tenant: Text; readonly timeseries: readonly SeriesInput[] }[];
}

/**
 * Encodes remote write 1.0 as the Prometheus sender does: fields in ascending order, those that are 0 or empty left out.
 * A negative zero is kept, though, which Go's encoder loses.
 */
export function encodeWriteRequest(request: WriteRequestInput): Buffer {
  const writer = new ProtobufWriter();
  for (const series of request.timeseries) writer.message(1, () => writeSeries(writer, series));
  for (const metadata of request.metadata ?? []) writer.message(3, () => writeMetadata(writer, metadata));
  return writer.finish();
}

/** Encodes thanos.WriteRequest as Thanos does, negative zeros apart. */
export function encodeThanosWriteRequest(request: ThanosWriteRequestInput): Buffer {
  const writer = new ProtobufWriter();
  for (const series of request.timeseries ?? []) writer.message(1, () => writeSeries(writer, series));
  writer.text(2, request.tenant ?? '');
  writer.varint(3, request.replica ?? 0n);
  for (const { tenant, timeseries } of request.tenants ?? []) {
    writer.message(4, () => {
      for (const series of timeseries) writer.message(1, () => writeSeries(writer, series));
      writer.text(2, tenant);
    });
  }
  return writer.finish();
}

function writeSeries(writer: ProtobufWriter, series: SeriesInput): void {
  writeLabels(writer, series.labels);
  for (const sample of series.samples) {
    writer.message(2, () => {
      writer.fixed64(1, 'bits' in sample ? sample.bits : bitsOf(sample.value));
      writer.varint(2, BigInt(sample.timestampMs));
    });
  }
  for (const exemplar of series.exemplars ?? []) {
    writer.message(3, () => {
      writeLabels(writer, exemplar.labels);
      writer.fixed64(2, exemplar.bits);
      writer.varint(3, exemplar.timestampMs);
    });
  }
  for (const histogram of series.histograms ?? []) writer.message(4, () => writeHistogramFields(writer, histogram));
}

function writeLabels(writer: ProtobufWriter, labels: SeriesInput['labels'] | readonly LabelBytes[]): void {
  for (const [name, value] of labels) {
    writer.message(1, () => {
      writer.text(1, name);
      writer.text(2, value);
    });
  }
}

export function writeHistogramFields(writer: ProtobufWriter, histogram: Histogram): void {
  writeCount(writer, 1, histogram.count);
  writer.fixed64(3, histogram.sumBits);
  writer.varint(4, zigzag(BigInt(histogram.schema)));
  writer.fixed64(5, histogram.zeroThresholdBits);
  writeCount(writer, 6, histogram.zeroCount);
  writeBuckets(writer, 8, histogram.negativeSpans, histogram.negativeDeltas, histogram.negativeCountBits);
  writeBuckets(writer, 11, histogram.positiveSpans, histogram.positiveDeltas, histogram.positiveCountBits);
  writer.varint(14, BigInt(histogram.resetHint));
  writer.varint(15, histogram.timestampMs);
  writer.packedFixed64(16, histogram.customValueBits);
}

function writeBuckets(
  writer: ProtobufWriter,
  field: number,
  spans: Histogram['positiveSpans'],
  deltas: readonly bigint[],
  countBits: readonly bigint[],
): void {
  for (const span of spans) {
    writer.message(field, () => {
      writer.varint(1, zigzag(BigInt(span.offset)));
      writer.varint(2, BigInt(span.length));
    });
  }
  writer.packedVarints(field + 1, deltas.map(zigzag));
  writer.packedFixed64(field + 2, countBits);
}

/** Either kind of count is written even when it is 0: its presence tells the kind. */
function writeCount(writer: ProtobufWriter, field: number, count: HistogramCount | undefined): void {
  if (count === undefined) return;
  if ('int' in count) writer.varint(field, count.int, { always: true });
  else writer.fixed64(field + 1, count.floatBits, { always: true });
}

function writeMetadata(writer: ProtobufWriter, metadata: MetricMetadata): void {
  writer.varint(1, BigInt(metadata.type));
  writer.text(2, metadata.metricFamilyName);
  writer.text(4, metadata.help);
  writer.text(5, metadata.unit);
}

const double = new DataView(new ArrayBuffer(8));

/** The bits of a double. A NaN that is a JavaScript number has lost its payload by now. */
export function bitsOf(value: number): bigint {
  double.setFloat64(0, value);
  return double.getBigUint64(0);
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
