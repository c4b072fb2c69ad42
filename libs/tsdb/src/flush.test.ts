import { silentLog } from '@gauntlet/base';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { batchOf, samplesInBlocks, type LabSample } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';

const dir = '/data/tenant';

test('a flush ends with the newest sample when samples came out of order, and writes them, too', async () => {
  let seed = 0;
  const vfs = new MemoryVfs();
  const clock = { nowMs: () => 3000, monotonicMs: () => 0, sleep: () => Promise.resolve() };
  const database = await Tsdb.open({
    vfs,
    dir,
    clock,
    randomBytes: (length) => Uint8Array.from({ length }, () => (seed = (seed * 31 + 7) % 251)),
    log: silentLog,
    blockRangeMs: 1000,
    chunkRangeMs: 1000,
    retentionMs: 0,
    futureWindowMs: 0,
    outOfOrderWindowMs: 4000,
    wal: { clock },
    pendingBytesMax: 1 << 24,
  });
  const samples: LabSample[] = [500, 1500, 2500, 1200].map((timestampMs) => ['a', timestampMs, timestampMs]);
  for (const sample of samples) await database.append(batchOf([sample]), 0).committed;
  expect(await database.flush()).toHaveLength(4);
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(samples.map((sample) => sample.join(' ')).sort());
  expect(database.head.seriesCount).toBe(0);
  await database.close();
});
