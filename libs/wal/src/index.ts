export { type Codec } from './codec.js';
export { openWal } from './open-wal.js';
export { replayWal, type RecordPosition, type ReplayOptions, type ReplayResult, type WalDamage } from './replay.js';
export { type WalOptions, type WalPosition, type WalWriter } from './wal.js';
export { OverloadedError, RecordMalformedError, WalUnavailableError, WalUnreadableError } from './wal-error.js';
