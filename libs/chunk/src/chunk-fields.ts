import type { BitReader } from './bit-stream.js';
import { ChunkCorruptError } from './encoding.js';

/** What decoders share. */
export function readVarint(input: BitReader): bigint {
  const value = input.readVarint();
  if (value === undefined) throw new ChunkCorruptError('a varint is longer than 10 bytes', input.byteOffset);
  return value;
}

export function fromZigzag(value: bigint): bigint {
  return (value >> 1n) ^ -(value & 1n);
}

export function truncated(payload: Uint8Array, sample: number, count: number): ChunkCorruptError {
  return new ChunkCorruptError(`${payload.length} bytes end in sample ${sample} of ${count}`, payload.length);
}
