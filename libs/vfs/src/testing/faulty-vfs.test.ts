import { FaultyVfs, MemoryVfs } from './index.js';

test('the n-th call that matches fails, and those after it work', async () => {
  const vfs = new FaultyVfs(new MemoryVfs(), { operation: 'stat', nth: 2, code: 'EIO' });
  await vfs.stat('/a');
  await vfs.makeDir('/d');
  await expect(vfs.stat('/a')).rejects.toMatchObject({ code: 'EIO', path: '/a', errno: -5 });
  await vfs.stat('/a');
});

test('a full disk takes part of a write', async () => {
  const vfs = new FaultyVfs(new MemoryVfs());
  const file = await vfs.open('/a', 'create');
  vfs.fail({ operation: 'write', code: 'ENOSPC', bytesWritten: 2, times: Infinity });
  await expect(file.write(Buffer.from('abcd'), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await file.size()).toBe(2);
  vfs.heal();
  await file.write(Buffer.from('abcd'), 0);
  expect(await file.size()).toBe(4);
});

test('a fault afterwards does the thing and fails all the same', async () => {
  const vfs = new FaultyVfs(new MemoryVfs(), {
    when: (call) => call.path === '/d',
    operation: 'makeDir',
    code: 'EIO',
    afterwards: true,
  });
  await expect(vfs.makeDir('/d')).rejects.toMatchObject({ code: 'EIO' });
  expect(await vfs.stat('/d')).toMatchObject({ kind: 'directory' });
  expect(vfs.calls.map((call) => call.operation)).toEqual(['makeDir', 'stat']);
});
