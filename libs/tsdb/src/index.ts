export { DatabaseReader, type DatabaseReaderParts } from './database-reader.js';
export { LocalBlocks } from './local-blocks.js';
export { Tsdb, type AppendOutcome, type TsdbState } from './tsdb.js';
export { ReadInterruptedError, TsdbUnavailableError } from './tsdb-error.js';
export { type TsdbStats } from './tsdb-stats.js';
export { type Gate, type TsdbOptions } from './tsdb-options.js';
export { type CheckpointJob, type CutJob, type HeavyWork } from './heavy-work.js';
export { serveHeavyWork, WorkerThread, WorkerThreadError } from './worker-thread.js';
export { journalName } from './journal.js';
export {
  forgetLog,
  hasLog,
  listBlocks,
  retainBlocks,
  type DatabasePlace,
  type RetainedBlocks,
} from './closed-database.js';
