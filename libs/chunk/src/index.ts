export { ChunkCorruptError, ChunkEncoding, ChunkEncodingError, type FloatSample } from './encoding.js';
export { chunkDecoder, type ChunkDecoder } from './chunk-decoder.js';
export { XorAppender, decodeXor, encodeXor } from './xor.js';
export { chunkBytesSoft, decideCut, estimateEnd, rangeEnd, samplesPerChunkDefault, type OpenChunk } from './sizing.js';
export {
  CounterReset,
  type ChunkSample,
  type FloatHistogram,
  type Histogram,
  type HistogramLayout,
  type IntegerHistogram,
  type Span,
} from './histogram.js';
