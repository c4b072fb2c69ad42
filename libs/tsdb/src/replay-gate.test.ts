import { silentLog } from '@gauntlet/base';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { LabClock } from './testing/lab-clock.js';
import { Tsdb } from './tsdb.js';

test('a new database does not wait behind the replays of others', async () => {
  const clock = new LabClock();
  const database = await Tsdb.open({
    vfs: new MemoryVfs(),
    dir: '/data/new',
    clock,
    randomBytes: (length) => new Uint8Array(length),
    log: silentLog,
    blockRangeMs: 1000,
    chunkRangeMs: 1000,
    retentionMs: 0,
    futureWindowMs: 0,
    wal: { compress: true, clock },
    pendingBytesMax: 1 << 24,
    // Its turn never comes.
    replayGate: { run: () => new Promise(() => {}) },
  });
  expect(database.state).toBe('open');
  await database.close();
});
