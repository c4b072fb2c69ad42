export {
  checkpointRange,
  planCheckpoint,
  truncateWal,
  writeCheckpoint,
  type CheckpointOptions,
  type SegmentRange,
} from './checkpoint.js';
export { type Codec } from './codec.js';
export {
  decodeHistograms,
  decodeSamplesV2,
  encodeHistograms,
  encodeSamplesV2,
  encodeStartedHistograms,
  type HistogramEntry,
  type StartedSampleEntry,
} from './histogram-records.js';
export { openWal } from './open-wal.js';
export { RecordType, recordType } from './record-type.js';
export {
  decodeExemplars,
  decodeMarkers,
  decodeMetadata,
  decodeSamples,
  decodeSeries,
  decodeTombstones,
  encodeExemplars,
  encodeMarkers,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  type ExemplarEntry,
  type MarkerEntry,
  type MetadataEntry,
  type SampleEntry,
  type SeriesEntry,
  type TombstoneEntry,
} from './records.js';
export { repairWal, type RepairResult } from './repair.js';
export { replayWal, type RecordPosition, type ReplayOptions, type ReplayResult, type WalDamage } from './replay.js';
export { type WalOptions, type WalPosition, type WalWriter } from './wal.js';
export { RecordMalformedError, WalOverloadedError, WalUnavailableError, WalUnreadableError } from './wal-error.js';
export { listWal, segmentName, type WalListing } from './segments.js';
