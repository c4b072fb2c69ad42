import { MemoryVfs } from '@gauntlet/vfs/testing';
import { workInThread, type HeavyWork } from './heavy-work.js';
import { LabClock } from './testing/lab-clock.js';
import { labDir, labOptions } from './testing/lab-options.js';
import { batchOf, samplesInBlocks, type LabSample } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';

test.each(['half a block', 'all of a block'])(
  'a writer that dies leaving %s leaves no sample in two blocks',
  async (left) => {
    const vfs = new MemoryVfs();
    const work = workInThread(vfs, new LabClock());
    let attempts = 0;
    const heavyWork: HeavyWork = {
      ...work,
      cutBlock: async (job) => {
        attempts += 1;
        if (attempts > 1) return work.cutBlock(job);
        if (left === 'all of a block') await work.cutBlock(job);
        else await vfs.makeDir(`${job.dir}/${job.ulid}.tmp-for-creation/chunks`);
        throw new Error('the thread has ended');
      },
    };
    const database = await Tsdb.open(labOptions(vfs, { heavyWork }));
    const samples: LabSample[] = [
      ['a', 10, 1],
      ['b', 20, 2],
    ];
    await database.append(batchOf(samples), 0).committed;
    await expect(database.flush()).rejects.toThrow('the thread has ended');
    const names = async (): Promise<string[]> => (await vfs.readDir(labDir)).map(({ name }) => name).sort();
    expect(await names()).toEqual(['chunks_head', 'wal']);
    const ids = await database.flush();
    expect(await names()).toEqual([...ids, 'chunks_head', 'wal'].sort());
    expect(await samplesInBlocks(vfs, labDir, database)).toEqual(['a 10 1', 'b 20 2']);
    await database.close();
  },
);
