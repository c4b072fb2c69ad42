import { MiB, invariant } from '@gauntlet/base';
import type { Vfs, VfsFile } from '@gauntlet/vfs';
import { headChunkFileName, listHeadChunkFiles } from './file-names.js';
import { HeadChunksClosedError, type HeadChunkPosition } from './head-chunk-error.js';
import { PendingChunks, type Extent } from './pending-chunks.js';
import { readHeadChunks, type WantedHeadChunk } from './read-head-chunks.js';
import { dataIn, recordBytes, type HeadChunkRecord } from './record.js';

/** As Prometheus has it. */
export const headChunkFileBytesMax = 128 * MiB;
const pendingBytesMaxDefault = 4 * MiB;

export interface HeadChunkFilesOptions {
  /** A file is ended before it would become longer; 128 MiB by default. */
  readonly fileBytesMax?: number;
  /** `hasRoom` turns false at this many bytes that are not in a file; 4 MiB by default. */
  readonly pendingBytesMax?: number;
}

/** The write side of a directory of head chunks, and its chunks one at a time. */
export interface HeadChunkFiles {
  /**
   * Takes a chunk and copies it. Its position is final at once, its data can be read at once, and they are in a file after `flush`. Never does I/O,
   * and takes a chunk even when there is no room: a caller who can wait asks first.
   */
  append(chunk: HeadChunkRecord): HeadChunkPosition;
  /** Bytes that are in memory only. */
  readonly pendingBytes: number;
  readonly hasRoom: boolean;
  /**
   * Writes what was appended. After an error nothing is lost: the chunks stay readable, and the next flush writes the same bytes to the same
   * place. A file is made durable when it is finished, and nothing is written behind it before: what was not synced is still in the log.
   */
  flush(): Promise<void>;
  /**
   * A copy of a chunk's data, from memory or file.
   * @throws HeadChunkCorruptError when it is not what was written
   */
  read(position: HeadChunkPosition, dataLength: number): Promise<Uint8Array>;
  /** The same for many chunks, with few large reads: `into` gets a copy of each one's data with its index, in no promised order. */
  readAll(wanted: readonly WantedHeadChunk[], into: (index: number, data: Uint8Array) => void): Promise<void>;
  /** Deletes the files with lower numbers, except one that is being written; ends that one, so that it can be deleted some day. */
  truncateBefore(file: number): Promise<void>;
  /** Bytes of all files, as far as they were written. */
  readonly bytesOnDisk: number;
  /** Flushes, makes all durable, closes. After an error it may be called again. */
  close(): Promise<void>;
}

/** Opens a directory of head chunks to write, behind all files that are there. Makes the directory; the first flush makes the first file. */
export async function openHeadChunks(
  vfs: Vfs,
  dir: string,
  options: HeadChunkFilesOptions = {},
): Promise<HeadChunkFiles> {
  await vfs.makeDir(dir);
  await vfs.syncDir(`${dir}/..`);
  const sizes = new Map<number, number>();
  for (const { file, name } of await listHeadChunkFiles(vfs, dir)) {
    sizes.set(file, (await vfs.stat(`${dir}/${name}`))?.size ?? 0);
  }
  return new WrittenHeadChunks(vfs, dir, sizes, {
    fileBytesMax: options.fileBytesMax ?? headChunkFileBytesMax,
    pendingBytesMax: options.pendingBytesMax ?? pendingBytesMaxDefault,
  });
}

/** The file that is written. It may be finished already as far as `append` knows. */
interface CurrentFile {
  readonly number: number;
  /** Undefined after a failure, until it is opened again. */
  handle: VfsFile | undefined;
  /** It was made, and its name is durable. */
  isNamed: boolean;
  size: number;
  /** A sync failed: what it did not write, no later sync writes either, unless it is written again. */
  mustRewrite: boolean;
}

class WrittenHeadChunks implements HeadChunkFiles {
  readonly #vfs: Vfs;
  readonly #dir: string;
  readonly #settings: Required<HeadChunkFilesOptions>;
  /** Of the files that are there. */
  readonly #sizes: Map<number, number>;
  readonly #pending: PendingChunks;
  #current: CurrentFile | undefined;
  /** The I/O under way; whatever writes or deletes waits for its turn behind it. */
  #turn: Promise<unknown> = Promise.resolve();
  #state: 'open' | 'closed' = 'open';

  constructor(vfs: Vfs, dir: string, sizes: Map<number, number>, settings: Required<HeadChunkFilesOptions>) {
    this.#vfs = vfs;
    this.#dir = dir;
    this.#sizes = sizes;
    this.#settings = settings;
    this.#pending = new PendingChunks(Math.max(0, ...sizes.keys()) + 1, settings.fileBytesMax);
  }

  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  get hasRoom(): boolean {
    return this.#pending.bytes < this.#settings.pendingBytesMax;
  }

  get bytesOnDisk(): number {
    let sum = 0;
    for (const size of this.#sizes.values()) sum += size;
    return sum;
  }

  append(chunk: HeadChunkRecord): HeadChunkPosition {
    this.#refuseWhenClosed('append to');
    return this.#pending.append(chunk);
  }

  flush(): Promise<void> {
    return this.#inTurn('flush', () => this.#flush());
  }

  async read(position: HeadChunkPosition, dataLength: number): Promise<Uint8Array> {
    this.#refuseWhenClosed('read');
    const pending = this.#pending.find(position, recordBytes(dataLength));
    if (pending !== undefined) return Uint8Array.from(dataIn(pending, position, dataLength));
    const record = Buffer.allocUnsafe(recordBytes(dataLength));
    const file = await this.#vfs.open(this.#path(position.file), 'read');
    try {
      const count = await file.read(record, position.offset);
      return dataIn(record.subarray(0, count), position, dataLength);
    } finally {
      await file.close().catch(() => undefined);
    }
  }

  async readAll(wanted: readonly WantedHeadChunk[], into: (index: number, data: Uint8Array) => void): Promise<void> {
    this.#refuseWhenClosed('read');
    const inFiles: number[] = [];
    for (const [index, { position, dataLength }] of wanted.entries()) {
      const pending = this.#pending.find(position, recordBytes(dataLength));
      if (pending === undefined) inFiles.push(index);
      else into(index, Uint8Array.from(dataIn(pending, position, dataLength)));
    }
    if (inFiles.length === 0) return;
    const wantedInFiles = inFiles.map((index) => wanted[index]!);
    await readHeadChunks(this.#vfs, this.#dir, wantedInFiles, (at, data) => into(inFiles[at]!, data));
  }

  truncateBefore(file: number): Promise<void> {
    return this.#inTurn('truncate', async () => {
      const lowestWritten = Math.min(this.#current?.number ?? Infinity, this.#pending.lowestFile);
      // From the first up and each one durably, so that a crash leaves no gap in the numbers.
      for (const number of [...this.#sizes.keys()].sort((a, b) => a - b)) {
        if (number >= Math.min(file, lowestWritten)) break;
        await this.#vfs.remove(this.#path(number));
        await this.#vfs.syncDir(this.#dir);
        this.#sizes.delete(number);
      }
      this.#pending.endFile();
    });
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    await this.#inTurn('close', async () => {
      try {
        await this.#flush();
        await this.#finish();
      } catch (error) {
        await this.#dropHandle();
        throw error;
      }
      this.#state = 'closed';
    });
  }

  #refuseWhenClosed(verb: string): void {
    if (this.#state === 'closed') {
      throw new HeadChunksClosedError(`Cannot ${verb} head chunks ${this.#dir}: they are closed`);
    }
  }

  #inTurn(verb: string, act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(() => {
      this.#refuseWhenClosed(verb);
      return act();
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #flush(): Promise<void> {
    // What is appended meanwhile joins the last extent or follows it, and is written, too.
    for (let extent = this.#pending.take(); extent !== undefined; extent = this.#pending.take()) {
      if (this.#current !== undefined && this.#current.number !== extent.file) await this.#finish();
      const handle = await this.#open(extent);
      await handle.write(extent.buffer.subarray(0, extent.length), extent.offset);
      this.#pending.markWritten(extent);
      const current = this.#current!;
      current.size = extent.offset + extent.length;
      this.#sizes.set(current.number, current.size);
    }
  }

  async #open({ file }: Extent): Promise<VfsFile> {
    this.#current ??= { number: file, handle: undefined, isNamed: false, size: 0, mustRewrite: false };
    const current = this.#current;
    // Nobody else writes here: what is there under this number is our own failed attempt.
    current.handle ??= await this.#vfs.open(this.#path(file), current.size > 0 ? 'update' : 'replace');
    if (!current.isNamed) await this.#vfs.syncDir(this.#dir);
    current.isNamed = true;
    return current.handle;
  }

  /** Makes the current file durable and lets go of it. */
  async #finish(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    current.handle ??= await this.#vfs.open(this.#path(current.number), 'update');
    if (current.mustRewrite) await rewrite(current.handle, current.size);
    current.mustRewrite = true;
    await current.handle.datasync();
    await this.#dropHandle();
    this.#current = undefined;
  }

  /** A file whose bytes are durable, or that will be opened again, may fail to close without harm. */
  async #dropHandle(): Promise<void> {
    const handle = this.#current?.handle;
    if (this.#current !== undefined) this.#current.handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  #path(file: number): string {
    return `${this.#dir}/${headChunkFileName(file)}`;
  }
}

/** Writes a file's bytes over themselves. */
async function rewrite(file: VfsFile, size: number): Promise<void> {
  const piece = Buffer.alloc(Math.min(size, MiB));
  for (let position = 0; position < size; position += piece.length) {
    const wanted = piece.subarray(0, Math.min(piece.length, size - position));
    const count = await file.read(wanted, position);
    invariant(count === wanted.length, 'a file that is being written has one writer');
    await file.write(wanted, position);
  }
}
