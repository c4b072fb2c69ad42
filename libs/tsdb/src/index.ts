export { Tsdb, TsdbUnavailableError, type AppendOutcome, type TsdbStats } from './tsdb.js';
export { type Gate, type TsdbOptions } from './tsdb-options.js';
export { workInThread, type CheckpointJob, type CutJob, type HeavyWork } from './heavy-work.js';
export { serveHeavyWork, WorkerThread, WorkerThreadError } from './worker-thread.js';
export { journalName } from './journal.js';
export { forgetLog, hasLog, retainBlocks, type DatabasePlace, type RetainedBlocks } from './closed-database.js';
