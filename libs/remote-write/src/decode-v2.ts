import { decodeHistogram, readerOf } from './decode.js';
import type { ProtobufReader } from './protobuf-reader.js';
import type {
  ExemplarV2,
  HistogramV2,
  MetadataV2,
  SampleV2,
  TimeSeriesV2,
  WriteRequestV2,
} from './write-request-v2.js';

/**
 * Decodes remote write 2.0 to objects, references as they are: `resolveSeries` makes series of them. Both together are the twin of the kernel's scan.
 * The rules are those of ProtobufReader; besides, references keep their low 32 bits, and metadata that comes again is merged with what came before.
 * @throws MessageError PROTOBUF_MALFORMED
 */
export function decodeWriteRequestV2(body: Uint8Array): WriteRequestV2 {
  const symbols: Buffer[] = [];
  const timeseries: TimeSeriesV2[] = [];
  const reader = readerOf(body);
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 4) symbols.push(reader.bytes());
    else if (field === 5) timeseries.push(decodeSeries(reader.message()));
    else reader.skip();
  }
  return { symbols, timeseries };
}

function decodeSeries(reader: ProtobufReader): TimeSeriesV2 {
  const labelsRefs: number[] = [];
  const samples: SampleV2[] = [];
  const histograms: HistogramV2[] = [];
  const exemplars: ExemplarV2[] = [];
  let metadata: MetadataV2 | undefined;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) takeRefs(reader, labelsRefs);
    else if (field === 2) samples.push(decodeSample(reader.message()));
    else if (field === 3) histograms.push(decodeHistogramV2(reader.message()));
    else if (field === 4) exemplars.push(decodeExemplar(reader.message()));
    else if (field === 5) metadata = decodeMetadata(reader.message(), metadata);
    else reader.skip();
  }
  return { labelsRefs, samples, histograms, exemplars, ...(metadata === undefined ? {} : { metadata }) };
}

function decodeSample(reader: ProtobufReader): SampleV2 {
  let bits = 0n;
  let timestampMs = 0n;
  let startTimestampMs = 0n;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) bits = reader.fixed64();
    else if (field === 2) timestampMs = int64(reader);
    else if (field === 3) startTimestampMs = int64(reader);
    else reader.skip();
  }
  return { timestampMs, bits, startTimestampMs };
}

function decodeHistogramV2(reader: ProtobufReader): HistogramV2 {
  let startTimestampMs = 0n;
  const histogram = decodeHistogram(reader, (field) => {
    if (field === 17) startTimestampMs = int64(reader);
    else reader.skip();
  });
  return { ...histogram, startTimestampMs };
}

function decodeExemplar(reader: ProtobufReader): ExemplarV2 {
  const labelsRefs: number[] = [];
  let bits = 0n;
  let timestampMs = 0n;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) takeRefs(reader, labelsRefs);
    else if (field === 2) bits = reader.fixed64();
    else if (field === 3) timestampMs = int64(reader);
    else reader.skip();
  }
  return { labelsRefs, timestampMs, bits };
}

function decodeMetadata(reader: ProtobufReader, before: MetadataV2 | undefined): MetadataV2 {
  let { type, helpRef, unitRef } = before ?? { type: 0, helpRef: 0, unitRef: 0 };
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === 1) type = Number(BigInt.asIntN(32, reader.varint()));
    else if (field === 3) helpRef = uint32(reader.varint());
    else if (field === 4) unitRef = uint32(reader.varint());
    else reader.skip();
  }
  return { type, helpRef, unitRef };
}

function takeRefs(reader: ProtobufReader, refs: number[]): void {
  for (const ref of reader.varints()) refs.push(uint32(ref));
}

function int64(reader: ProtobufReader): bigint {
  return BigInt.asIntN(64, reader.varint());
}

function uint32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}
