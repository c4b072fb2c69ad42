export { Tsdb, TsdbUnavailableError, type AppendOutcome, type TsdbStats } from './tsdb.js';
export { type Gate, type TsdbOptions } from './tsdb-options.js';
export { inThreadCutter, type BlockCutter, type CutJob } from './block-cutter.js';
export { BlockWorkerError, serveBlockCuts, WorkerCutter } from './worker-cutter.js';
export { journalName } from './journal.js';
export { forgetLog, hasLog, retainBlocks, type DatabasePlace, type RetainedBlocks } from './closed-database.js';
