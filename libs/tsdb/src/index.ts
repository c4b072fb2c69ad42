export { Tsdb, TsdbUnavailableError, type AppendOutcome, type TsdbOptions, type TsdbStats } from './tsdb.js';
export { UnsupportedDataError } from './log-files.js';
