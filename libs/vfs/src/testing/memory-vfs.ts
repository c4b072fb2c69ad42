import type { DirEntry, FileStat, OpenMode, Vfs, VfsFile } from '../vfs.js';
import { errnoError } from './errno.js';

/** A file without its names; links share it, and it outlives its last name while it is open. */
export class FileNode {
  readonly kind = 'file';
  modifiedMs: number;
  size = 0;
  #bytes: Uint8Array;

  constructor(modifiedMs: number, bytes: Uint8Array = new Uint8Array()) {
    this.modifiedMs = modifiedMs;
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  /** A view; valid until the next write. */
  get contents(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#resize(Math.max(this.size, position + bytes.length));
    this.#bytes.set(bytes, position);
  }

  truncate(size: number): void {
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    this.#resize(size);
  }

  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
      grown.set(this.contents);
      this.#bytes = grown;
    }
    this.size = size;
  }
}

export class DirectoryNode {
  readonly kind = 'directory';
  readonly entries = new Map<string, Node>();
  modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }
}

export type Node = FileNode | DirectoryNode;

/** One name that appears, changes or (node undefined) goes. */
export interface EntryEdit {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
}

/**
 * Files in memory, with POSIX rules: links, open files without a name, ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY.
 * Relative paths start at the root. Every change passes through one of the protected methods, so that a subclass can watch.
 */
export class MemoryVfs implements Vfs {
  /** What `freeBytes` says. Nothing counts it down, and writes go on when it is 0: FaultyVfs fails them. */
  freeBytesLeft = 2 ** 40;
  protected readonly nowMs: () => number;
  protected readonly root: DirectoryNode;

  constructor(options: { readonly nowMs?: () => number; readonly root?: DirectoryNode } = {}) {
    this.nowMs = options.nowMs ?? Date.now;
    this.root = options.root ?? new DirectoryNode(this.nowMs());
  }

  /** Called before every operation; may throw. */
  protected before(_operation: string, _path: string): void {}

  protected write(file: FileNode, bytes: Uint8Array, position: number): void {
    file.write(bytes, position);
    file.modifiedMs = this.nowMs();
  }

  protected truncate(file: FileNode, size: number): void {
    file.truncate(size);
    file.modifiedMs = this.nowMs();
  }

  protected sync(_file: FileNode): void {}

  protected syncEntries(_directory: DirectoryNode): void {}

  /** Changes names, all of them in one step. */
  protected edit(edits: readonly EntryEdit[]): void {
    for (const { directory, name, node } of edits) {
      if (node === undefined) directory.entries.delete(name);
      else directory.entries.set(name, node);
      directory.modifiedMs = this.nowMs();
    }
  }

  async open(path: string, mode: OpenMode): Promise<VfsFile> {
    this.before('open', path);
    const { directory, name, node } = this.#locate(path, 'open');
    if (node?.kind === 'directory') throw errnoError('EISDIR', 'open', path);
    if (node !== undefined && mode === 'create') throw errnoError('EEXIST', 'open', path);
    if (node === undefined && (mode === 'read' || mode === 'update')) throw errnoError('ENOENT', 'open', path);
    const file = node ?? new FileNode(this.nowMs());
    if (node === undefined) this.edit([{ directory, name, node: file }]);
    else if (mode === 'replace') this.truncate(file, 0);
    return this.#handle(file, path, mode !== 'read');
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.before('readFile', path);
    return Buffer.from(this.#fileAt(path, 'open').contents);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    this.before('stat', path);
    const node = this.#find(path);
    if (node === undefined) return undefined;
    return { kind: node.kind, size: node.kind === 'file' ? node.size : 0, modifiedMs: node.modifiedMs };
  }

  async readDir(path: string): Promise<DirEntry[]> {
    this.before('readDir', path);
    const { entries } = this.#directoryAt(path, 'scandir');
    const found = [...entries].map(([name, node]): DirEntry => ({ name, kind: node.kind }));
    return found.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }

  async makeDir(path: string): Promise<void> {
    this.before('makeDir', path);
    let directory = this.root;
    for (const name of partsOf(path)) {
      const next = directory.entries.get(name) ?? new DirectoryNode(this.nowMs());
      if (next.kind === 'file')
        throw errnoError(directory.entries.get(name) === this.#find(path) ? 'EEXIST' : 'ENOTDIR', 'mkdir', path);
      if (!directory.entries.has(name)) this.edit([{ directory, name, node: next }]);
      directory = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.before('rename', from);
    const source = this.#locate(from, 'rename', to);
    if (source.node === undefined) throw errnoError('ENOENT', 'rename', from, to);
    const target = this.#locate(to, 'rename', from);
    if (source.node === target.node) return;
    if (source.node.kind === 'directory' && isBelow(to, from)) throw errnoError('EINVAL', 'rename', from, to);
    if (target.node !== undefined) {
      if (source.node.kind === 'file' && target.node.kind === 'directory')
        throw errnoError('EISDIR', 'rename', from, to);
      if (source.node.kind === 'directory' && target.node.kind === 'file')
        throw errnoError('ENOTDIR', 'rename', from, to);
      if (target.node.kind === 'directory' && target.node.entries.size > 0)
        throw errnoError('ENOTEMPTY', 'rename', from, to);
    }
    this.edit([
      { directory: source.directory, name: source.name, node: undefined },
      { directory: target.directory, name: target.name, node: source.node },
    ]);
  }

  async link(from: string, to: string): Promise<void> {
    this.before('link', from);
    const source = this.#locate(from, 'link', to);
    if (source.node === undefined) throw errnoError('ENOENT', 'link', from, to);
    if (source.node.kind === 'directory') throw errnoError('EPERM', 'link', from, to);
    const target = this.#locate(to, 'link', from);
    if (target.node !== undefined) throw errnoError('EEXIST', 'link', from, to);
    this.edit([{ directory: target.directory, name: target.name, node: source.node }]);
  }

  async remove(path: string): Promise<void> {
    this.before('remove', path);
    if (this.#find(path) === undefined) return;
    const { directory, name, node } = this.#locate(path, 'unlink');
    if (node?.kind === 'directory' && node.entries.size > 0) throw errnoError('ENOTEMPTY', 'rmdir', path);
    this.edit([{ directory, name, node: undefined }]);
  }

  async removeAll(path: string): Promise<void> {
    this.before('removeAll', path);
    if (this.#find(path) === undefined) return;
    const { directory, name, node } = this.#locate(path, 'rm');
    if (node?.kind === 'directory') this.#removeBelow(node);
    this.edit([{ directory, name, node: undefined }]);
  }

  async syncDir(path: string): Promise<void> {
    this.before('syncDir', path);
    this.syncEntries(this.#directoryAt(path, 'fsync'));
  }

  async freeBytes(path: string): Promise<number> {
    this.before('freeBytes', path);
    if (this.#find(path) === undefined) throw errnoError('ENOENT', 'statfs', path);
    return this.freeBytesLeft;
  }

  /** Name by name, as the real thing does, since a crash may fall in between. */
  #removeBelow(directory: DirectoryNode): void {
    for (const [name, node] of [...directory.entries]) {
      if (node.kind === 'directory') this.#removeBelow(node);
      this.edit([{ directory, name, node: undefined }]);
    }
  }

  #handle(file: FileNode, path: string, writable: boolean): VfsFile {
    let open = true;
    const enter = (operation: string, writes = false): void => {
      this.before(operation, path);
      if (!open || (writes && !writable)) throw errnoError('EBADF', operation, path);
    };
    return {
      read: async (into, position) => {
        enter('read');
        const found = file.contents.subarray(position, position + into.length);
        into.set(found);
        return found.length;
      },
      write: async (bytes, position) => {
        // The bytes are taken before a fault strikes: a write that failed may still have reached the disk.
        if (open && writable) this.write(file, bytes, position);
        enter('write', true);
      },
      size: async () => {
        enter('fstat');
        return file.size;
      },
      truncate: async (size) => {
        enter('ftruncate', true);
        this.truncate(file, size);
      },
      datasync: async () => {
        enter('fdatasync');
        this.sync(file);
      },
      close: async () => {
        enter('close');
        open = false;
      },
    };
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of partsOf(path)) node = node?.kind === 'directory' ? node.entries.get(name) : undefined;
    return node;
  }

  /** The directory that holds, or would hold, the path. */
  #locate(
    path: string,
    syscall: string,
    dest?: string,
  ): { directory: DirectoryNode; name: string; node: Node | undefined } {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw errnoError('EISDIR', syscall, path, dest);
    let directory: Node = this.root;
    for (const part of parts) {
      const next: Node | undefined = directory.entries.get(part);
      if (next === undefined) throw errnoError('ENOENT', syscall, path, dest);
      if (next.kind === 'file') throw errnoError('ENOTDIR', syscall, path, dest);
      directory = next;
    }
    return { directory, name, node: directory.entries.get(name) };
  }

  #fileAt(path: string, syscall: string): FileNode {
    const { node } = this.#locate(path, syscall);
    if (node === undefined) throw errnoError('ENOENT', syscall, path);
    if (node.kind === 'directory') throw errnoError('EISDIR', 'read', path);
    return node;
  }

  #directoryAt(path: string, syscall: string): DirectoryNode {
    const node = partsOf(path).length === 0 ? this.root : this.#locate(path, syscall).node;
    if (node === undefined) throw errnoError('ENOENT', syscall, path);
    if (node.kind === 'file') throw errnoError('ENOTDIR', syscall, path);
    return node;
  }
}

function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}

function isBelow(path: string, ancestor: string): boolean {
  const parts = partsOf(path);
  return partsOf(ancestor).every((part, index) => parts[index] === part);
}
