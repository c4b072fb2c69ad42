/**
 * What the listener tells whoever keeps its metrics. Calls are synchronous and on the hot path: add to plain numbers.
 * The comments name the metrics that dashboards know. Tenants are resolved and their number is bounded (`TenantLabels`).
 */
export interface WriteObserver {
  /** `thanos_receive_write_timeseries` and `_samples`: an HTTP write was distributed and answered. */
  written(write: {
    readonly tenant: string;
    readonly status: number;
    readonly series: number;
    readonly samples: number;
  }): void;
  /** `http_inflight_requests`. */
  requestStarted(request: RequestLabels): void;
  /** `http_requests_total`, `http_request_duration_seconds`, `http_request_size_bytes`, and `http_inflight_requests` down. */
  requestFinished(
    request: RequestLabels & {
      readonly status: number;
      readonly seconds: number;
      readonly requestBytes: number;
      readonly responseBytes: number;
    },
  ): void;
}

export interface RequestLabels {
  readonly handler: HandlerName;
  /** In upper case. */
  readonly method: string;
  /** Empty when the request named none that is valid. */
  readonly tenant: string;
}

export type HandlerName = 'receive' | 'otlp' | 'tsdb_status';

const ignore = (): void => {};

export const silentWriteObserver: WriteObserver = { written: ignore, requestStarted: ignore, requestFinished: ignore };
