import type { GateObserver } from './gate.js';
import type { LimitsConfig } from './limits-config.js';

/** A limit of one request, as metrics name it. */
export type RequestLimitName = 'series' | 'samples' | 'body_size';

/**
 * What the limits tell whoever keeps their metrics. Calls are synchronous: add to plain numbers. Tenants of refusals come from clients: bound their number.
 * Of the gate, `gateEntered` is `thanos_receive_write_request_concurrent_gate_write_requests_total`, `_in_flight` and `_duration_seconds`, and `gateLeft`
 * is `_in_flight` down.
 */
export interface LimitsObserver extends GateObserver {
  /** `thanos_receive_limits_config_reload_total`: content was read that is new; and `..._reload_err_total` where it could not be used. */
  configRead(result: 'applied' | 'failed'): void;
  /** `thanos_receive_write_limits`, `thanos_receive_head_series_limit`, and the gate's `_max`. What is not in the configuration any more is gone. */
  limitsChanged(config: Omit<LimitsConfig, 'metaMonitoring'>): void;
  /** `thanos_receive_write_limits_hit`: a request was so much above a limit. */
  limitHit(hit: { readonly tenant: string; readonly limit: RequestLimitName; readonly excess: number }): void;
  /** `thanos_receive_head_series_limited_requests_total` */
  headSeriesRefused(tenant: string): void;
  /** `thanos_receive_metamonitoring_failed_queries_total` */
  metaMonitoringFailed(): void;
}

const ignore = (): void => {};

export const silentLimitsObserver: LimitsObserver = {
  configRead: ignore,
  limitsChanged: ignore,
  limitHit: ignore,
  headSeriesRefused: ignore,
  metaMonitoringFailed: ignore,
  gateEntered: ignore,
  gateLeft: ignore,
};
