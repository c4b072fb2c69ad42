export {
  ChunkCorruptError,
  ChunkEncoding,
  ChunkEncodingError,
  chunkDecoder,
  type ChunkDecoder,
  type FloatSample,
} from './chunk-decoder.js';
export { XorAppender, decodeXor, encodeXor } from './xor.js';
export { chunkBytesSoft, decideCut, estimateEnd, rangeEnd, samplesPerChunkDefault, type OpenChunk } from './sizing.js';
