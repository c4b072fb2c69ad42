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
export { decodeWriteRequestV2 } from './decode-v2.js';
export { resolveSeries, type ResolvedSeries } from './resolve-series.js';
export type {
  ExemplarV2,
  HistogramV2,
  MetadataV2,
  SampleV2,
  TimeSeriesV2,
  WriteRequestV2,
} from './write-request-v2.js';
export { encodeWriteRequestV2, type SampleInputV2, type SeriesInputV2, type WriteRequestV2Input } from './encode-v2.js';
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
  isUntoldBefore2,
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
export { decodeRejections, encodeRejections, rejectionsMax, RejectionsMalformedError } from './rejection-codec.js';
