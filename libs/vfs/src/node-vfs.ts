import {
  type FileHandle,
  link,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DirEntry, FileStat, OpenMode, Vfs, VfsFile } from './vfs.js';

/** The files of this machine, through node:fs. */
export const nodeVfs: Vfs = {
  async open(path, mode) {
    return new NodeFile(await open(path, openFlags[mode]));
  },

  readFile(path) {
    return readFile(path);
  },

  async stat(path): Promise<FileStat | undefined> {
    const found = await stat(path).catch(undefinedIf('ENOENT', 'ENOTDIR'));
    if (found === undefined) return undefined;
    const directory = found.isDirectory();
    return { kind: directory ? 'directory' : 'file', size: directory ? 0 : found.size, modifiedMs: found.mtimeMs };
  },

  async readDir(path) {
    const entries = await readdir(path, { withFileTypes: true });
    const found = entries.map((entry): DirEntry => ({
      name: entry.name,
      kind: entry.isDirectory() ? 'directory' : 'file',
    }));
    return found.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  },

  async makeDir(path) {
    // Not `recursive`: below /proc and the like, where nothing can be made, Node tries for ever.
    const parent = dirname(path);
    if (parent !== path && (await this.stat(parent)) === undefined) await this.makeDir(parent);
    try {
      await mkdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
    }
  },

  rename,

  link,

  async remove(path) {
    try {
      await unlink(path);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') return;
      // Linux says EISDIR, macOS EPERM, of a directory.
      if (code !== 'EISDIR' && code !== 'EPERM') throw error;
      await rmdir(path).catch(undefinedIf('ENOENT'));
    }
  },

  async removeAll(path) {
    await rm(path, { recursive: true, force: true });
  },

  async syncDir(path) {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },

  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

const openFlags: Record<OpenMode, string> = { read: 'r', create: 'wx+', replace: 'w+', update: 'r+' };

class NodeFile implements VfsFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    // A full disk answers with a short write first and with ENOSPC only to the next one.
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** For `catch`: these codes mean that nothing is there. */
function undefinedIf(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
    return undefined;
  };
}
