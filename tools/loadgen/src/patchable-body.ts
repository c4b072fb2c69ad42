import { layOut, timestampOffset, variableBytes, varint, type RemoteWriteVersion } from './body-layout.js';
import { type LabelPair } from './series-labels.js';

/**
 * A compressed remote write body whose samples can be replaced without compressing again.
 *
 * Snappy blocks are literals and copies. The bytes of values and timestamps (15 in a row: value, one tag, timestamp) are always
 * written as literals, and no copy ever reads them; so they lie in the compressed body as they are, and new ones can be written
 * over them in place. That keeps both the protobuf encoder and the compressor out of a measurement, however long it runs.
 * Timestamps always take six bytes of varint, which holds from 1971 to 2109. `layOut` tells where a value is before compression.
 */
export interface PatchableBody {
  /** The compressed body. Whoever patches it must not do so while it is being sent. */
  readonly bytes: Buffer;
  readonly version: RemoteWriteVersion;
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly uncompressedBytes: number;
  /** Where each value starts in `bytes`, series by series; its timestamp starts 9 bytes later. */
  readonly valueOffsets: Uint32Array;
  /** The number of the first series, which the generated values depend on. */
  readonly firstSeries: number;
}

export interface BodyPlan {
  readonly firstSeries: number;
  readonly labels: readonly (readonly LabelPair[])[];
  readonly samplesPerSeries: number;
  /** Default 1.0. */
  readonly version?: RemoteWriteVersion;
}

/** Encodes and compresses one body. It has to be patched before it is sent: until then its timestamps are no whole varints. */
export function buildBody({ firstSeries, labels, samplesPerSeries, version = '1.0' }: BodyPlan): PatchableBody {
  const plain = layOut(version, labels, samplesPerSeries);
  const { bytes, variableOffsets } = compressAround(plain.bytes, plain.valueOffsets);
  return {
    bytes,
    version,
    firstSeries,
    seriesCount: labels.length,
    sampleCount: labels.length * samplesPerSeries,
    uncompressedBytes: plain.bytes.length,
    valueOffsets: variableOffsets,
  };
}

/** Writes the samples of one round: timestamps `timestampMs`, `timestampMs + 1`, ... and values that move as real ones do. */
export function patchBody(body: PatchableBody, { timestampMs, round }: { timestampMs: number; round: number }): void {
  const { bytes, valueOffsets, firstSeries, seriesCount, sampleCount } = body;
  const perSeries = sampleCount / seriesCount;
  for (let k = 0; k < sampleCount; k++) {
    const offset = valueOffsets[k] as number;
    const sample = k % perSeries;
    bytes.writeDoubleLE(generatedValue(firstSeries + (k - sample) / perSeries, round * perSeries + sample), offset);
    writeTimestamp(bytes, offset + timestampOffset, timestampMs + sample);
  }
}

/** Of four series one stands still, two count and one moves freely. */
export function generatedValue(series: number, round: number): number {
  switch (series & 3) {
    case 0:
      return series;
    case 3:
      return ((Math.imul(series, 0x9e3779b1) + Math.imul(round, 0x85ebca6b)) >>> 8) / 1024;
    default:
      return (series % 1000) + round * (1 + (series % 13));
  }
}

function writeTimestamp(bytes: Buffer, at: number, timestampMs: number): void {
  const low = timestampMs % 0x10000000;
  const high = Math.floor(timestampMs / 0x10000000);
  bytes[at] = (low & 127) | 128;
  bytes[at + 1] = ((low >> 7) & 127) | 128;
  bytes[at + 2] = ((low >> 14) & 127) | 128;
  bytes[at + 3] = ((low >> 21) & 127) | 128;
  bytes[at + 4] = (high & 127) | 128;
  bytes[at + 5] = (high >> 7) & 127;
}

const copyOffsetMax = 65535;
const copyBytesMax = 64;
const matchBytesMin = 4;

/**
 * Compresses to a snappy block, leaving the 15 bytes at each of `fixed` (ascending) as literals that no copy reads.
 * Tells where they ended up.
 */
function compressAround(source: Buffer, fixed: Uint32Array): { bytes: Buffer; variableOffsets: Uint32Array } {
  const table = new Int32Array(1 << 14).fill(-1);
  const out = Buffer.alloc(source.length + Math.ceil(source.length / 6) + 64);
  const variableOffsets = new Uint32Array(fixed.length);
  let at = 0;
  for (const byte of varint(source.length)) out[at++] = byte;
  let literalStart = 0;
  let located = 0;
  const flushLiteral = (end: number): void => {
    const length = end - literalStart;
    if (length === 0) return;
    if (length <= 60) out[at++] = (length - 1) << 2;
    else if (length <= 256) {
      out[at++] = 60 << 2;
      out[at++] = length - 1;
    } else {
      out[at++] = 61 << 2;
      out[at++] = (length - 1) & 255;
      out[at++] = (length - 1) >> 8;
    }
    while (located < fixed.length && (fixed[located] as number) < end) {
      variableOffsets[located] = at + ((fixed[located] as number) - literalStart);
      located += 1;
    }
    source.copy(out, at, literalStart, end);
    at += length;
    literalStart = end;
  };
  let segmentStart = 0;
  for (let next = 0; next <= fixed.length; next++) {
    const segmentEnd = next < fixed.length ? (fixed[next] as number) : source.length;
    let pos = segmentStart;
    while (pos + matchBytesMin <= segmentEnd) {
      const word = source.readUInt32LE(pos);
      const slot = Math.imul(word, 0x1e35a7bd) >>> 18;
      const candidate = table[slot] as number;
      table[slot] = pos;
      if (candidate < 0 || pos - candidate > copyOffsetMax || source.readUInt32LE(candidate) !== word) {
        pos += 1;
        // A literal must not outgrow its two length bytes.
        if (pos - literalStart >= 60000) flushLiteral(pos);
        continue;
      }
      const room = Math.min(segmentEnd - pos, roomBeforeVariable(fixed, candidate, next));
      let length = matchBytesMin;
      while (length < room && source[candidate + length] === source[pos + length]) length += 1;
      flushLiteral(pos);
      at = writeCopies(out, at, pos - candidate, length);
      pos += length;
      literalStart = pos;
    }
    segmentStart = segmentEnd + variableBytes;
  }
  flushLiteral(source.length);
  return { bytes: Buffer.from(out.subarray(0, at)), variableOffsets };
}

/** How far a match that starts at `from` may run before it reads a replaceable byte. Only the segments before `next` are searched. */
function roomBeforeVariable(fixed: Uint32Array, from: number, next: number): number {
  let low = 0;
  let high = next;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((fixed[middle] as number) <= from) low = middle + 1;
    else high = middle;
  }
  return low < fixed.length ? (fixed[low] as number) - from : Number.MAX_SAFE_INTEGER;
}

function writeCopies(out: Buffer, start: number, offset: number, length: number): number {
  let at = start;
  for (let rest = length; rest > 0;) {
    const step = Math.min(rest, copyBytesMax);
    if (step >= 4 && step <= 11 && offset < 2048) {
      out[at++] = 1 | ((step - 4) << 2) | ((offset >> 8) << 5);
      out[at++] = offset & 255;
    } else {
      out[at++] = 2 | ((step - 1) << 2);
      out[at++] = offset & 255;
      out[at++] = offset >> 8;
    }
    rest -= step;
  }
  return at;
}
