export { RowVerdict, groupBytes, rowBytes, rowField, sampleBytes, type ScannedBatch } from './batch.js';
export {
  createIntake,
  messageBytesCeiling,
  type Intake,
  type IntakeLimits,
  type MessageEncoding,
  type MessageSchema,
} from './intake.js';
export {
  decodeCanonicalLabels,
  readGroup,
  readRow,
  readRowLabels,
  readRowSummary,
  readSample,
  type Group,
  type LabelBytes,
  type Row,
  type SampleBits,
} from './row.js';
export {
  crc32c,
  snappyBlockDecode,
  snappyBlockEncode,
  snappyFramedDecode,
  snappyFramedEncode,
  xxh64,
} from './codec.js';
export { KernelMemoryError, MessageError, type MessageErrorCode } from './message-error.js';
export { crc32c as crc32cTwin } from './twin/crc32c.js';
export { xxh64 as xxh64Twin } from './twin/xxh64.js';
export { sliceGroup, type BatchGroup, type BatchSlice, type GroupNeed, type SliceLimits } from './batch-slices.js';
export { HeadBrokenError, RequestTooLargeError, ShardFault, ShardFullError } from './shard-error.js';
export { Shard } from './shard.js';
export { SeriesReader, type ReadChunk } from './series-reader.js';
export { SeriesSort, type SortOverlay } from './series-sort.js';
export { StoredChunks } from './stored-chunks.js';
export {
  openShardSnapshot,
  type ShardChunk,
  type ShardSeries,
  type ShardSnapshotDescription,
  type ShardSnapshotReader,
} from './shard-snapshot.js';
export type { SharedMemory } from './wasm.js';
export { shardRefusal } from './shard-types.js';
export type {
  FinishedChunk,
  OutOfOrderList,
  OutOfOrderSample,
  RecordSlice,
  RefusedList,
  RefusedRun,
  SeriesAddress,
  SeriesReplay,
  ShardAppend,
  ShardBounds,
  ShardOptions,
  ShardReplay,
  ShardRunningBounds,
  ShardSeriesState,
  ShardTruncation,
  StoredChunk,
  UnstoredChunk,
} from './shard-types.js';
