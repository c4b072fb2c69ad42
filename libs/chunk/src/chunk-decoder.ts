import { OperationalError } from '@gauntlet/base';
import { decodeXor } from './xor.js';

/** Encoding ids of spec/tsdb.md 1.3. */
export const ChunkEncoding = {
  xor: 1,
  histogram: 2,
  floatHistogram: 3,
  xor2: 4,
  histogramStart: 5,
  floatHistogramStart: 6,
} as const;

/** A sample with its value as bits: NaN payloads and the sign of zero survive. */
export interface FloatSample {
  readonly timestampMs: bigint;
  readonly bits: bigint;
}

/** Reads the samples of one chunk payload, in order. Bytes after the declared number of samples are ignored. */
export type ChunkDecoder = (payload: Uint8Array) => FloatSample[];

export class ChunkCorruptError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'CHUNK_CORRUPT';
  constructor(found: string) {
    super(`Cannot decode chunk: ${found}`);
  }
}

export class ChunkEncodingError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'CHUNK_ENCODING_UNKNOWN';
  readonly encoding: number;
  constructor(encoding: number) {
    super(`Cannot decode chunk: encoding ${encoding} is not supported`);
    this.encoding = encoding;
  }
}

/** @throws ChunkEncodingError for an encoding that has no decoder here */
export function chunkDecoder(encoding: number): ChunkDecoder {
  if (encoding === ChunkEncoding.xor) return decodeXor;
  throw new ChunkEncodingError(encoding);
}
