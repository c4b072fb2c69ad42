import type { MemoryBucket } from '@gauntlet/objstore/testing';
import { verifyTenant } from '@gauntlet/tsdb-tool';
import type { Vfs } from '@gauntlet/vfs';
import { MemoryVfs } from '@gauntlet/vfs/testing';

/** What the verifier finds wrong with a tenant's directory, or any directory of blocks. */
export async function inspect(vfs: Vfs, dir: string): Promise<string[]> {
  const problems: string[] = [];
  await verifyTenant(vfs, dir, ({ severity, file, offset, found }) => {
    if (severity !== 'info') problems.push(`verifier: ${severity} ${file} ${offset ?? ''} ${found}`);
  });
  return problems;
}

/** The same for the complete blocks of a bucket. */
export async function inspectBucket({ objects }: MemoryBucket): Promise<string[]> {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/bucket');
  for (const [name, { bytes }] of objects) {
    const [id = ''] = name.split('/');
    if (!objects.has(`${id}/meta.json`)) continue;
    const path = `/bucket/${name}`;
    await vfs.makeDir(path.slice(0, path.lastIndexOf('/')));
    const file = await vfs.open(path, 'create');
    await file.write(bytes, 0);
    await file.close();
  }
  return (await inspect(vfs, '/bucket')).map((problem) => `bucket: ${problem}`);
}
