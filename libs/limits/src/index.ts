export { LimitsConfigError, LimitsFileError, MetaMonitoringError } from './errors.js';
export {
  parseLimits,
  type HttpClientSettings,
  type LimitsConfig,
  type MetaMonitoring,
  type RequestLimits,
  type SampleRate,
  type TenantLimits,
} from './limits-config.js';
export { type Fetch } from './meta-monitoring.js';
export { silentLimitsObserver, type LimitsObserver, type RequestLimitName } from './observer.js';
export { openLimits, type OpenLimitsOptions, type WriteLimits } from './open-limits.js';
export { collectLimitsMetrics } from './limits-metrics.js';
