import type { LabelBytes, SampleBits } from '@gauntlet/kernel';

/** prometheus.WriteRequest, the body of remote write 1.0. */
export interface WriteRequest {
  readonly timeseries: readonly TimeSeries[];
  readonly metadata: readonly MetricMetadata[];
}

/** thanos.WriteRequest, what routers send to ingesters. With entries in `tenants`, `timeseries` and `tenant` are ignored. */
export interface ThanosWriteRequest {
  readonly timeseries: readonly TimeSeries[];
  readonly tenant: Buffer;
  /** Number of the replica, from 1; 0 when the request is not replicated yet. */
  readonly replica: bigint;
  readonly tenants: readonly TenantSeries[];
}

export interface TenantSeries {
  readonly tenant: Buffer;
  readonly timeseries: readonly TimeSeries[];
}

/** Labels in wire order; texts are bytes, since they need not be valid UTF-8. */
export interface TimeSeries {
  readonly labels: readonly LabelBytes[];
  readonly samples: readonly SampleBits[];
  readonly exemplars: readonly Exemplar[];
  readonly histograms: readonly Histogram[];
}

export interface Exemplar extends SampleBits {
  readonly labels: readonly LabelBytes[];
}

/** A count of a native histogram: a number, or the bits of a double in a histogram of floats. */
export type HistogramCount = { readonly int: bigint } | { readonly floatBits: bigint };

/** A native histogram. Doubles are given by their bits. */
export interface Histogram {
  /** Left out when the message has none, which stands for the number 0. */
  readonly count?: HistogramCount;
  readonly sumBits: bigint;
  readonly schema: number;
  readonly zeroThresholdBits: bigint;
  readonly zeroCount?: HistogramCount;
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeDeltas: readonly bigint[];
  readonly negativeCountBits: readonly bigint[];
  readonly positiveSpans: readonly BucketSpan[];
  readonly positiveDeltas: readonly bigint[];
  readonly positiveCountBits: readonly bigint[];
  readonly resetHint: number;
  readonly timestampMs: bigint;
  readonly customValueBits: readonly bigint[];
}

export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

export interface MetricMetadata {
  readonly type: number;
  readonly metricFamilyName: Buffer;
  readonly help: Buffer;
  readonly unit: Buffer;
}
