import { CrashVfs } from './index.js';

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

async function put(vfs: CrashVfs, path: string, text: string, sync: boolean): Promise<void> {
  const file = await vfs.open(path, 'replace');
  await file.write(Buffer.from(text), 0);
  if (sync) await file.datasync();
  await file.close();
}

/** The text of a file, or undefined when it has no name. */
async function textAt(vfs: CrashVfs, path: string): Promise<string | undefined> {
  return (await vfs.stat(path)) === undefined ? undefined : Buffer.from(await vfs.readFile(path)).toString();
}

async function outcomes(make: (vfs: CrashVfs) => Promise<void>, path: string): Promise<Set<string | undefined>> {
  const found = new Set<string | undefined>();
  for (const seed of seeds) {
    const vfs = new CrashVfs();
    await make(vfs);
    found.add(await textAt(vfs.afterPowerLoss(seed), path));
  }
  return found;
}

test('synced data under a synced name always survives', async () => {
  const found = await outcomes(async (vfs) => {
    await put(vfs, '/a', 'kept', true);
    await vfs.syncDir('/');
  }, '/a');
  expect([...found]).toEqual(['kept']);
});

test('synced data without a synced name may have no name', async () => {
  const found = await outcomes((vfs) => put(vfs, '/a', 'kept', true), '/a');
  expect(found).toEqual(new Set(['kept', undefined]));
});

test('data that was not synced may be whole, torn or missing', async () => {
  const found = await outcomes(async (vfs) => {
    await put(vfs, '/a', 'abcdef', false);
    await vfs.syncDir('/');
  }, '/a');
  expect(found).toContain('abcdef');
  expect(found).toContain('');
  expect(found.size).toBeGreaterThan(3);
});

test('a rename that was not synced happened or did not, and never loses the file', async () => {
  for (const seed of seeds) {
    const vfs = new CrashVfs();
    await put(vfs, '/old', 'x', true);
    await vfs.syncDir('/');
    await vfs.rename('/old', '/new');
    const names = (await vfs.afterPowerLoss(seed).readDir('/')).map((entry) => entry.name);
    expect(names).toHaveLength(1);
  }
});

test('a removal that was not synced may be undone', async () => {
  const found = await outcomes(async (vfs) => {
    await put(vfs, '/a', 'x', true);
    await vfs.syncDir('/');
    await vfs.remove('/a');
  }, '/a');
  expect(found).toEqual(new Set(['x', undefined]));
});

test('data whose sync failed is not made durable by the next sync', async () => {
  const found = await outcomes(async (vfs) => {
    const file = await vfs.open('/a', 'create');
    await vfs.syncDir('/');
    await file.write(Buffer.from('lost'), 0);
    vfs.loseSyncs(1);
    await expect(file.datasync()).rejects.toMatchObject({ code: 'EIO' });
    await file.datasync();
  }, '/a');
  expect([...found]).toEqual(['']);
});

test('after the power is lost every call fails, and the call it struck may have worked in part', async () => {
  const found = new Set<string | undefined>();
  for (const seed of seeds) {
    const vfs = new CrashVfs({ powerLossAt: 2 });
    const file = await vfs.open('/a', 'create');
    await vfs.syncDir('/');
    await expect(file.write(Buffer.from('abc'), 0)).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.write(Buffer.from('def'), 3)).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.close()).rejects.toMatchObject({ code: 'EIO' });
    found.add(await textAt(vfs.afterPowerLoss(seed), '/a'));
  }
  expect([...found].sort()).toEqual(expect.arrayContaining(['', 'a', 'abc']));
  for (const text of found) expect('\0bc abc').toContain((text ?? '').replace(/^\0+/, ''));
});
