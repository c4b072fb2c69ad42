import type { Attribute, AttributeReader } from './attributes.js';
import { bitsOf } from './double-bits.js';
import type { ExponentialHistogram } from './native-histogram.js';
import type { ProtobufCursor } from './protobuf-cursor.js';

/** More buckets, or quantiles, are refused with the point that has them. Instruments have up to a few hundred. */
export const bucketsMax = 16_384;

/** Exemplars of a point beyond these are left out: an ingester keeps few. */
const exemplarsMax = 1024;

/** What every data point has. Exemplars are read later, if at all. */
interface Point {
  readonly timestampMs: number;
  /** Nothing was recorded: its series end here. */
  readonly isStale: boolean;
  readonly attributes: readonly Attribute[];
  readonly exemplars: readonly ProtobufCursor[];
}

export interface NumberPoint extends Point {
  /** Undefined if the point says none. Exporters in JSON cannot write NaN and infinities, and some then write null. */
  readonly bits: bigint | undefined;
}

export interface HistogramPoint extends Point {
  readonly count: bigint;
  readonly sumBits: bigint | undefined;
  readonly bucketCounts: readonly bigint[];
  readonly boundBits: readonly bigint[];
}

export interface ExponentialPoint extends Point, ExponentialHistogram {}

export interface SummaryPoint extends Point {
  readonly count: bigint;
  readonly sumBits: bigint;
  readonly quantiles: readonly Quantile[];
}

export interface Quantile {
  readonly quantile: number;
  readonly bits: bigint;
}

const noRecordedValue = 1;

export function readNumberPoint(message: ProtobufCursor, reader: AttributeReader): NumberPoint {
  const point = newPoint();
  let bits: bigint | undefined;
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 3) point.timestampMs = message.timestampMs();
    else if (field === 4) bits = message.fixed64();
    else if (field === 5) keepExemplar(point.exemplars, message);
    else if (field === 6) bits = bitsOf(Number(BigInt.asIntN(64, message.fixed64())));
    else if (field === 7) reader.readInto(point.attributes, message.message());
    else if (field === 8) point.isStale = isStale(message);
    else message.skip();
  }
  return { ...point, bits };
}

export function readHistogramPoint(message: ProtobufCursor, reader: AttributeReader): HistogramPoint {
  const point = newPoint();
  let count = 0n;
  let sumBits: bigint | undefined;
  const bucketCounts: bigint[] = [];
  const boundBits: bigint[] = [];
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 3) point.timestampMs = message.timestampMs();
    else if (field === 4) count = message.fixed64();
    else if (field === 5) sumBits = message.fixed64();
    else if (field === 6) message.fixed64s(bucketCounts, bucketsMax + 1);
    else if (field === 7) message.fixed64s(boundBits, bucketsMax + 1);
    else if (field === 8) keepExemplar(point.exemplars, message);
    else if (field === 9) reader.readInto(point.attributes, message.message());
    else if (field === 10) point.isStale = isStale(message);
    else message.skip();
  }
  return { ...point, count, sumBits, bucketCounts, boundBits };
}

export function readExponentialPoint(message: ProtobufCursor, reader: AttributeReader): ExponentialPoint {
  const point = newPoint();
  let count = 0n;
  let sumBits = 0n;
  let scale = 0;
  let zeroCount = 0n;
  const positive = { offset: 0, counts: [] as bigint[] };
  const negative = { offset: 0, counts: [] as bigint[] };
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 1) reader.readInto(point.attributes, message.message());
    else if (field === 3) point.timestampMs = message.timestampMs();
    else if (field === 4) count = message.fixed64();
    else if (field === 5) sumBits = message.fixed64();
    else if (field === 6) scale = message.sint32();
    else if (field === 7) zeroCount = message.fixed64();
    else if (field === 8) readBuckets(message.message(), positive);
    else if (field === 9) readBuckets(message.message(), negative);
    else if (field === 10) point.isStale = isStale(message);
    else if (field === 11) keepExemplar(point.exemplars, message);
    else message.skip();
  }
  return { ...point, count, sumBits, scale, zeroCount, positive, negative };
}

export function readSummaryPoint(message: ProtobufCursor, reader: AttributeReader): SummaryPoint {
  const point = newPoint();
  let count = 0n;
  let sumBits = 0n;
  const quantiles: Quantile[] = [];
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 3) point.timestampMs = message.timestampMs();
    else if (field === 4) count = message.fixed64();
    else if (field === 5) sumBits = message.fixed64();
    else if (field === 6) readQuantile(message.message(), quantiles);
    else if (field === 7) reader.readInto(point.attributes, message.message());
    else if (field === 8) point.isStale = isStale(message);
    else message.skip();
  }
  return { ...point, count, sumBits, quantiles };
}

function newPoint(): {
  timestampMs: number;
  isStale: boolean;
  attributes: Attribute[];
  exemplars: ProtobufCursor[];
} {
  return { timestampMs: 0, isStale: false, attributes: [], exemplars: [] };
}

function keepExemplar(exemplars: ProtobufCursor[], message: ProtobufCursor): void {
  const exemplar = message.message();
  if (exemplars.length < exemplarsMax) exemplars.push(exemplar);
}

function isStale(message: ProtobufCursor): boolean {
  return (message.uint32() & noRecordedValue) !== 0;
}

/** Repeated occurrences of a message add to what came before. */
function readBuckets(message: ProtobufCursor, buckets: { offset: number; readonly counts: bigint[] }): void {
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 1) buckets.offset = message.sint32();
    else if (field === 2) message.varints(buckets.counts, bucketsMax + 1);
    else message.skip();
  }
}

function readQuantile(message: ProtobufCursor, quantiles: Quantile[]): void {
  let quantile = 0;
  let bits = 0n;
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 1) quantile = message.double();
    else if (field === 2) bits = message.fixed64();
    else message.skip();
  }
  if (quantiles.length <= bucketsMax) quantiles.push({ quantile, bits });
}
