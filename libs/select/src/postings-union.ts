import { type PostingsCursor, unionPostings } from './postings.js';
import type { Pace } from './pace.js';

/** So many lists are merged as they are; more go to a bit each. */
const cursorsMax = 16;
const stepsPerLook = 256;

/**
 * A union of any number of lists. A label with a million values has a million short lists: a cursor for each of them would take more memory than the
 * series, a bit for each posting takes 128 KiB.
 */
export class PostingsUnion {
  readonly #end: number;
  readonly #pace: Pace;
  #cursors: PostingsCursor[] = [];
  #bits: Uint32Array | undefined;

  /** @param end above all postings */
  constructor(end: number, pace: Pace) {
    this.#end = end;
    this.#pace = pace;
  }

  /** A promise only where the list is long, and the next one has to wait. */
  add(cursor: PostingsCursor): Promise<void> | undefined {
    if (this.#bits !== undefined) return this.#drain(cursor, this.#bits);
    this.#cursors.push(cursor);
    return this.#cursors.length > cursorsMax ? this.#turnToBits() : undefined;
  }

  /** To be called once, behind all that has been added. */
  postings(): PostingsCursor {
    return this.#bits === undefined ? unionPostings(this.#cursors) : new BitCursor(this.#bits);
  }

  async #turnToBits(): Promise<void> {
    this.#bits = new Uint32Array(Math.ceil(this.#end / 32));
    const waiting = this.#cursors;
    this.#cursors = [];
    for (const cursor of waiting) await this.#drain(cursor, this.#bits);
  }

  #drain(cursor: PostingsCursor, bits: Uint32Array): Promise<void> | undefined {
    for (let steps = 1; ; steps += 1) {
      const posting = cursor.next();
      if (posting < 0) return undefined;
      bits[posting >>> 5]! |= 1 << (posting & 31);
      if (steps % stepsPerLook === 0 && this.#pace.isDue) return this.#drainLater(cursor, bits);
    }
  }

  async #drainLater(cursor: PostingsCursor, bits: Uint32Array): Promise<void> {
    await this.#pace.rest();
    await this.#drain(cursor, bits);
  }
}

class BitCursor implements PostingsCursor {
  readonly #bits: Uint32Array;
  #current = -1;

  constructor(bits: Uint32Array) {
    this.#bits = bits;
  }

  next(): number {
    return this.#from(this.#current + 1);
  }

  seek(least: number): number {
    return this.#from(Math.max(least, this.#current));
  }

  #from(least: number): number {
    const bits = this.#bits;
    let word = least >>> 5;
    let rest = word < bits.length ? bits[word]! & (-1 << (least & 31)) : 0;
    while (rest === 0) {
      word += 1;
      if (word >= bits.length) return -1;
      rest = bits[word]!;
    }
    this.#current = word * 32 + 31 - Math.clz32(rest & -rest);
    return this.#current;
  }
}
