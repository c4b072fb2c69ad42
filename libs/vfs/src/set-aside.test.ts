import { freeNameAside, isSetAside } from './set-aside.js';
import { MemoryVfs } from './testing/index.js';
import { writeFileDurable } from './write-file-durable.js';

test('what is set aside again and again gets names that are free, and known as such', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/wal');
  const names: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    names.push(await freeNameAside(vfs, '/wal', '00000003'));
    await writeFileDurable(vfs, `/wal/${names.at(-1)}`, new Uint8Array());
  }
  expect(names).toEqual(['00000003.damaged', '00000003.damaged-2', '00000003.damaged-3']);
  expect(names.filter(isSetAside)).toEqual(names);
});

test.each(['00000003', '00000003.damaged.tmp', '00000003.damaged-', 'damaged'])('%s is not set aside', (name) => {
  expect(isSetAside(name)).toBe(false);
});
