import type { EntryBatch } from './entry-batch.js';
import { grownUint32 } from './grown.js';

/** Puts the entries of a batch into the order in which they are handed out, and tells which of them have to wait for more. */
export interface FinalOrder {
  /** Indexes of entries; `[0, count)` of them. */
  readonly entries: Uint32Array;
  readonly count: number;
  /** References of series that may still come behind others: they go before the next batch. */
  readonly waiting: readonly number[];
  sort(batch: EntryBatch, isLast: boolean): void;
}

/** Entries that come in their final order. */
export class StoredOrder implements FinalOrder {
  entries: Uint32Array = new Uint32Array(64);
  count = 0;
  readonly waiting: readonly number[] = [];

  sort(batch: EntryBatch): void {
    this.count = batch.count;
    this.entries = grownUint32(this.entries, batch.count);
    for (let index = 0; index < batch.count; index += 1) this.entries[index] = index;
  }
}

/**
 * Mends the order of a block for constant labels that are added to all of its series, under names that none of them has. Such labels move only series
 * whose labels begin those of others: `{a, b}` comes before `{a, b, c}`, but behind it once both have `d` too, since there `d` is compared with `c`. Those
 * others follow in the index at once, so a series waits until they have gone by, on a stack that is no higher than a series has labels.
 */
export class MendedOrder implements FinalOrder {
  entries: Uint32Array = new Uint32Array(64);
  count = 0;
  waiting: number[] = [];
  readonly #lastAdded: number;
  readonly #stack: number[] = [];

  /** @param lastAdded names with lower references come before the last of the added names */
  constructor(lastAdded: number) {
    this.#lastAdded = lastAdded;
  }

  sort(batch: EntryBatch, isLast: boolean): void {
    const stack = this.#stack;
    stack.length = 0;
    this.count = 0;
    this.entries = grownUint32(this.entries, batch.count);
    for (let index = 0; index < batch.count; index += 1) {
      while (stack.length > 0 && !this.#isBefore(batch, index, stack.at(-1)!))
        this.entries[this.count++] = stack.pop()!;
      stack.push(index);
    }
    if (isLast) while (stack.length > 0) this.entries[this.count++] = stack.pop()!;
    this.waiting = stack.map((index) => batch.refs[index]!);
  }

  /** Whether a series comes before an earlier one, whose labels begin its own. */
  #isBefore({ symbols, labelAt }: EntryBatch, index: number, earlier: number): boolean {
    const from = labelAt[index]!;
    const beginFrom = labelAt[earlier]!;
    const length = labelAt[earlier + 1]! - beginFrom;
    if (labelAt[index + 1]! - from <= length) return false;
    for (let k = 0; k < length; k += 1) if (symbols[from + k] !== symbols[beginFrom + k]) return false;
    return symbols[from + length]! < this.#lastAdded;
  }
}
