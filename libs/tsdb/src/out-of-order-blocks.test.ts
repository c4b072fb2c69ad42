import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import { labDir, labOptions } from './testing/lab-options.js';
import { batchOf, samplesInBlocks } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';

test('late samples that lie ages apart become a block for each, and nothing is looked for in between', async () => {
  const vfs = new MemoryVfs();
  const database = await Tsdb.open(labOptions(vfs, { outOfOrderWindowMs: 2 ** 52, outOfOrderCapMax: 2 }));
  const times = [2 ** 51, 5, 2 ** 50, 2 ** 50 + 1, 7, 2 ** 49];
  for (const timestampMs of times) await database.append(batchOf([['a', timestampMs, 1]]), 0).committed;
  const ids = await database.flush();
  expect(ids).toHaveLength(4);
  expect(await samplesInBlocks(vfs, labDir, database)).toEqual(times.map((timestampMs) => `a ${timestampMs} 1`).sort());
  await database.close();
});

test('when one block cannot be written, those before it are not left behind', async () => {
  const disk = new FaultyVfs(new MemoryVfs());
  const database = await Tsdb.open(labOptions(disk, { outOfOrderWindowMs: 10_000 }));
  for (const timestampMs of [5000, 1500, 2500]) await database.append(batchOf([['a', timestampMs, 1]]), 0).committed;
  disk.fail({ operation: 'open', when: ({ path }) => path.endsWith('/index'), nth: 2, code: 'ENOSPC' });
  await expect(database.compactOutOfOrder()).rejects.toMatchObject({ code: 'ENOSPC' });
  expect((await disk.readDir(labDir)).map(({ name }) => name).sort()).toEqual(['chunks_head', 'wal', 'wbl']);
  expect(await database.compactOutOfOrder()).toHaveLength(2);
  expect(await samplesInBlocks(disk, labDir, database)).toEqual(['a 1500 1', 'a 2500 1']);
  await database.close();
});
