import { type Pace, type PostingsCursor, postingsOfList } from '@gauntlet/select';

/** More references than this are kept as bits. */
const listLengthMax = 64 * 1024;
const stepsPerLook = 256;

/**
 * References of series, ascending; walked through any number of times. A few are a list. Many take a bit for each place at which a series entry may
 * begin: of a block's million series, 0.7 MB, where a list takes 4 MB.
 */
export class RefSet {
  #list: Uint32Array = new Uint32Array(64);
  #bits: RefBits | undefined;
  #size = 0;
  #last = -1;
  readonly #range: RefRange;

  constructor(range: RefRange) {
    this.#range = range;
  }

  /** All that a cursor gives. */
  static async of(cursor: PostingsCursor, range: RefRange, pace: Pace): Promise<RefSet> {
    const set = new RefSet(range);
    for (let ref = cursor.next(), steps = 1; ref >= 0; ref = cursor.next(), steps += 1) {
      set.add(ref);
      if (steps % stepsPerLook === 0 && pace.isDue) await pace.rest();
    }
    return set;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes references in ascending order; those that no series of the block can have are left out. */
  add(ref: number): void {
    if (ref < this.#range.from || ref >= this.#range.end || ref <= this.#last) return;
    this.#last = ref;
    this.#size += 1;
    if (this.#bits === undefined && this.#size > listLengthMax) this.#turnToBits();
    if (this.#bits !== undefined) {
      this.#bits.add(ref);
      return;
    }
    if (this.#size > this.#list.length) {
      const grown = new Uint32Array(this.#list.length * 2);
      grown.set(this.#list);
      this.#list = grown;
    }
    this.#list[this.#size - 1] = ref;
  }

  cursor(): PostingsCursor {
    return this.#bits === undefined ? postingsOfList(this.#list, 0, this.#size) : this.#bits.cursor();
  }

  /** Whether any of these references is in the set; they ascend. */
  hasAny(refs: Uint32Array, length: number): boolean {
    if (this.#bits !== undefined) return this.#bits.hasAny(refs, length);
    const cursor = this.cursor();
    for (let k = 0; k < length; k += 1) {
      const found = cursor.seek(refs[k]!);
      if (found < 0) return false;
      if (found === refs[k]) return true;
    }
    return false;
  }

  #turnToBits(): void {
    this.#bits = new RefBits(this.#range);
    for (let k = 0; k < this.#size - 1; k += 1) this.#bits.add(this.#list[k]!);
    this.#list = new Uint32Array();
  }
}

/** References that a block's series can have: [from, end). */
export interface RefRange {
  readonly from: number;
  readonly end: number;
}

class RefBits {
  readonly words: Uint32Array;
  readonly from: number;

  constructor({ from, end }: RefRange) {
    this.from = from;
    this.words = new Uint32Array(Math.ceil((end - from) / 32));
  }

  add(ref: number): void {
    const place = ref - this.from;
    this.words[place >>> 5]! |= 1 << (place & 31);
  }

  hasAny(refs: Uint32Array, length: number): boolean {
    for (let k = 0; k < length; k += 1) {
      const place = refs[k]! - this.from;
      if (place >= 0 && ((this.words[place >>> 5] ?? 0) & (1 << (place & 31))) !== 0) return true;
    }
    return false;
  }

  cursor(): PostingsCursor {
    return new BitsCursor(this);
  }
}

class BitsCursor implements PostingsCursor {
  readonly #words: Uint32Array;
  readonly #from: number;
  #current = -1;

  constructor({ words, from }: RefBits) {
    this.#words = words;
    this.#from = from;
  }

  next(): number {
    return this.#first(this.#current + 1);
  }

  seek(least: number): number {
    return this.#first(Math.max(least - this.#from, this.#current, 0));
  }

  #first(place: number): number {
    const words = this.#words;
    let word = place >>> 5;
    let rest = word < words.length ? words[word]! & (-1 << (place & 31)) : 0;
    while (rest === 0) {
      word += 1;
      if (word >= words.length) {
        this.#current = words.length * 32;
        return -1;
      }
      rest = words[word]!;
    }
    this.#current = word * 32 + 31 - Math.clz32(rest & -rest);
    return this.#current + this.#from;
  }
}
