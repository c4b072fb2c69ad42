import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeVfs } from './index.js';
import { CrashVfs, FaultyVfs, MemoryVfs, vfsContract } from './testing/index.js';

vfsContract('nodeVfs', async () => {
  const root = await mkdtemp(join(tmpdir(), 'vfs-'));
  return { vfs: nodeVfs, root, dispose: () => rm(root, { recursive: true }) };
});

vfsContract('MemoryVfs', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/data/root');
  return { vfs, root: '/data/root' };
});

vfsContract('CrashVfs', async () => {
  const vfs = new CrashVfs();
  await vfs.makeDir('/root');
  return { vfs, root: '/root' };
});

vfsContract('FaultyVfs without a fault', async () => {
  const vfs = new FaultyVfs(new MemoryVfs());
  await vfs.makeDir('root');
  return { vfs, root: 'root' };
});
