import { ChunkEncoding, ChunkEncodingError, type FloatSample } from './encoding.js';
import { decodeXor } from './xor.js';

/** Reads the samples of one chunk payload, in order. Bytes after the declared number of samples are ignored. */
export type ChunkDecoder = (payload: Uint8Array) => FloatSample[];

/** @throws ChunkEncodingError for an encoding that has no decoder here */
export function chunkDecoder(encoding: number): ChunkDecoder {
  if (encoding === ChunkEncoding.xor) return decodeXor;
  throw new ChunkEncodingError(encoding);
}
