import { MemoryVfs } from '@gauntlet/vfs/testing';
import { DataDirectory } from './data-directory.js';

const running = new Map([
  [10, 'boot 100'],
  [20, 'boot 200'],
]);
const processOf = (pid: number) => ({ pid, startOf: (asked: number) => Promise.resolve(running.get(asked)) });

async function write(vfs: MemoryVfs, path: string, text: string): Promise<void> {
  const file = await vfs.open(path, 'replace');
  await file.write(Buffer.from(text), 0);
  await file.close();
}

test('tenants are the directories that can be tenants', async () => {
  const vfs = new MemoryVfs();
  for (const name of ['b', 'a', 'lock', 'lost+found', 'tenänt']) await vfs.makeDir(`/data/${name}`);
  await write(vfs, '/data/file', '');
  const directory = await DataDirectory.open(vfs, '/data', { process: processOf(10), lock: true });
  expect(await directory.tenants()).toEqual(['a', 'b', 'lock', 'tenänt']);
  expect(directory.pathOf('a')).toBe('/data/a');
});

test.each([
  ['a process that runs', '20 boot 200\n', 'Cannot lock data dir /data: process 20 uses it'],
  ['a process that is gone', '30 boot 300\n', undefined],
  ['another process that got its id later', '20 boot 150\n', undefined],
  ['ourselves in a container, where every start has the same id', '10 boot 50\n', undefined],
  ['a Prometheus, which leaves its lock empty', '', undefined],
])('a lock of %s', async (_name, text, message) => {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/data');
  await write(vfs, '/data/.gauntlet-lock', text);
  const opening = DataDirectory.open(vfs, '/data', { process: processOf(10), lock: true });
  if (message === undefined) {
    await (await opening).close();
    expect(await vfs.stat('/data/.gauntlet-lock')).toBeUndefined();
  } else await expect(opening).rejects.toMatchObject({ message, path: '/data', holderPid: 20 });
});

test('without a lock none is made, and one that is there stays', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/data');
  await write(vfs, '/data/.gauntlet-lock', '20 boot 200\n');
  await (await DataDirectory.open(vfs, '/data', { process: processOf(10), lock: false })).close();
  expect((await vfs.stat('/data/.gauntlet-lock'))?.size).toBe(12);
});

test('a data directory that is a file is refused in the words that operators know', async () => {
  const vfs = new MemoryVfs();
  await write(vfs, '/plainfile', '');
  for (const path of ['/plainfile', '/plainfile/data']) {
    await expect(DataDirectory.open(vfs, path, { process: processOf(10), lock: true })).rejects.toThrow(
      `create data dir in ${path}: mkdir ${path}: not a directory`,
    );
  }
});
