import { silentLog } from '@gauntlet/base';
import { CrashVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import type { Vfs } from '@gauntlet/vfs';
import { forgetLog, hasLog, retainBlocks } from './closed-database.js';

const dir = '/data/t';
const ids = ['01HF859JX0000G40R40M30E209', '01HF859JX0000G40R40M30E20A', '01HF859JX0000G40R40M30E20B'];

async function write(vfs: Vfs, path: string, text: string): Promise<void> {
  await vfs.makeDir(path.slice(0, path.lastIndexOf('/')));
  const file = await vfs.open(path, 'replace');
  await file.write(Buffer.from(text), 0);
  await file.datasync();
  await file.close();
}

async function diskWith<V extends Vfs>(vfs: V, ...paths: string[]): Promise<V> {
  await vfs.makeDir(dir);
  for (const path of paths) await write(vfs, `${dir}/${path}`, 'x');
  return vfs;
}

async function below(vfs: Vfs, path: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, kind } of await vfs.readDir(path))
    found.push(
      ...(kind === 'directory' ? await below(vfs, `${path}/${name}`) : [`${path}/${name}`.slice(dir.length + 1)]),
    );
  return found;
}

test.each<[what: string, path: string, expected: boolean]>([
  ['nothing', `${ids[0]}/meta.json`, false],
  ['a segment', 'wal/00000003', true],
  ['only a checkpoint', 'wal/checkpoint.00000002/00000000', true],
  ['only out-of-order samples', 'wbl/00000000', true],
  ['a journal', '.gauntlet-journal/00000000', true],
  ['a damaged segment that was set aside', 'wal/00000003.damaged', false],
  // Without a log nobody knows which series they belong to.
  ['only head chunks', 'chunks_head/000001', false],
])('with %s, whether the database has to be opened is %#', async (_what, path, expected) => {
  expect(await hasLog(await diskWith(new MemoryVfs(), path), dir)).toBe(expected);
});

test('a log of empty segments is none', async () => {
  const vfs = await diskWith(new MemoryVfs());
  await write(vfs, `${dir}/wal/00000000`, '');
  expect(await hasLog(vfs, dir)).toBe(false);
});

const everything = [
  'chunks_head/000001',
  'chunks_head/000002.damaged',
  `${ids[0]}/meta.json`,
  'thanos.shipper.json',
  'wal/00000003',
  'wal/00000004',
  'wal/00000004.damaged-2',
  'wal/checkpoint.00000002/00000000',
  'wbl/00000000',
];

test('a forgotten log leaves blocks, and what was set aside as damaged', async () => {
  const vfs = await diskWith(new MemoryVfs(), ...everything);
  await forgetLog(vfs, dir);
  expect(await below(vfs, dir)).toEqual([
    `${ids[0]}/meta.json`,
    'chunks_head/000002.damaged',
    'thanos.shipper.json',
    'wal/00000004.damaged-2',
  ]);
  expect(await hasLog(vfs, dir)).toBe(false);
});

test('wherever the power is lost, no head chunk or out-of-order sample outlives a segment of the log that named its series', async () => {
  const rehearsal = await diskWith(new CrashVfs(), ...everything);
  for (const path of ['/', '/data', dir, ...['chunks_head', 'wal', 'wbl'].map((part) => `${dir}/${part}`)])
    await rehearsal.syncDir(path);
  const begin = rehearsal.afterPowerLoss(1);
  const before = begin.operations;
  await forgetLog(begin, dir);
  const steps = begin.operations - before;
  for (let step = 0; step < steps; step += 1)
    for (let seed = 0; seed < 8; seed += 1) {
      const disk = rehearsal.afterPowerLoss(1);
      disk.losePowerIn(step);
      await forgetLog(disk, dir).catch(() => {});
      const left = await below(disk.afterPowerLoss(seed), dir);
      const isLogWhole = ['wal/00000003', 'wal/00000004', 'wal/checkpoint.00000002/00000000'].every((path) =>
        left.includes(path),
      );
      if (left.includes('chunks_head/000001') || left.includes('wbl/00000000')) expect(isLogWhole).toBe(true);
    }
});

const metaOf = (ulid: string, maxTime: number): string =>
  JSON.stringify({
    ulid,
    minTime: maxTime - 100,
    maxTime,
    stats: { numSamples: 1, numSeries: 1, numChunks: 1 },
    compaction: { level: 1, sources: [ulid] },
    version: 1,
  });

test('blocks of a closed database are retained by the same rules', async () => {
  const vfs = await diskWith(new MemoryVfs(), `${ids[0]}.tmp-for-deletion/index`);
  for (const [i, id] of ids.entries()) await write(vfs, `${dir}/${id}/meta.json`, metaOf(id, 1000 * (i + 1)));
  const retained = await retainBlocks(
    { vfs, dir, log: silentLog },
    { retentionMs: 1000, retentionBytesMax: 0, nowMs: 10_000, uploaded: new Set([ids[0]!]) },
  );
  expect(retained).toMatchObject({ deleted: [ids[0]], heldBack: [ids[1]], damaged: [] });
  expect(retained.blocks.map(({ ulid }) => ulid)).toEqual([ids[1], ids[2]]);
  expect((await vfs.readDir(dir)).map(({ name }) => name)).toEqual([ids[1], ids[2]]);
});

test('a size limit counts all files of a block', async () => {
  const vfs = await diskWith(new MemoryVfs());
  for (const [i, id] of ids.entries()) {
    await write(vfs, `${dir}/${id}/meta.json`, metaOf(id, 1000 * (i + 1)));
    await write(vfs, `${dir}/${id}/chunks/000001`, 'x'.repeat(1000));
  }
  const policy = { retentionMs: 0, retentionBytesMax: 2999, nowMs: 10_000, uploaded: undefined };
  expect(await retainBlocks({ vfs, dir, log: silentLog }, policy)).toMatchObject({ deleted: [ids[0]], heldBack: [] });
});

test('damaged blocks are told of and left alone', async () => {
  const vfs = await diskWith(new MemoryVfs(), `${ids[0]}.damaged/index`, `${ids[1]}/meta.json`);
  const policy = { retentionMs: 1, retentionBytesMax: 1, nowMs: 10_000, uploaded: undefined };
  const retained = await retainBlocks({ vfs, dir, log: silentLog }, policy);
  expect(retained).toEqual({ blocks: [], deleted: [], heldBack: [], damaged: [`${ids[0]}.damaged`, ids[1]].sort() });
  expect(await below(vfs, dir)).toHaveLength(2);
});
