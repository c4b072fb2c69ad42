import { sortWasmBase64 } from './generated/sort.js';
import type { Shard } from './shard.js';
import { instantiate } from './wasm.js';

/** What is between stored labels and those that decide the order. */
export interface SortOverlay {
  /** Names that are taken out of all series. */
  readonly hidden: readonly string[];
  /** The last, by bytes, of the names that are laid over all series; undefined when none is. */
  readonly lastAdded: string | undefined;
}

interface SortExports {
  sortOverlay(at: number): void;
  sortBegin(array: number, other: number, count: number): void;
  sortStep(steps: number): number;
  sortedArray(): number;
}

/**
 * Sorts series of a shard by labels, in arrays that the shard lends: fill `addresses`, `begin`, `step` while there is more, take `sorted`, `close`. No series
 * of them may be removed between `begin` and the end; after a removal, fill and begin anew.
 */
export class SeriesSort {
  readonly #shard: Shard;
  readonly #sort: SortExports;
  readonly #count: number;
  readonly #from: number;
  readonly #into: number;
  readonly #overlay: number;
  #isOpen = true;

  /** @throws ShardFullError */
  constructor(shard: Shard, count: number, { hidden, lastAdded }: SortOverlay) {
    this.#shard = shard;
    this.#count = count;
    const blocks: number[] = [];
    const lend = (bytes: number): number => {
      const block = shard.lend(bytes);
      blocks.push(block);
      return block;
    };
    try {
      this.#from = lend(Math.max(4, count * 4));
      this.#into = lend(Math.max(4, count * 4));
      this.#overlay = 0;
      this.#sort = instantiate<SortExports>(sortWasmBase64, shard.memory);
      if (hidden.length === 0 && lastAdded === undefined) return;
      const bytes = overlayBytes(hidden, lastAdded ?? '');
      this.#overlay = lend(bytes.length);
      new Uint8Array(shard.memory.buffer).set(bytes, this.#overlay);
      this.#sort.sortOverlay(this.#overlay | 0);
    } catch (error) {
      for (const block of blocks) shard.giveBack(block);
      throw error;
    }
  }

  /** A view; valid in this turn. */
  get addresses(): Uint32Array {
    return new Uint32Array(this.#shard.memory.buffer, this.#from, this.#count);
  }

  /** @param count as many of `addresses` as are to be sorted */
  begin(count: number): void {
    this.#sort.sortBegin(this.#from | 0, this.#into | 0, count);
  }

  /** Works on about `steps` series; whether there is more to do. */
  step(steps: number): boolean {
    return this.#sort.sortStep(steps) !== 0;
  }

  /** A view; valid in this turn. */
  sorted(count: number): Uint32Array {
    return new Uint32Array(this.#shard.memory.buffer, this.#sort.sortedArray() >>> 0, count);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const block of [this.#from, this.#into, this.#overlay]) if (block !== 0) this.#shard.giveBack(block);
  }
}

/** As assembly/series-sort.ts reads it. */
function overlayBytes(hidden: readonly string[], lastAdded: string): Uint8Array {
  const [last, ...names] = [lastAdded, ...hidden].map((name) => Buffer.from(name));
  const numbers = Uint32Array.of(last!.length, names.length, ...names.map((name) => name.length));
  return Buffer.concat([Buffer.from(numbers.buffer), last!, ...names]);
}
