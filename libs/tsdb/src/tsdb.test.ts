import { until } from '@gauntlet/base/testing';
import { parseBlockMeta } from '@gauntlet/block';
import { CrashVfs, FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import { LabClock } from './testing/lab-clock.js';
import { labDir, labOptions } from './testing/lab-options.js';
import { batchOf, samplesInBlocks, type LabSample } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';

const dir = labDir;

const textOf = (samples: readonly LabSample[]): string[] => samples.map((sample) => sample.join(' ')).sort();

async function write(database: Tsdb, samples: readonly LabSample[]): Promise<void> {
  const { committed, hasRejections } = database.append(batchOf(samples), 0);
  expect(hasRejections).toBe(false);
  await committed;
}

/** One round of samples for each time: series of their own, so that every round also creates some. */
const round = (timestampMs: number): LabSample[] => [
  ['steady', timestampMs, timestampMs],
  [`of_${timestampMs % 7}`, timestampMs, -timestampMs],
];
const rounds = (from: number, to: number, step: number): LabSample[][] => {
  const all: LabSample[][] = [];
  for (let timestampMs = from; timestampMs < to; timestampMs += step) all.push(round(timestampMs));
  return all;
};

test('what was written is in the blocks of a flush, one for each aligned range', async () => {
  const vfs = new MemoryVfs();
  const database = await Tsdb.open(labOptions(vfs));
  const all = rounds(500, 3200, 50);
  await database.replayed;
  for (const samples of all) await write(database, samples);
  await database.maintain();
  await database.flush();
  expect(database.blocks.map(({ minTime, maxTime }) => [minTime, maxTime])).toEqual([
    [500, 1000],
    [1000, 2000],
    [2000, 3000],
    [3000, 3151],
  ]);
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf(all.flat()));
  expect(database.head.seriesCount).toBe(0);
  await database.close();
});

test('what was written and not cut comes back from the log', async () => {
  const vfs = new MemoryVfs();
  const first = await Tsdb.open(labOptions(vfs));
  const all = rounds(0, 900, 30);
  for (const samples of all) await write(first, samples);
  await first.close();
  const second = await Tsdb.open(labOptions(vfs));
  expect(second.head.seriesCount).toBe(8);
  await second.flush();
  expect(await samplesInBlocks(vfs, dir, second)).toEqual(textOf(all.flat()));
  await second.close();
  const third = await Tsdb.open(labOptions(vfs));
  expect(third.head.seriesCount).toBe(0);
  expect(third.blocks).toHaveLength(1);
  await third.close();
});

test('samples that lie ages apart are flushed to as many blocks as there are, and absurd times are refused', async () => {
  const vfs = new MemoryVfs();
  const database = await Tsdb.open(labOptions(vfs));
  const far = Number.MAX_SAFE_INTEGER - 1;
  const all: LabSample[] = [
    ['a', -far, 1],
    ['a', 5, 2],
    ['a', 1e14, 3],
    ['a', far, 4],
  ];
  for (const sample of all) await write(database, [sample]);
  expect(database.append(batchOf([['a', 2 ** 53, 5]]), 0).rejected.outOfBounds).toBe(1);
  expect(await database.flush()).toHaveLength(4);
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf(all));
  await database.close();
  const refused = await Tsdb.open(labOptions(new MemoryVfs()));
  expect(refused.append(batchOf([['a', -(2 ** 53), 1]]), 0).rejected.outOfBounds).toBe(1);
  await refused.close();
});

test('samples beyond the window into the future are out of bounds', async () => {
  const options = labOptions(new MemoryVfs(), { futureWindowMs: 100 });
  (options.clock as LabClock).now = 5000;
  const database = await Tsdb.open(options);
  expect(database.append(batchOf([['a', 5101, 1]]), 0).rejected.outOfBounds).toBe(1);
  await write(database, [['a', 5100, 1]]);
  await database.close();
});

test('a head is cut once its oldest sample is one and a half ranges old, and only as far as that', async () => {
  const vfs = new MemoryVfs();
  const options = labOptions(vfs);
  const database = await Tsdb.open(options);
  const all = rounds(0, 2700, 100);
  for (const samples of all) await write(database, samples);
  (options.clock as LabClock).now = 1500;
  expect(await database.cutIfDue()).toHaveLength(0);
  (options.clock as LabClock).now = 2600;
  expect(await database.cutIfDue()).toHaveLength(2);
  expect(database.blocks.map(({ minTime, maxTime }) => [minTime, maxTime])).toEqual([
    [0, 1000],
    [1000, 2000],
  ]);
  expect(database.head.minTimeMs).toBe(2000);
  const meta = parseBlockMeta(
    Buffer.from(await vfs.readFile(`${dir}/${database.blocks[0]!.ulid}/meta.json`)).toString(),
  );
  expect(meta).toEqual({
    ...database.blocks[0],
    stats: { numSamples: 20, numFloatSamples: 20, numSeries: 8, numChunks: 8 },
  });
  await database.flush();
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf(all.flat()));
  await database.close();
});

test('writes go on while a block is cut, and a sample that came too late for it is refused, not lost', async () => {
  const vfs = new MemoryVfs();
  const options = labOptions(vfs);
  const database = await Tsdb.open(options);
  const before = rounds(0, 400, 10);
  for (const samples of before) await write(database, samples);
  (options.clock as LabClock).now = 10_000;
  const cutting = database.cutIfDue();
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  const late = database.append(batchOf([['steady', 950, 1]]), 0);
  expect(late.rejected.outOfBounds).toBe(1);
  await write(database, [['steady', 1000, 2]]);
  await cutting;
  await database.flush();
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf([...before.flat(), ['steady', 1000, 2]]));
  await database.close();
});

test('the log is cut back behind blocks, and what it still holds is enough', async () => {
  const vfs = new MemoryVfs();
  const options = labOptions(vfs, { wal: { compress: false, segmentBytesMax: 1 << 15, clock: new LabClock() } });
  let database = await Tsdb.open(options);
  const all: LabSample[] = [];
  for (let turn = 0; turn < 8; turn++) {
    for (const samples of rounds(turn * 1000, turn * 1000 + 1000, 2)) {
      all.push(...samples);
      await write(database, samples);
    }
    (options.clock as LabClock).now = turn * 1000 + 1000;
    await database.cutIfDue();
  }
  expect(database.stats.checkpoints).toBeGreaterThan(0);
  expect(database.stats.checkpointFailures).toBe(0);
  await database.close();
  const names = (await vfs.readDir(`${dir}/wal`)).map(({ name }) => name);
  expect(names.some((name) => name.startsWith('checkpoint.'))).toBe(true);
  database = await Tsdb.open(options);
  await database.flush();
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf(all));
  await database.close();
});

test('while the log cannot be written its old segments are given up all the same, so that a full disk heals', async () => {
  const disk = new FaultyVfs(new MemoryVfs());
  const options = labOptions(disk, { wal: { compress: false, segmentBytesMax: 1 << 15, clock: new LabClock() } });
  const database = await Tsdb.open(options);
  // Rounds of many series, so that there are segments to give up.
  const wide = (timestampMs: number): LabSample[] =>
    Array.from({ length: 40 }, (_, index): LabSample => [`s${index}`, timestampMs, 1]);
  const all = Array.from({ length: 400 }, (_, turn) => wide(turn * 5));
  for (const samples of all) await write(database, samples);
  const segmentsOf = async (): Promise<string[]> =>
    (await disk.readDir(`${dir}/wal`)).map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  const before = await segmentsOf();
  expect(before.length).toBeGreaterThan(3);
  const isSegment = ({ path }: { path: string }): boolean => /\/wal\/\d+$/.test(path);
  disk.fail({ operation: ['write', 'datasync'], when: isSegment, code: 'ENOSPC', times: Infinity });
  await expect(database.append(batchOf(round(2000)), 0).committed).rejects.toMatchObject({ kind: 'unavailable' });
  (options.clock as LabClock).now = 10_000;
  await database.cutIfDue();
  expect(database.stats).toMatchObject({ checkpoints: 1, checkpointFailures: 0 });
  expect((await segmentsOf())[0]).not.toBe(before[0]);
  disk.heal();
  await until(() => database.wal.state === 'open', { timeoutMs: 5000, what: 'the log to be written again' });
  await database.flush();
  expect(await samplesInBlocks(disk, dir, database)).toEqual(textOf([...all.flat(), ...round(2000)]));
  await database.close();
});

test('retention deletes old blocks, but none that is not in the bucket', async () => {
  const vfs = new MemoryVfs();
  const options = labOptions(vfs, { retentionMs: 1500 });
  (options.clock as LabClock).now = 10_000;
  const database = await Tsdb.open(options);
  for (const samples of rounds(0, 4000, 100)) await write(database, samples);
  await database.flush();
  const [first, second] = database.blocks.map(({ ulid }) => ulid);
  expect(await database.applyRetention(new Set())).toEqual([]);
  expect(await database.applyRetention(new Set([first!]))).toEqual([first]);
  expect(await vfs.stat(`${dir}/${first}`)).toBeUndefined();
  expect(await database.applyRetention(undefined)).toEqual([second]);
  expect(database.blocks).toHaveLength(2);
  await database.close();
});

test('leftovers of a killed process are removed at the start, compacted parents as well', async () => {
  const vfs = new MemoryVfs();
  const database = await Tsdb.open(labOptions(vfs));
  for (const samples of rounds(0, 2000, 100)) await write(database, samples);
  await database.flush();
  await database.close();
  const [parent, child] = database.blocks;
  for (const name of ['01M7YK4BXNW2AHDFVDV2P09Q2K.tmp-for-creation', '01M7YK4BXNW2AHDFVDV2P09Q2K.tmp-for-deletion'])
    await vfs.makeDir(`${dir}/${name}/chunks`);
  const path = `${dir}/${child!.ulid}/meta.json`;
  const meta = JSON.parse(Buffer.from(await vfs.readFile(path)).toString()) as { compaction: object };
  Object.assign(meta.compaction, { level: 2, parents: [{ ulid: parent!.ulid, minTime: 0, maxTime: 1000 }] });
  const file = await vfs.open(path, 'replace');
  await file.write(Buffer.from(JSON.stringify(meta)), 0);
  await file.close();
  const again = await Tsdb.open(labOptions(vfs));
  expect((await vfs.readDir(dir)).map(({ name }) => name)).toEqual([child!.ulid, 'chunks_head', 'wal']);
  expect(again.blocks.map(({ ulid }) => ulid)).toEqual([child!.ulid]);
  await again.close();
});

test('while the log cannot be written, writes are refused; afterwards what was in memory is logged before anything else', async () => {
  const disk = new FaultyVfs(new MemoryVfs());
  const options = labOptions(disk);
  const database = await Tsdb.open(options);
  await write(database, round(10));
  disk.fail({
    operation: ['write', 'datasync', 'open'],
    when: ({ path }) => path.includes('/wal'),
    code: 'ENOSPC',
    times: Infinity,
  });
  const failed = database.append(batchOf(round(20)), 0);
  await expect(failed.committed).rejects.toMatchObject({ kind: 'unavailable' });
  expect(() => database.append(batchOf(round(30)), 0)).toThrow(
    expect.objectContaining({ kind: 'unavailable', code: 'LOG_FAILING' }),
  );
  disk.heal();
  while (database.wal.state !== 'open') await new Promise((resolve) => setImmediate(resolve));
  // The client repeats what failed: the head has it, and now the log has it, too.
  await write(database, round(20));
  await database.close();
  const again = await Tsdb.open(options);
  await again.flush();
  expect(await samplesInBlocks(disk, dir, again)).toEqual(textOf([...round(10), ...round(20)]));
  await again.close();
});

const seedCount = process.env.GAUNTLET_LONG === undefined ? 10 : 1000;

test(`after a loss of power anywhere, every answered sample is there and none that was not sent (${seedCount} seeds)`, async () => {
  for (let seed = 0; seed < seedCount; seed++) {
    const sent = new Set<string>();
    const answered = new Set<string>();
    const disk = new CrashVfs();
    await disk.makeDir('/data');
    await disk.syncDir('/');
    disk.losePowerIn(5 + ((seed * 37) % 400));
    const options = labOptions(disk, { wal: { compress: false, segmentBytesMax: 1 << 15, clock: new LabClock() } });
    let doomed: Tsdb | undefined;
    try {
      const database = (doomed = await Tsdb.open(options));
      for (let turn = 0; turn < 200; turn++) {
        const samples = Array.from({ length: 40 }, (_, index): LabSample => [`s${index}`, turn * 40, turn]);
        for (const text of textOf(samples)) sent.add(text);
        const { committed } = database.append(batchOf(samples), 0);
        await committed;
        for (const text of textOf(samples)) answered.add(text);
        (options.clock as LabClock).now = turn * 40;
        if (turn % 10 === 9) await database.cutIfDue();
      }
    } catch {
      // The power is off: whatever ran has failed, and nothing goes on trying.
      await doomed?.close().catch(() => {});
    }
    const after = disk.afterPowerLoss(seed);
    const database = await Tsdb.open(labOptions(after));
    await database.flush();
    const found = new Set(await samplesInBlocks(after, dir, database));
    await database.close();
    const lost = [...answered].filter((text) => !found.has(text));
    const invented = [...found].filter((text) => !sent.has(text));
    expect({ seed, lost: lost.slice(0, 5), invented: invented.slice(0, 5) }).toEqual({ seed, lost: [], invented: [] });
  }
}, 600_000);

test('no single failing call to the disk loses what was answered', async () => {
  const run = async (disk: FaultyVfs): Promise<{ answered: string[]; inner: string[] }> => {
    const answered: string[] = [];
    const options = labOptions(disk, { wal: { compress: false, segmentBytesMax: 1 << 15, clock: new LabClock() } });
    let database: Tsdb | undefined;
    for (let attempt = 0; attempt < 3 && database === undefined; attempt++)
      database = await Tsdb.open(options).catch(() => undefined);
    for (let turn = 0; turn < 30; turn++) {
      const samples = Array.from({ length: 40 }, (_, index): LabSample => [`s${index}`, turn * 100, turn]);
      try {
        const { committed } = database!.append(batchOf(samples), 0);
        await committed;
        answered.push(...textOf(samples));
      } catch {
        for (let turns = 0; turns < 200 && database!.wal.state !== 'open'; turns++)
          await new Promise((resolve) => setImmediate(resolve));
      }
      (options.clock as LabClock).now = turn * 100;
      if (turn % 5 === 4) await database!.cutIfDue().catch(() => {});
    }
    await database!.close().catch(() => {});
    disk.heal();
    const again = await Tsdb.open(labOptions(disk));
    await again.flush();
    const inner = await samplesInBlocks(disk, dir, again);
    await again.close();
    return { answered: answered.sort(), inner };
  };
  const healthy = new FaultyVfs(new MemoryVfs());
  const { answered } = await run(healthy);
  expect(answered).toHaveLength(30 * 40);
  const calls = healthy.calls.length;
  expect(calls).toBeGreaterThan(100);
  // Each call in turn; some of them in the short run.
  for (let nth = 1; nth <= calls; nth += process.env.GAUNTLET_LONG === undefined ? 29 : 1) {
    const disk = new FaultyVfs(new MemoryVfs(), { nth, code: nth % 2 === 0 ? 'EIO' : 'ENOSPC' });
    const { answered: kept, inner } = await run(disk);
    const found = new Set(inner);
    expect({ nth, lost: kept.filter((text) => !found.has(text)), doubled: inner.length - found.size }).toEqual({
      nth,
      lost: [],
      doubled: 0,
    });
  }
}, 600_000);
