import type { LabelBytes, SampleBits } from '@gauntlet/kernel';
import { ProtobufReader } from './protobuf-reader.js';
import type {
  BucketSpan,
  Exemplar,
  Histogram,
  HistogramCount,
  MetricMetadata,
  TenantSeries,
  ThanosWriteRequest,
  TimeSeries,
  WriteRequest,
} from './write-request.js';

/**
 * Decodes remote write 1.0 to objects: the twin of the kernel's scan, and its documentation. ProtobufReader lists the rules.
 * @throws MessageError PROTOBUF_MALFORMED
 */
export function decodeWriteRequest(body: Uint8Array): WriteRequest {
  const timeseries: TimeSeries[] = [];
  const metadata: MetricMetadata[] = [];
  const reader = readerOf(body);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) timeseries.push(decodeSeries(reader.message()));
    else if (field === 3) metadata.push(decodeMetadata(reader.message()));
    else reader.skip();
  }
  return { timeseries, metadata };
}

/**
 * Decodes thanos.WriteRequest to objects.
 * @throws MessageError PROTOBUF_MALFORMED
 */
export function decodeThanosWriteRequest(body: Uint8Array): ThanosWriteRequest {
  const timeseries: TimeSeries[] = [];
  const tenants: TenantSeries[] = [];
  let tenant: Buffer = Buffer.alloc(0);
  let replica = 0n;
  const reader = readerOf(body);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) timeseries.push(decodeSeries(reader.message()));
    else if (field === 2) tenant = reader.bytes();
    else if (field === 3) replica = BigInt.asIntN(64, reader.varint());
    else if (field === 4) tenants.push(decodeTenantSeries(reader.message()));
    else reader.skip();
  }
  return { timeseries, tenant, replica, tenants };
}

/** A histogram or exemplar of a series, one at a time; `too long` when its message has more than the bytes that were allowed, and was not decoded. */
export type SeriesPart =
  | { readonly kind: 'histogram'; readonly histogram: Histogram | 'too long' }
  | { readonly kind: 'exemplar'; readonly exemplar: Exemplar | 'too long' };

/** Bytes that the message of a part may have; 0 passes over all parts of the kind. */
export interface PartLimits {
  readonly histogramBytesMax: number;
  readonly exemplarBytesMax: number;
}

/**
 * Histograms and exemplars of the first series of a prometheus.WriteRequest, in the order in which they came. As objects they take some fifty times
 * the bytes of their message, so that whoever must bound memory looks at one after the other.
 * @throws MessageError PROTOBUF_MALFORMED, once it gets there
 */
export function* decodeSeriesParts(body: Uint8Array, limits: PartLimits): Generator<SeriesPart> {
  const { histogramBytesMax, exemplarBytesMax } = limits;
  const reader = readerOf(body);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field !== 1) {
      reader.skip();
      continue;
    }
    const series = reader.message();
    for (let part = series.nextField(); part !== undefined; part = series.nextField()) {
      if (part === 3 && exemplarBytesMax > 0) {
        const message = series.message();
        const exemplar = message.bytesLeft > exemplarBytesMax ? 'too long' : decodeExemplar(message);
        yield { kind: 'exemplar', exemplar };
      } else if (part === 4 && histogramBytesMax > 0) {
        const message = series.message();
        const histogram = message.bytesLeft > histogramBytesMax ? 'too long' : decodeHistogram(message);
        yield { kind: 'histogram', histogram };
      } else series.skip();
    }
    return;
  }
}

export function readerOf(body: Uint8Array): ProtobufReader {
  return new ProtobufReader(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
}

function decodeTenantSeries(reader: ProtobufReader): TenantSeries {
  const timeseries: TimeSeries[] = [];
  let tenant: Buffer = Buffer.alloc(0);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) timeseries.push(decodeSeries(reader.message()));
    else if (field === 2) tenant = reader.bytes();
    else reader.skip();
  }
  return { tenant, timeseries };
}

function decodeSeries(reader: ProtobufReader): TimeSeries {
  const labels: LabelBytes[] = [];
  const samples: SampleBits[] = [];
  const exemplars: Exemplar[] = [];
  const histograms: Histogram[] = [];
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) labels.push(decodeLabel(reader.message()));
    else if (field === 2) samples.push(decodeSample(reader.message()));
    else if (field === 3) exemplars.push(decodeExemplar(reader.message()));
    else if (field === 4) histograms.push(decodeHistogram(reader.message()));
    else reader.skip();
  }
  return { labels, samples, exemplars, histograms };
}

function decodeLabel(reader: ProtobufReader): LabelBytes {
  let name: Buffer = Buffer.alloc(0);
  let value: Buffer = Buffer.alloc(0);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) name = reader.bytes();
    else if (field === 2) value = reader.bytes();
    else reader.skip();
  }
  return [name, value];
}

function decodeSample(reader: ProtobufReader): SampleBits {
  let bits = 0n;
  let timestampMs = 0n;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) bits = reader.fixed64();
    else if (field === 2) timestampMs = BigInt.asIntN(64, reader.varint());
    else reader.skip();
  }
  return { timestampMs, bits };
}

function decodeExemplar(reader: ProtobufReader): Exemplar {
  const labels: LabelBytes[] = [];
  let bits = 0n;
  let timestampMs = 0n;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) labels.push(decodeLabel(reader.message()));
    else if (field === 2) bits = reader.fixed64();
    else if (field === 3) timestampMs = BigInt.asIntN(64, reader.varint());
    else reader.skip();
  }
  return { labels, timestampMs, bits };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Decodes a histogram; what is to happen with fields that remote write 1.0 does not know is up to `takeOther`. */
export function decodeHistogram(
  reader: ProtobufReader,
  takeOther: (field: number) => void = () => reader.skip(),
): Histogram {
  const negativeSpans: BucketSpan[] = [];
  const negativeDeltas: bigint[] = [];
  const negativeCountBits: bigint[] = [];
  const positiveSpans: BucketSpan[] = [];
  const positiveDeltas: bigint[] = [];
  const positiveCountBits: bigint[] = [];
  const customValueBits: bigint[] = [];
  const counts: { count?: HistogramCount; zeroCount?: HistogramCount } = {};
  const single = { sumBits: 0n, schema: 0, zeroThresholdBits: 0n, resetHint: 0, timestampMs: 0n } satisfies Partial<
    Mutable<Histogram>
  >;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    switch (field) {
      case 1:
        counts.count = { int: reader.varint() };
        break;
      case 2:
        counts.count = { floatBits: reader.fixed64() };
        break;
      case 3:
        single.sumBits = reader.fixed64();
        break;
      case 4:
        single.schema = zigzag32(reader.varint());
        break;
      case 5:
        single.zeroThresholdBits = reader.fixed64();
        break;
      case 6:
        counts.zeroCount = { int: reader.varint() };
        break;
      case 7:
        counts.zeroCount = { floatBits: reader.fixed64() };
        break;
      case 8:
        negativeSpans.push(decodeSpan(reader.message()));
        break;
      case 9:
        for (const value of reader.varints()) negativeDeltas.push(zigzag64(value)); // As arguments of one call they might be too many.
        break;
      case 10:
        for (const bits of reader.fixed64s()) negativeCountBits.push(bits);
        break;
      case 11:
        positiveSpans.push(decodeSpan(reader.message()));
        break;
      case 12:
        for (const value of reader.varints()) positiveDeltas.push(zigzag64(value));
        break;
      case 13:
        for (const bits of reader.fixed64s()) positiveCountBits.push(bits);
        break;
      case 14:
        single.resetHint = Number(BigInt.asIntN(32, reader.varint()));
        break;
      case 15:
        single.timestampMs = BigInt.asIntN(64, reader.varint());
        break;
      case 16:
        for (const bits of reader.fixed64s()) customValueBits.push(bits);
        break;
      default:
        takeOther(field);
    }
  }
  return {
    ...counts,
    ...single,
    negativeSpans,
    negativeDeltas,
    negativeCountBits,
    positiveSpans,
    positiveDeltas,
    positiveCountBits,
    customValueBits,
  };
}

function decodeSpan(reader: ProtobufReader): BucketSpan {
  let offset = 0;
  let length = 0;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) offset = zigzag32(reader.varint());
    else if (field === 2) length = Number(BigInt.asUintN(32, reader.varint()));
    else reader.skip();
  }
  return { offset, length };
}

function decodeMetadata(reader: ProtobufReader): MetricMetadata {
  let type = 0;
  let metricFamilyName: Buffer = Buffer.alloc(0);
  let help: Buffer = Buffer.alloc(0);
  let unit: Buffer = Buffer.alloc(0);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) type = Number(BigInt.asIntN(32, reader.varint()));
    else if (field === 2) metricFamilyName = reader.bytes();
    else if (field === 4) help = reader.bytes();
    else if (field === 5) unit = reader.bytes();
    else reader.skip();
  }
  return { type, metricFamilyName, help, unit };
}

function zigzag32(value: bigint): number {
  const low = BigInt.asUintN(32, value);
  return Number(BigInt.asIntN(32, (low >> 1n) ^ -(low & 1n)));
}

function zigzag64(value: bigint): bigint {
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}
