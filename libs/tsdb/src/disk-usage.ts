import type { Vfs } from '@gauntlet/vfs';

/** Bytes of all files below a directory; 0 when it is not there. Files that go meanwhile do not count. */
export async function bytesBelow(vfs: Vfs, dir: string): Promise<number> {
  if ((await vfs.stat(dir)) === undefined) return 0;
  let bytes = 0;
  for (const { name, kind } of await vfs.readDir(dir).catch(() => [])) {
    const path = `${dir}/${name}`;
    bytes += kind === 'directory' ? await bytesBelow(vfs, path) : ((await vfs.stat(path))?.size ?? 0);
  }
  return bytes;
}
