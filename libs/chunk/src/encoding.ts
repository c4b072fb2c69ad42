import { OperationalError } from '@gauntlet/base';

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

export class ChunkCorruptError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'CHUNK_CORRUPT';
  /** Byte of the payload at which reading stopped. */
  readonly offset: number;
  constructor(found: string, offset: number) {
    super(`Cannot decode chunk: ${found} (at byte ${offset})`);
    this.offset = offset;
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
