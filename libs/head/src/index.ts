export { createHead } from './sharded-head.js';
export {
  countRejections,
  noRejections,
  type AppendBounds,
  type AppendResult,
  type AttachedChunk,
  type ChunkPosition,
  type ChunkSink,
  type ChunkSource,
  type ChunkTrim,
  type ExemplarQuery,
  type Head,
  type HeadChunk,
  type HeadCursor,
  type HeadExemplars,
  type HeadOptions,
  type HeadSelectionQuery,
  type HeadSeries,
  type HeadSnapshotBuilder,
  type HeadSnapshotDescription,
  type HeadStatistic,
  type HeadStatistics,
  type HeldHeadChunk,
  type OutOfOrderSeries,
  type OutOfOrderSnapshot,
  type Rejections,
  type SinkChunk,
  type StoredHeadChunk,
  type TimeInterval,
} from './head.js';
export { exemplarLabelsMax, type Exemplar, type ExemplarRing, type ExemplarVerdict } from './exemplar-ring.js';
export { receivedParts, type ReceivedPart } from './received-parts.js';
export { openHeadSnapshot } from './head-snapshot.js';
export { hasRef, type RefPages } from './ref-set.js';
export { trimChunk } from './trim-chunk.js';
export { AttachedChunkError, RecordCorruptError } from './replay-error.js';
