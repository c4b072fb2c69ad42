import type { BitReader, BitWriter } from './bit-stream.js';
import { bucketCount } from './bucket-spans.js';
import { ChunkCorruptError } from './encoding.js';
import { CounterReset, type HistogramLayout, type Span } from './histogram.js';
import { readSigned, readUnsigned, writeSigned, writeUnsigned } from './varbit.js';

/**
 * What a histogram chunk says of its buckets, once, ahead of its samples (spec/tsdb.md 1.7):
 *
 * ```
 * threshold   byte 0 for 0 | byte e + 243 for 0.5 * 2^e, e in -242 ... 11 | byte 255 and 64 bits
 * schema      signed varbit
 * spans       of the positive, then of the negative buckets: unsigned varbit n, n times: unsigned length, signed offset
 * bounds      with schema -53 only: unsigned varbit n, n times: unsigned x * 1000 + 1 if that is exact | bit 0 and 64 bits
 * ```
 */
export function writeLayout(out: BitWriter, layout: HistogramLayout): void {
  writeThreshold(out, layout.zeroThreshold);
  writeSigned(out, BigInt(layout.schema));
  writeSpans(out, layout.positiveSpans);
  writeSpans(out, layout.negativeSpans);
  if (layout.schema !== customBucketsSchema) return;
  writeUnsigned(out, BigInt(layout.customBounds.length));
  for (const bound of layout.customBounds) writeBound(out, bound);
}

export const customBucketsSchema = -53;
export const exponentialSchemaMax = 8;
/** Readers take these as well, and bring what is finer than 8 down to it. */
const knownSchemaMin = -9;
const knownSchemaMax = 52;

/** The two bits of a chunk's header for each hint; those of records count differently. */
const headerBits = {
  [CounterReset.unknown]: 0,
  [CounterReset.notReset]: 1,
  [CounterReset.reset]: 2,
  [CounterReset.gauge]: 3,
} as const;
const hints = [CounterReset.unknown, CounterReset.notReset, CounterReset.reset, CounterReset.gauge] as const;

export function toHeaderBits(hint: CounterReset): number {
  return headerBits[hint];
}

export function fromHeaderBits(bits: number): CounterReset {
  return hints[bits & 3]!;
}

function writeThreshold(out: BitWriter, threshold: number): void {
  if (threshold === 0) return out.write(0, 8);
  const bits = toBits(threshold);
  // A power of two has no mantissa; its sign bit would make the exponent too large.
  const code = Number(bits >> 52n) - 779;
  if ((bits & 0xfffffffffffffn) === 0n && code >= 1 && code <= 254) return out.write(code, 8);
  out.write(255, 8);
  out.write64(bits, 64);
}

function writeSpans(out: BitWriter, spans: readonly Span[]): void {
  writeUnsigned(out, BigInt(spans.length));
  for (const { offset, length } of spans) {
    writeUnsigned(out, BigInt(length));
    writeSigned(out, BigInt(offset));
  }
}

function writeBound(out: BitWriter, bound: number): void {
  const thousandths = Math.round(bound * 1000);
  if (bound >= 0 && thousandths <= 33_554_430 && thousandths / 1000 === bound) {
    return writeUnsigned(out, BigInt(thousandths + 1));
  }
  out.write(0, 1);
  out.write64(toBits(bound), 64);
}

/** @throws ChunkCorruptError when it makes no sense, or names more buckets than the rest of the chunk can have counts for */
export function readLayout(input: BitReader): HistogramLayout {
  const zeroThreshold = readThreshold(input);
  const schema = Number(readSigned(input));
  if (schema !== customBucketsSchema && !(schema >= knownSchemaMin && schema <= knownSchemaMax)) {
    throw new ChunkCorruptError(`histogram schema ${schema} is unknown`, input.byteOffset);
  }
  const positiveSpans = readSpans(input);
  const negativeSpans = readSpans(input);
  if (bucketCount(positiveSpans) + bucketCount(negativeSpans) > input.bitsLeft) {
    throw new ChunkCorruptError('it has more buckets than bits', input.byteOffset);
  }
  const customBounds = schema === customBucketsSchema ? readBounds(input) : noBounds;
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customBounds };
}

const noBounds = new Float64Array(0);

function readThreshold(input: BitReader): number {
  const code = input.read(8);
  if (code === 0) return 0;
  return code === 255 ? fromBits(input.read64(64)) : 2 ** (code - 244);
}

function readSpans(input: BitReader): Span[] {
  const spans: Span[] = [];
  for (let left = readCount(input, 2); left > 0; left -= 1) {
    const length = Number(readUnsigned(input));
    const offset = Number(readSigned(input));
    if (offset < -(2 ** 31) || offset >= 2 ** 31 || length >= 2 ** 32 || (spans.length > 0 && offset < 0)) {
      throw new ChunkCorruptError(`a span of ${length} buckets after a gap of ${offset}`, input.byteOffset);
    }
    spans.push({ offset, length });
  }
  return spans;
}

function readBounds(input: BitReader): Float64Array {
  const bounds = new Float64Array(readCount(input, 1));
  for (let i = 0; i < bounds.length; i += 1) {
    const thousandths = readUnsigned(input);
    bounds[i] = thousandths === 0n ? fromBits(input.read64(64)) : Number(thousandths - 1n) / 1000;
  }
  return bounds;
}

/** How many of something follow, each of which takes that many bits at least. */
function readCount(input: BitReader, bits: number): number {
  const count = readUnsigned(input);
  if (count * BigInt(bits) > BigInt(input.bitsLeft)) {
    throw new ChunkCorruptError(`it counts ${count} of something behind its end`, input.byteOffset);
  }
  return Number(count);
}

const scratch = new DataView(new ArrayBuffer(8));

export function toBits(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

export function fromBits(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}
