import type { Bucket } from '@gauntlet/objstore';
import { isObjectNotFound } from '@gauntlet/objstore';
import type { DirEntry, FileStat, Vfs, VfsFile } from '@gauntlet/vfs';

/** A bucket as files, for reading: whatever verifies or dumps a directory does so with a bucket. */
export function bucketVfs(bucket: Bucket, signal: AbortSignal): Vfs {
  const nameOf = (path: string): string => path.replace(/^[./]+/, '').replace(/\/+$/, '');
  const refuse = (path: string): Promise<never> =>
    Promise.reject(Object.assign(new Error(`EROFS: read-only file system, '${path}'`), { code: 'EROFS' }));

  async function stat(path: string): Promise<FileStat | undefined> {
    const name = nameOf(path);
    if (name === '') return { kind: 'directory', size: 0, modifiedMs: 0 };
    try {
      return { kind: 'file', ...(await bucket.attributes(name, signal)) };
    } catch (error) {
      if (!isObjectNotFound(error)) throw error;
    }
    for await (const _ of bucket.list(name, {}, signal)) return { kind: 'directory', size: 0, modifiedMs: 0 };
    return undefined;
  }

  async function readDir(path: string): Promise<DirEntry[]> {
    const entries: DirEntry[] = [];
    for await (const name of bucket.list(nameOf(path), {}, signal)) {
      const last = name.replace(/\/$/, '').split('/').at(-1)!;
      entries.push({ name: last, kind: name.endsWith('/') ? 'directory' : 'file' });
    }
    return entries;
  }

  async function open(path: string): Promise<VfsFile> {
    const name = nameOf(path);
    const { size } = await bucket.attributes(name, signal);
    return {
      size: () => Promise.resolve(size),
      async read(into, position) {
        const length = Math.min(into.length, size - position);
        if (length <= 0) return 0;
        return fill(into, await bucket.getRange(name, position, length, signal));
      },
      write: () => refuse(path),
      truncate: () => refuse(path),
      datasync: () => refuse(path),
      close: () => Promise.resolve(),
    };
  }

  async function readFile(path: string): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of await bucket.get(nameOf(path), signal)) pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  }

  return {
    open,
    readFile,
    stat,
    readDir,
    freeBytes: () => Promise.resolve(0),
    makeDir: refuse,
    rename: refuse,
    link: refuse,
    remove: refuse,
    removeAll: refuse,
    syncDir: refuse,
  };
}

async function fill(into: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let at = 0;
  for await (const piece of pieces) {
    const part = piece.subarray(0, into.length - at);
    into.set(part, at);
    at += part.length;
  }
  return at;
}
