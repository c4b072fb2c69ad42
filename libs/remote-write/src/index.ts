export {
  decodeSeriesParts,
  decodeThanosWriteRequest,
  decodeWriteRequest,
  type PartLimits,
  type SeriesPart,
} from './decode.js';
export type {
  BucketSpan,
  Exemplar,
  Histogram,
  HistogramCount,
  MetricMetadata,
  TenantSeries,
  ThanosWriteRequest,
  TimeSeries,
  WriteRequest,
} from './write-request.js';
export {
  encodeThanosWriteRequest,
  encodeWriteRequest,
  type SampleInput,
  type SeriesInput,
  type ThanosWriteRequestInput,
  type WriteRequestInput,
} from './encode.js';
export {
  isRetryable,
  reasonOfVerdict,
  rejectedItems,
  rejectionReasons,
  rejectionTexts,
  verdictsMetadataKey,
  type RejectedItem,
  type Rejection,
  type RejectionCounts,
  type RejectionReason,
} from './rejection.js';
export { judgeLabels } from './label-verdict.js';
export {
  describeCounts,
  describeLabels,
  describeOffenders,
  offendersMax,
  type Offender,
} from './describe-offenders.js';
export { RejectionList } from './rejection-list.js';
export {
  decodeRejections,
  encodeRejections,
  rejectionsMax,
  RejectionsMalformedError,
} from './rejection-codec.js';
