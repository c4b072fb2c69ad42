import type { Pace, PostingsCursor } from '@gauntlet/select';
import type { EntryBatch } from './entry-batch.js';
import { grownUint32 } from './grown.js';
import { feedOf, type RefFeed } from './ref-feed.js';
import { sortIndexes } from './sort-indexes.js';

export interface SortingFeedOptions {
  /** Walks through the matching series from the beginning. */
  readonly cursor: () => PostingsCursor;
  readonly batch: EntryBatch;
  /** References of the names that no series keeps. */
  readonly hidden: ReadonlySet<number>;
  /** Names with lower references come before the last of the added names; 0 where none is added. */
  readonly lastAdded: number;
  /** At most so many series, any ones; 0 for all of them. */
  readonly limit: number;
  readonly pace: Pace;
  /** What one pass may hold of labels, as references of symbols. */
  readonly sortBytes: number;
}

/**
 * The series of a block in an order that the index does not have, since labels are taken out of them. Each pass walks through all entries and keeps the
 * smallest of those above the last one handed out, as many as may be held. Symbols are in the order of their bytes, so that their references are compared
 * and no text is read. Series with equal labels come in the order of the index.
 */
export class SortingFeed implements RefFeed {
  readonly #options: SortingFeedOptions;
  readonly #wordsMax: number;
  #sorted: Uint32Array = new Uint32Array();
  #at = 0;
  #isDone = false;
  /** Keys of the series that are kept: of entry `i` at [keyAt[i], keyAt[i + 1]). */
  #keys: Uint32Array = new Uint32Array(1024);
  #keyAt: Uint32Array = new Uint32Array(64);
  #refs: Uint32Array = new Uint32Array(64);
  #count = 0;
  /** The last series of the pass before, and the first one that this pass had no room for. */
  #floor: Key | undefined;
  #ceiling: Key | undefined;

  constructor(options: SortingFeedOptions) {
    this.#options = options;
    this.#wordsMax = Math.ceil(options.sortBytes / 4);
  }

  next(): number {
    return this.#at < this.#sorted.length ? this.#sorted[this.#at++]! : -1;
  }

  async refill(): Promise<boolean> {
    if (this.#isDone) return false;
    await this.#pass();
    return this.#sorted.length > 0;
  }

  async #pass(): Promise<void> {
    const { cursor, batch, limit, pace } = this.#options;
    this.#count = 0;
    this.#ceiling = undefined;
    const feed = feedOf(cursor());
    let seen = 0;
    for (let hasMore = true; hasMore && (limit === 0 || seen < limit);) {
      hasMore = await batch.read([], feed, pace);
      for (let entry = 0; entry < batch.count && (limit === 0 || seen < limit); entry += 1) {
        seen += 1;
        this.#add(batch, entry);
        if (this.#keyAt[this.#count]! > this.#wordsMax && this.#count > 1) await this.#keepSmaller();
      }
    }
    const order = await this.#order();
    this.#isDone = this.#ceiling === undefined;
    this.#sorted = order.map((entry) => this.#refs[entry]!);
    this.#at = 0;
    this.#floor = order.length === 0 ? undefined : this.#keyOf(order.at(-1)!);
    this.#keys = new Uint32Array(1024);
  }

  /** Keeps an entry if it is above the floor and below the ceiling. */
  #add({ symbols, labelAt, refs }: EntryBatch, entry: number): void {
    const { hidden } = this.#options;
    const from = this.#keyAt[this.#count]!;
    const end = labelAt[entry + 1]!;
    this.#keys = grownUint32(this.#keys, from + end - labelAt[entry]!);
    const keys = this.#keys;
    let to = from;
    for (let at = labelAt[entry]!; at < end; at += 2) {
      if (hidden.has(symbols[at]!)) continue;
      keys[to] = symbols[at]!;
      keys[to + 1] = symbols[at + 1]!;
      to += 2;
    }
    const ref = refs[entry]!;
    const [floor, ceiling] = [this.#floor, this.#ceiling];
    if (floor !== undefined && this.#compareKeys(from, to, ref, floor.words, 0, floor.words.length, floor.ref) <= 0)
      return;
    if (
      ceiling !== undefined &&
      this.#compareKeys(from, to, ref, ceiling.words, 0, ceiling.words.length, ceiling.ref) >= 0
    )
      return;
    this.#refs = grownUint32(this.#refs, this.#count + 1);
    this.#keyAt = grownUint32(this.#keyAt, this.#count + 2);
    this.#refs[this.#count] = ref;
    this.#count += 1;
    this.#keyAt[this.#count] = to;
  }

  /** Drops the greater half. */
  async #keepSmaller(): Promise<void> {
    const order = await this.#order();
    const kept = order.subarray(0, Math.ceil(order.length / 2));
    this.#ceiling = this.#keyOf(order[kept.length]!);
    // In the order of the index, so that nothing is overwritten before it is copied.
    kept.sort();
    const [keys, keyAt] = [this.#keys, this.#keyAt];
    let to = 0;
    for (let index = 0; index < kept.length; index += 1) {
      const from = keyAt[kept[index]!]!;
      const end = keyAt[kept[index]! + 1]!;
      keys.copyWithin(to, from, end);
      keyAt[index] = to;
      to += end - from;
      this.#refs[index] = this.#refs[kept[index]!]!;
    }
    keyAt[kept.length] = to;
    this.#count = kept.length;
  }

  #order(): Promise<Uint32Array> {
    const indexes = Uint32Array.from({ length: this.#count }, (_, index) => index);
    const keyAt = this.#keyAt;
    return sortIndexes(
      indexes,
      (a, b) =>
        this.#compareKeys(
          keyAt[a]!,
          keyAt[a + 1]!,
          this.#refs[a]!,
          this.#keys,
          keyAt[b]!,
          keyAt[b + 1]!,
          this.#refs[b]!,
        ),
      this.#options.pace,
    );
  }

  #keyOf(entry: number): Key {
    return {
      words: this.#keys.slice(this.#keyAt[entry], this.#keyAt[entry + 1]),
      ref: this.#refs[entry]!,
    };
  }

  /**
   * The order of a kept key and another one by their final labels, as `LabelOverlay.compare` has it: the first labels that differ decide; where one ends,
   * labels that are added behind the other's next one make it the greater.
   */
  #compareKeys(
    from: number,
    to: number,
    ref: number,
    other: Uint32Array,
    otherFrom: number,
    otherTo: number,
    otherRef: number,
  ): number {
    const keys = this.#keys;
    const common = Math.min(to - from, otherTo - otherFrom);
    for (let k = 0; k < common; k += 1) {
      const difference = keys[from + k]! - other[otherFrom + k]!;
      if (difference !== 0) return difference;
    }
    if (to - from === otherTo - otherFrom) return ref - otherRef;
    const { lastAdded } = this.#options;
    if (to - from === common) return other[otherFrom + common]! < lastAdded ? 1 : -1;
    return keys[from + common]! < lastAdded ? -1 : 1;
  }
}

interface Key {
  readonly words: Uint32Array;
  readonly ref: number;
}
