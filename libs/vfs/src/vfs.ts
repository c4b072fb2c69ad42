/** What `stat` tells of a path. */
export interface FileStat {
  readonly kind: 'file' | 'directory';
  /** Bytes; 0 for directories. */
  readonly size: number;
  /** Last change, Unix milliseconds. */
  readonly modifiedMs: number;
}

export interface DirEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory';
}

/**
 * How a file is opened.
 *
 * - `read`: must exist.
 * - `create`: made anew; an existing file is an error (EEXIST).
 * - `replace`: made anew or emptied.
 * - `update`: must exist; may be read and written anywhere.
 */
export type OpenMode = 'read' | 'create' | 'replace' | 'update';

/** An open file. Positions are bytes from the start. Whoever opened it closes it. */
export interface VfsFile {
  /** Fills `into` from `position` as far as the file reaches; returns the bytes read, fewer only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`, or throws; after an error any part of them may be there. The caller may reuse `bytes` once it resolves. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  /** Makes the data (not every time stamp) durable: fdatasync. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Files and directories. Paths are absolute or relative to the process, with `/`. Errors are Node's `ErrnoException`s
 * (`code` such as ENOENT, ENOSPC, EIO), whatever the implementation.
 */
export interface Vfs {
  open(path: string, mode: OpenMode): Promise<VfsFile>;
  /** The whole file; for small ones. */
  readFile(path: string): Promise<Uint8Array>;
  /** Undefined when nothing is there. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Entries sorted by the bytes of their names; ENOENT when the directory is missing. */
  readDir(path: string): Promise<DirEntry[]>;
  /** Makes the directory and its parents; no error when it is there. */
  makeDir(path: string): Promise<void>;
  /** Atomic; replaces a file, or an empty directory by a directory. Durable after `syncDir` of the parent. */
  rename(from: string, to: string): Promise<void>;
  /** Second name for the same file. */
  link(from: string, to: string): Promise<void>;
  /** Removes a file or an empty directory; no error when nothing is there. */
  remove(path: string): Promise<void>;
  /** Removes a directory and all below it; no error when nothing is there. */
  removeAll(path: string): Promise<void>;
  /** Makes the names in a directory durable: fsync of the directory. */
  syncDir(path: string): Promise<void>;
  /** Bytes that this process may still write to the file system that holds the path, which must exist: what is reserved for root does not count. */
  freeBytes(path: string): Promise<number>;
}
