import type { SampleBits } from '@gauntlet/kernel';
import type { Histogram } from './write-request.js';

/** io.prometheus.write.v2.Request, the body of remote write 2.0: every text is a symbol, and referred to by its index. */
export interface WriteRequestV2 {
  /** By convention the first is empty, so that a reference left out stands for no text. */
  readonly symbols: readonly Buffer[];
  readonly timeseries: readonly TimeSeriesV2[];
}

export interface TimeSeriesV2 {
  /** Names and values in turn, in wire order; as received, so that they may be odd in number or refer to no symbol. */
  readonly labelsRefs: readonly number[];
  readonly samples: readonly SampleV2[];
  readonly histograms: readonly HistogramV2[];
  readonly exemplars: readonly ExemplarV2[];
  /** Left out when the message has none. */
  readonly metadata?: MetadataV2;
}

export interface SampleV2 extends SampleBits {
  /** Since when a counter counts; 0 when it is not known. */
  readonly startTimestampMs: bigint;
}

export interface HistogramV2 extends Histogram {
  readonly startTimestampMs: bigint;
}

export interface ExemplarV2 extends SampleBits {
  readonly labelsRefs: readonly number[];
}

export interface MetadataV2 {
  readonly type: number;
  readonly helpRef: number;
  readonly unitRef: number;
}
