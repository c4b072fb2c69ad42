import type { Vfs } from '@gauntlet/vfs';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { openBlock, openBlocks } from './block-series.js';
import { ExampleBlock, exampleId } from './testing/example-block.js';

const dir = `/blocks/${exampleId}`;

/** A disk with a whole block and a damaged one, and how many of its files are open. */
async function damagedBlocks(
  damage: (disk: MemoryVfs) => Promise<void>,
): Promise<{ vfs: Vfs; openFiles: () => number }> {
  const disk = new MemoryVfs();
  await new ExampleBlock().write(disk, dir);
  await new ExampleBlock().write(disk, '/blocks/00000000000000000000000001');
  await damage(disk);
  let open = 0;
  const vfs = new Proxy<Vfs>(disk, {
    get(target, name) {
      if (name !== 'open') return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
      return async (...args: Parameters<Vfs['open']>) => {
        const file = await target.open(...args);
        open += 1;
        const close = file.close.bind(file);
        file.close = async () => {
          open -= 1;
          await close();
        };
        return file;
      };
    },
  });
  return { vfs, openFiles: () => open };
}

const damages: Readonly<Record<string, (disk: MemoryVfs) => Promise<void>>> = {
  'an index cut short': async (disk) => {
    const file = await disk.open(`${dir}/index`, 'update');
    await file.truncate(10);
    await file.close();
  },
  'no directory of chunks': (disk) => disk.removeAll(`${dir}/chunks`),
  'tombstones that are none': async (disk) => {
    const file = await disk.open(`${dir}/tombstones`, 'replace');
    await file.write(Buffer.from('nothing'), 0);
    await file.close();
  },
};

test.each(Object.entries(damages))('a block that cannot be opened leaves no file open: %s', async (_, damage) => {
  const { vfs, openFiles } = await damagedBlocks(damage);
  await expect(openBlock(vfs, dir)).rejects.toThrow();
  expect(openFiles()).toBe(0);
  await expect(openBlocks(vfs, '/blocks')).rejects.toThrow();
  expect(openFiles()).toBe(0);
});

test('whole blocks are open until they are closed', async () => {
  const { vfs, openFiles } = await damagedBlocks(async () => {});
  const blocks = await openBlocks(vfs, '/blocks');
  expect(blocks).toHaveLength(2);
  expect(openFiles()).toBe(4);
  for (const block of blocks) await block.close();
  expect(openFiles()).toBe(0);
});
