export {
  createWriteListener,
  writeListenerDefaults,
  type RequestLogger,
  type WriteListener,
  type WriteListenerOptions,
} from './write-listener.js';
export { openWrites, type OpenedWrites, type WriteConfig, type WriteEnvironment } from './open-writes.js';
export { noItems, type ItemCounts, type WriteOutcome, type WriteSource, type WriteTarget } from './write-target.js';
export { Admission, type AdmissionLimits, type Claim } from './admission.js';
export { noWriteLimits, type RequestLimitName, type RequestLimits, type WriteLimits } from './write-limits.js';
export { tenantHeaderDefault, type CertificateField } from './tenancy.js';
export { silentWriteObserver, type HandlerName, type RequestLabels, type WriteObserver } from './observer.js';
export { writeMetrics } from './write-metrics.js';
export { TenantLabels } from './tenant-labels.js';
export { statusWithoutSeries, type StatusAnswer, type StatusHandler, type StatusRequest } from './status.js';
export { type Relabel } from './rewrite-request.js';
export {
  otlpBytesMax,
  type OtlpContentType,
  type OtlpRejections,
  type OtlpTranslation,
  type OtlpTranslator,
} from './otlp.js';
export { RequestRefusedError, WriteLimitedError, WriteNotReadyError, WriteOverloadedError } from './errors.js';
