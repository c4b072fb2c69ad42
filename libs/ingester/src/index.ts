export { startIngester, type IngesterEnvironment, type RunningIngester } from './start-ingester.js';
export { type IngesterConfig } from './ingester-config.js';
export { ingesterWriteTarget } from './ingester-write-target.js';
export { type Readiness } from './readiness.js';
export { WriteFailedError } from './verdict.js';
export { DataDirectoryError } from './data-directory.js';
