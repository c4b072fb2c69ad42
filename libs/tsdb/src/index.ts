export { Tsdb, TsdbUnavailableError, type AppendOutcome, type TsdbStats } from './tsdb.js';
export { type TsdbOptions } from './tsdb-options.js';
export { UnsupportedDataError } from './log-files.js';
export { forgetLog, hasLog, retainBlocks, type DatabasePlace, type RetainedBlocks } from './closed-database.js';
export { type RetentionPolicy } from './retention.js';
