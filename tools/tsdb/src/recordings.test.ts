import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nodeVfs } from '@gauntlet/vfs';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { type Finding, type Summary, classifyDirectory, verifyPath } from './index.js';
import { blockDirs, inMemory, recordings } from './testing/example-block.js';

async function verify(dir: string): Promise<{ summary: Summary; broken: string[] }> {
  const broken: string[] = [];
  const vfs = await inMemory(dir, `/${basename(dir)}`);
  const summary = await verifyPath(vfs, `/${basename(dir)}`, ({ severity, invariant }: Finding) => {
    if (severity !== 'info') broken.push(`${severity}${invariant}`);
  });
  return { summary, broken };
}

const blocks = [...blockDirs(join(recordings.block, 'blocks')), ...blockDirs(join(recordings.tool, 'blocks'))];
const directories = [
  ...readdirSync(join(recordings.tool, 'dirs')).map((name) => join(recordings.tool, 'dirs', name, 'data')),
  ...readdirSync(join(recordings.wal, 'good'))
    .filter((name) => !name.includes('.'))
    .map((name) => join(recordings.wal, 'good', name)),
  join(recordings.wal, 'checkpoint/before'),
  join(recordings.wal, 'corrupt/base-none'),
  join(recordings.wal, 'corrupt/base-snappy'),
];

test.each(blocks.map((dir) => [basename(dirname(dir)), dir]))('recorded block %s breaks no rule', async (name, dir) => {
  const { summary, broken } = await verify(dir);
  // Its chunks have start times on purpose.
  expect(broken).toEqual(name === 'xor2' ? ['W27'] : []);
  expect(summary.blocks).toBe(1);
  expect(summary.samples).toBeGreaterThan(0);
});

test.each(directories)('recorded directory %s breaks no rule', async (dir) => {
  const { summary, broken } = await verify(dir);
  expect(broken).toEqual([]);
  expect(summary.logRecords + summary.headChunks).toBeGreaterThan(0);
});

test('a checkpoint that left out series on purpose is found out', async () => {
  const { broken } = await verify(join(recordings.wal, 'checkpoint/after'));
  expect(broken).toEqual(['Ewal', 'Ewal']);
});

test('what a directory is follows from what is in it', async () => {
  const data = join(recordings.tool, 'dirs/blockswal/data');
  expect(await classifyDirectory(nodeVfs, blocks[0]!)).toBe('block');
  expect(await classifyDirectory(nodeVfs, data)).toBe('tenant');
  const vfs = await inMemory(data, '/data/tenant-a');
  await inMemory(data, '/data/tenant-b', vfs);
  expect(await classifyDirectory(vfs, '/data')).toBe('data');
  const summary = await verifyPath(vfs, '/data', () => undefined);
  expect(summary).toMatchObject({ tenants: 2, blocks: 12, errors: 0 });
});

test('progress reaches all bytes, and a signal ends it', async () => {
  const vfs = await inMemory(join(recordings.tool, 'dirs/blockswal/data'), '/tenant', new MemoryVfs());
  let last = [0, 0];
  await verifyPath(vfs, '/tenant', () => undefined, { onProgress: (done, total) => (last = [done, total]) });
  expect(last[0]).toBeGreaterThan(0.9 * last[1]!);
  const stop = new AbortController();
  const verified = verifyPath(vfs, '/tenant', () => undefined, { signal: stop.signal, onProgress: () => stop.abort() });
  const thrown: unknown = await verified.catch((error: unknown) => error);
  expect(thrown).toBe(stop.signal.reason);
});
