export {
  createWriteListener,
  writeListenerDefaults,
  type WriteListener,
  type WriteListenerOptions,
} from './write-listener.js';
export { serveWrites, type ServeWritesOptions, type WriteServer } from './serve-writes.js';
export { openWrites, type OpenedWrites, type WriteConfig } from './open-writes.js';
export { noItems, type ItemCounts, type WriteOutcome, type WriteSource, type WriteTarget } from './write-target.js';
export { Admission } from './admission.js';
export { silentWriteObserver, type WriteObserver } from './observer.js';
export { writeMetrics } from './write-metrics.js';
export { answerStatus, statusPath, statusWithoutSeries, type StatusHandler } from './status.js';
export { tellInternalErrors } from './internal-errors.js';
export { WriteNotReadyError } from './errors.js';
