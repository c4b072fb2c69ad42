export { ChunkCorruptError, ChunkEncoding, ChunkEncodingError, type FloatSample } from './encoding.js';
export { chunkSampleCount, decodeChunk } from './decode-chunk.js';
export { encodeChunks, type EncodeOptions, type EncodedChunk } from './encode-chunks.js';
export { chunkDecoder, type ChunkDecoder } from './chunk-decoder.js';
export { XorAppender, decodeXor, encodeXor } from './xor.js';
export {
  chunkBytesSoft,
  decideCut,
  decideHistogramCut,
  estimateEnd,
  histogramChunkBytesAim,
  histogramSamplesMin,
  rangeEnd,
  samplesPerChunkDefault,
  type OpenChunk,
  type OpenHistogramChunk,
} from './sizing.js';
export {
  CounterReset,
  type ChunkSample,
  type FloatHistogram,
  type Histogram,
  type HistogramLayout,
  type IntegerHistogram,
  type Span,
} from './histogram.js';
export { HistogramChunk, type HistogramAppend } from './histogram-chunk.js';
export { coarsenHistogram } from './histogram-resolution.js';
export { histogramEquals } from './histogram-equals.js';
export { isStaleHistogram, staleHistogram } from './stale-histogram.js';
export { validateHistogram } from './validate-histogram.js';
