import { MemoryVfs } from '@gauntlet/vfs/testing';
import { labDir, labOptions } from './testing/lab-options.js';
import { batchOf, samplesInBlocks, type LabSample } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';

test('a flush ends with the newest sample when samples came out of order, and writes them, too', async () => {
  const vfs = new MemoryVfs();
  const database = await Tsdb.open(labOptions(vfs, { outOfOrderWindowMs: 4000 }));
  const samples: LabSample[] = [500, 1500, 2500, 1200].map((timestampMs) => ['a', timestampMs, timestampMs]);
  for (const sample of samples) await database.append(batchOf([sample]), 0).committed;
  expect(await database.flush()).toHaveLength(4);
  expect(await samplesInBlocks(vfs, labDir, database)).toEqual(samples.map((sample) => sample.join(' ')).sort());
  expect(database.head.seriesCount).toBe(0);
  await database.close();
});
