import { MiB } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { openBlockFiles } from './block-files.js';
import { type BlockReader, openBlockReader } from './block-reader.js';

export interface BlockReadersOptions {
  /** What readers that nobody uses may hold together; 64 MiB by default. */
  readonly bytesMax?: number;
  /** How many files they may hold open; 512 by default. */
  readonly filesMax?: number;
}

/** A reader that stays open until it is released. */
export interface Lease {
  readonly reader: BlockReader;
  /** To be called once, behind the last use of any source that the reader gave; further calls do nothing. */
  release(): void;
}

/** The open blocks of all tenants. Those in use stay open whatever their number; of the others, the ones used last. */
export interface BlockReaders {
  /** The reader of a block's directory, opened if it is not open. */
  use(dir: string, meta: BlockMeta): Promise<Lease>;
  /** The block is deleted: its reader goes as soon as nobody uses it, and nobody else gets it. */
  forget(dir: string): void;
  readonly openCount: number;
  /** Closes what nobody uses, and later what is in use; resolves when all of it is closed. */
  close(): Promise<void>;
}

export function createBlockReaders(vfs: Vfs, options: BlockReadersOptions = {}): BlockReaders {
  return new ReaderCache(vfs, options);
}

interface Slot {
  readonly opening: Promise<BlockReader>;
  /** Undefined while it opens. */
  reader: BlockReader | undefined;
  users: number;
  /** No longer found by its directory. */
  isForgotten: boolean;
}

class ReaderCache implements BlockReaders {
  readonly #vfs: Vfs;
  readonly #bytesMax: number;
  readonly #filesMax: number;
  /** By directory; the one used last comes last. */
  readonly #slots = new Map<string, Slot>();
  readonly #closing = new Set<Promise<void>>();
  readonly #inUse = new Set<Slot>();
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(vfs: Vfs, { bytesMax = 64 * MiB, filesMax = 512 }: BlockReadersOptions) {
    this.#vfs = vfs;
    this.#bytesMax = bytesMax;
    this.#filesMax = filesMax;
  }

  get openCount(): number {
    return new Set([...this.#slots.values(), ...this.#inUse]).size;
  }

  async use(dir: string, meta: BlockMeta): Promise<Lease> {
    const slot = this.#slots.get(dir) ?? this.#open(dir, meta);
    // Last of all now.
    this.#slots.delete(dir);
    this.#slots.set(dir, slot);
    slot.users += 1;
    this.#inUse.add(slot);
    try {
      const reader = await slot.opening;
      let isHeld = true;
      const release = (): void => {
        if (!isHeld) return;
        isHeld = false;
        this.#release(slot);
      };
      this.#evict();
      return { reader, release };
    } catch (error) {
      if (this.#slots.get(dir) === slot) this.#slots.delete(dir);
      this.#release(slot);
      throw error;
    }
  }

  forget(dir: string): void {
    const slot = this.#slots.get(dir);
    if (slot === undefined) return;
    this.#slots.delete(dir);
    slot.isForgotten = true;
    if (slot.users === 0) this.#shut(slot);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const dir of [...this.#slots.keys()]) this.forget(dir);
    if (this.#inUse.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await Promise.all(this.#closing);
  }

  #open(dir: string, meta: BlockMeta): Slot {
    const opening = openBlockFiles(this.#vfs, dir).then((files) => openBlockReader(files, meta));
    const slot: Slot = { opening, reader: undefined, users: 0, isForgotten: this.#isClosed };
    opening.then(
      (reader) => (slot.reader = reader),
      () => undefined,
    );
    return slot;
  }

  #release(slot: Slot): void {
    slot.users -= 1;
    if (slot.users > 0) return;
    this.#inUse.delete(slot);
    if (slot.isForgotten) this.#shut(slot);
    else this.#evict();
    if (this.#inUse.size === 0) this.#onIdle?.();
  }

  /** Closes readers that nobody uses, until the others are within the limits. */
  #evict(): void {
    let bytes = 0;
    let files = 0;
    for (const { reader } of this.#slots.values()) {
      bytes += reader?.bytesHeld ?? 0;
      files += reader?.fileCount ?? 0;
    }
    for (const [dir, slot] of this.#slots) {
      if (bytes <= this.#bytesMax && files <= this.#filesMax) return;
      if (slot.users > 0 || slot.reader === undefined) continue;
      bytes -= slot.reader.bytesHeld;
      files -= slot.reader.fileCount;
      this.forget(dir);
    }
  }

  #shut({ reader }: Slot): void {
    if (reader === undefined) return;
    // Nothing was written: a file that cannot be closed has lost nothing.
    const closing = reader.close().catch(() => undefined);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }
}
