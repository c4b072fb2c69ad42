import { silentLog } from '@gauntlet/base';
import type { Vfs } from '@gauntlet/vfs';
import type { TsdbOptions } from '../tsdb-options.js';
import { LabClock } from './lab-clock.js';

/** Where the database of a test lies. */
export const labDir = '/data/tenant';

/** Options of a database with blocks of a second, small segments and ids that repeat from run to run. */
export function labOptions(vfs: Vfs, more: Partial<TsdbOptions> = {}): TsdbOptions {
  let seed = 0;
  const clock = new LabClock();
  return {
    vfs,
    dir: labDir,
    clock,
    randomBytes: (length) => Uint8Array.from({ length }, () => (seed = (seed * 31 + 7) % 251)),
    log: silentLog,
    blockRangeMs: 1000,
    chunkRangeMs: 1000,
    retentionMs: 0,
    futureWindowMs: 0,
    wal: { compress: true, segmentBytesMax: 1 << 16, clock },
    pendingBytesMax: 1 << 24,
    ...more,
  };
}
