import type { DirEntry, FileStat, OpenMode, Vfs, VfsFile } from '../vfs.js';
import { errnoError, type ErrnoCode } from './errno.js';

export type VfsOperation =
  | 'open'
  | 'readFile'
  | 'stat'
  | 'readDir'
  | 'makeDir'
  | 'rename'
  | 'link'
  | 'remove'
  | 'removeAll'
  | 'syncDir'
  | 'freeBytes'
  | 'read'
  | 'write'
  | 'size'
  | 'truncate'
  | 'datasync'
  | 'close';

export interface VfsCall {
  readonly operation: VfsOperation;
  /** Of `rename` and `link`: where from. */
  readonly path: string;
  /** Counts all calls from 1. */
  readonly index: number;
}

/** Which calls fail, and how. A call must meet every condition given. */
export interface Fault {
  readonly operation?: VfsOperation | readonly VfsOperation[];
  readonly when?: (call: VfsCall) => boolean;
  /** Of the calls that match: the first to fail, from 1. */
  readonly nth?: number;
  /** How many fail from there on; 1 by default, Infinity for a disk that stays broken. */
  readonly times?: number;
  readonly code: ErrnoCode;
  /** Of a write: how many bytes reach the file before it fails. */
  readonly bytesWritten?: number;
  /** Does the thing and fails nevertheless, as a disk that lost its answer. */
  readonly afterwards?: boolean;
}

/** Any Vfs, with faults. */
export class FaultyVfs implements Vfs {
  /** Everything asked so far, for tests that fail each call in turn. */
  readonly calls: VfsCall[] = [];
  readonly #inner: Vfs;
  readonly #faults: { readonly fault: Fault; matched: number }[] = [];

  constructor(inner: Vfs, ...faults: Fault[]) {
    this.#inner = inner;
    for (const fault of faults) this.fail(fault);
  }

  fail(fault: Fault): void {
    this.#faults.push({ fault, matched: 0 });
  }

  /** Repairs the disk. */
  heal(): void {
    this.#faults.length = 0;
  }

  open(path: string, mode: OpenMode): Promise<VfsFile> {
    return this.#call('open', path, async () => this.#wrap(await this.#inner.open(path, mode), path));
  }
  readFile(path: string): Promise<Uint8Array> {
    return this.#call('readFile', path, () => this.#inner.readFile(path));
  }
  stat(path: string): Promise<FileStat | undefined> {
    return this.#call('stat', path, () => this.#inner.stat(path));
  }
  readDir(path: string): Promise<DirEntry[]> {
    return this.#call('readDir', path, () => this.#inner.readDir(path));
  }
  makeDir(path: string): Promise<void> {
    return this.#call('makeDir', path, () => this.#inner.makeDir(path));
  }
  rename(from: string, to: string): Promise<void> {
    return this.#call('rename', from, () => this.#inner.rename(from, to));
  }
  link(from: string, to: string): Promise<void> {
    return this.#call('link', from, () => this.#inner.link(from, to));
  }
  remove(path: string): Promise<void> {
    return this.#call('remove', path, () => this.#inner.remove(path));
  }
  removeAll(path: string): Promise<void> {
    return this.#call('removeAll', path, () => this.#inner.removeAll(path));
  }
  syncDir(path: string): Promise<void> {
    return this.#call('syncDir', path, () => this.#inner.syncDir(path));
  }

  freeBytes(path: string): Promise<number> {
    return this.#call('freeBytes', path, () => this.#inner.freeBytes(path));
  }

  #wrap(file: VfsFile, path: string): VfsFile {
    return {
      read: (into, position) => this.#call('read', path, () => file.read(into, position)),
      write: (bytes, position) =>
        this.#call(
          'write',
          path,
          () => file.write(bytes, position),
          (count) => file.write(bytes.subarray(0, count), position),
        ),
      size: () => this.#call('size', path, () => file.size()),
      truncate: (size) => this.#call('truncate', path, () => file.truncate(size)),
      datasync: () => this.#call('datasync', path, () => file.datasync()),
      // The descriptor is gone even when close fails.
      close: () =>
        this.#call(
          'close',
          path,
          () => file.close(),
          () => file.close(),
        ),
    };
  }

  async #call<T>(
    operation: VfsOperation,
    path: string,
    act: () => Promise<T>,
    actInPart?: (count: number) => Promise<void>,
  ): Promise<T> {
    const call = { operation, path, index: this.calls.length + 1 };
    this.calls.push(call);
    const fault = this.#faultOf(call);
    if (fault === undefined) return act();
    if (fault.afterwards) await act();
    else if (actInPart !== undefined) await actInPart(fault.bytesWritten ?? 0);
    throw errnoError(fault.code, operation, path);
  }

  #faultOf(call: VfsCall): Fault | undefined {
    let found: Fault | undefined;
    for (const entry of this.#faults) {
      const { operation, when, nth = 1, times = 1 } = entry.fault;
      if (operation !== undefined && ![operation].flat().includes(call.operation)) continue;
      if (when !== undefined && !when(call)) continue;
      entry.matched += 1;
      if (entry.matched >= nth && entry.matched < nth + times) found ??= entry.fault;
    }
    return found;
  }
}
