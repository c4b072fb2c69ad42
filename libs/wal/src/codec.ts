import { crc32c, snappyBlockDecode, snappyBlockEncode } from '@gauntlet/kernel';
import { zstdDecode } from './zstd.js';

/** Checksums and compression, as the log needs them. */
export interface Codec {
  crc32c(bytes: Uint8Array): number;
  snappyEncode(bytes: Uint8Array): Uint8Array;
  /** Throws when the input is not snappy's block format or would become longer than `bytesMax`. */
  snappyDecode(bytes: Uint8Array, bytesMax: number): Uint8Array;
  /** Throws when the input is not a Zstandard frame or would become longer than `bytesMax`. */
  zstdDecode(bytes: Uint8Array, bytesMax: number): Uint8Array;
}

export const kernelCodec: Codec = {
  crc32c: (bytes) => crc32c(bytes),
  snappyEncode: snappyBlockEncode,
  snappyDecode: snappyBlockDecode,
  zstdDecode,
};
