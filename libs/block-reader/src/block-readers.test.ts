import { labelsOf } from '@gauntlet/model';
import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import type { BlockMeta } from '@gauntlet/block';
import { createBlockReaders } from './block-readers.js';
import { floatChunks, writeTestBlock } from './testing/lab.js';

const dirOf = (index: number): string => `/data/t${index}/block`;

async function lab(count: number): Promise<{ vfs: FaultyVfs; metas: BlockMeta[]; openFiles: () => number }> {
  const memory = new MemoryVfs();
  const metas: BlockMeta[] = [];
  for (let index = 0; index < count; index += 1)
    metas.push(
      await writeTestBlock(memory, [{ labels: labelsOf({ a: String(index) }), chunks: floatChunks([[1_000]]) }], {
        dir: dirOf(index),
      }),
    );
  const vfs = new FaultyVfs(memory);
  const countOf = (operation: string): number => vfs.calls.filter((call) => call.operation === operation).length;
  return { vfs, metas, openFiles: () => countOf('open') - countOf('close') };
}

test('a block is opened once for all who use it, and stays open', async () => {
  const { vfs, metas } = await lab(1);
  const readers = createBlockReaders(vfs);
  const leases = await Promise.all([1, 2, 3].map(() => readers.use(dirOf(0), metas[0]!)));
  expect(new Set(leases.map(({ reader }) => reader)).size).toBe(1);
  for (const lease of leases) lease.release();
  const again = await readers.use(dirOf(0), metas[0]!);
  expect(again.reader).toBe(leases[0]!.reader);
  again.release();
  await readers.close();
});

test.each([
  ['files', { filesMax: 4 }],
  ['bytes', { bytesMax: 10_000 }],
] as const)('of blocks that nobody uses, those used last stay within the limit of %s', async (_, options) => {
  const { vfs, metas, openFiles } = await lab(4);
  const readers = createBlockReaders(vfs, options);
  const held = await readers.use(dirOf(0), metas[0]!);
  for (const index of [1, 2, 3, 2]) (await readers.use(dirOf(index), metas[index]!)).release();
  expect(readers.openCount).toBe(2);
  const opens = vfs.calls.length;
  (await readers.use(dirOf(2), metas[2]!)).release();
  expect(vfs.calls.length).toBe(opens);
  held.release();
  await readers.close();
  expect([readers.openCount, openFiles()]).toEqual([0, 0]);
});

test('blocks in use stay open whatever their number', async () => {
  const { vfs, metas, openFiles } = await lab(4);
  const readers = createBlockReaders(vfs, { filesMax: 1, bytesMax: 1 });
  const leases = await Promise.all(metas.map((meta, index) => readers.use(dirOf(index), meta)));
  expect(openFiles()).toBe(8);
  for (const { release } of leases) release();
  // Twice is as good as once.
  leases[0]!.release();
  expect(readers.openCount).toBe(0);
  await readers.close();
  expect(openFiles()).toBe(0);
});

test('a block that is forgotten while it is in use is closed behind its last user, and is opened anew for the next', async () => {
  const { vfs, metas, openFiles } = await lab(1);
  const readers = createBlockReaders(vfs);
  const old = await readers.use(dirOf(0), metas[0]!);
  readers.forget(dirOf(0));
  const fresh = await readers.use(dirOf(0), metas[0]!);
  expect(fresh.reader).not.toBe(old.reader);
  expect(openFiles()).toBe(4);
  old.release();
  fresh.release();
  await readers.close();
  expect(openFiles()).toBe(0);
});

test('a block that cannot be opened is tried again by the next user', async () => {
  const { vfs, metas, openFiles } = await lab(1);
  const readers = createBlockReaders(vfs);
  vfs.fail({ operation: 'read', code: 'EIO' });
  const both = await Promise.allSettled([readers.use(dirOf(0), metas[0]!), readers.use(dirOf(0), metas[0]!)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect([readers.openCount, openFiles()]).toEqual([0, 0]);
  (await readers.use(dirOf(0), metas[0]!)).release();
  await readers.close();
});

test('closing waits for those that are in use', async () => {
  const { vfs, metas, openFiles } = await lab(2);
  const readers = createBlockReaders(vfs);
  const leases = await Promise.all(metas.map((meta, index) => readers.use(dirOf(index), meta)));
  let isClosed = false;
  const closing = readers.close().then(() => (isClosed = true));
  leases[0]!.release();
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  leases[1]!.release();
  await closing;
  expect(openFiles()).toBe(0);
});
