import { CrashVfs, MemoryVfs } from '@gauntlet/vfs/testing';
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

describe('the removal of a tenant', () => {
  const holding = async <V extends MemoryVfs>(vfs: V): Promise<V> => {
    await vfs.makeDir('/data/old/wal');
    await write(vfs, '/data/old/wal/00000000', 'x');
    await vfs.makeDir('/data/new');
    return vfs;
  };
  const open = (vfs: MemoryVfs) => DataDirectory.open(vfs, '/data', { process: processOf(10), lock: false });
  const namesIn = async (vfs: MemoryVfs): Promise<string[]> => (await vfs.readDir('/data')).map(({ name }) => name);

  test('leaves nothing, and is content when nothing was there', async () => {
    const vfs = await holding(new MemoryVfs());
    const directory = await open(vfs);
    await directory.removeTenant('old');
    await directory.removeTenant('none');
    expect(await namesIn(vfs)).toEqual(['new']);
  });

  test('frees the name at once, while the files still go', async () => {
    const vfs = await holding(new MemoryVfs());
    const directory = await open(vfs);
    const removeAll = vfs.removeAll.bind(vfs);
    vfs.removeAll = async (path) => {
      if ((await vfs.stat(path)) === undefined) return;
      expect(await directory.tenants()).toEqual(['new']);
      await vfs.makeDir('/data/old');
      await removeAll(path);
    };
    await directory.removeTenant('old');
    expect(await namesIn(vfs)).toEqual(['new', 'old']);
  });

  test('wherever the power is lost, leaves all of the tenant or, after the next start, nothing', async () => {
    const seen = new Set<string>();
    for (let step = 0; step < 12; step += 1)
      for (let seed = 0; seed < 8; seed += 1) {
        const disk = await holding(new CrashVfs());
        for (const path of ['/', '/data', '/data/old', '/data/old/wal']) await disk.syncDir(path);
        const file = await disk.open('/data/old/wal/00000000', 'update');
        await file.datasync();
        const directory = await open(disk);
        disk.losePowerIn(step);
        await directory.removeTenant('old').catch(() => {});
        const rest = disk.afterPowerLoss(seed);
        const tenants = await (await open(rest)).tenants();
        if (tenants.includes('old')) expect((await rest.readFile('/data/old/wal/00000000')).length).toBe(1);
        expect(await namesIn(rest)).toEqual(tenants);
        seen.add(tenants.join());
      }
    expect([...seen].sort()).toEqual(['new', 'new,old']);
  });
});
