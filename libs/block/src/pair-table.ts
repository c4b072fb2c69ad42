import { grownUint32 } from './growing.js';
import type { Pace } from './pace.js';

/** Pairs of a value beyond so many are found by hash: `1` may be the value of thousands of labels. */
const walkMax = 8;
const none = 0;

/**
 * Label pairs of symbol ids, each kept once with the number of series that carry it. Nearly every value belongs to one name: the
 * pairs of a value form a list that begins at the value, which takes no hashing, and lies close together for values that repeat.
 */
export class PairTable {
  #names = new Uint32Array(1 << 10);
  #values = new Uint32Array(1 << 10);
  #counts = new Uint32Array(1 << 10);
  /** Id + 1 of the next pair of the same value. */
  #nexts = new Uint32Array(1 << 10);
  /** By value: id + 1 of its first pair. */
  #firsts = new Uint32Array(1 << 10);
  /** The pairs that do not come among the first of their value. Id + 1, or 0 for an empty slot. A power of two, at most half full. */
  #slots = new Uint32Array(1 << 6);
  #hashed = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The id of a pair. */
  intern(name: number, value: number): number {
    if (value >= this.#firsts.length) this.#firsts = grownUint32(this.#firsts, value + 1);
    let last = none;
    let walked = 0;
    for (let id = this.#firsts[value]!; id !== none; id = this.#nexts[id - 1]!) {
      if (this.#names[id - 1] === name) return id - 1;
      last = id;
      walked += 1;
      if (walked === walkMax) return this.#internHashed(name, value, last);
    }
    const added = this.#add(name, value);
    if (last === none) this.#firsts[value] = added + 1;
    else this.#nexts[last - 1] = added + 1;
    return added;
  }

  /** One more series carries it. */
  count(id: number): void {
    this.#counts[id]! += 1;
  }

  nameOf(id: number): number {
    return this.#names[id]!;
  }

  valueOf(id: number): number {
    return this.#values[id]!;
  }

  countOf(id: number): number {
    return this.#counts[id]!;
  }

  /**
   * All ids ordered by (name, value): gathered by value, and then one stable counting sort by name.
   * @param order symbols in the order of their bytes
   * @param ordinals the place of each symbol in it
   */
  async sortedIds(order: Uint32Array, ordinals: Uint32Array, pace: Pace): Promise<Uint32Array> {
    const byValue = new Uint32Array(this.#size);
    let gathered = 0;
    for (const value of order) {
      if (value >= this.#firsts.length) continue;
      for (let id = this.#firsts[value]!; id !== none; id = this.#nexts[id - 1]!) byValue[gathered++] = id - 1;
      if (pace.isDue(1)) await pace.rest();
    }
    const starts = new Uint32Array(ordinals.length + 1);
    for (let id = 0; id < this.#size; id += 1) {
      starts[ordinals[this.#names[id]!]! + 1]! += 1;
      if (pace.isDue(1)) await pace.rest();
    }
    for (let ordinal = 1; ordinal < starts.length; ordinal += 1) starts[ordinal]! += starts[ordinal - 1]!;
    const sorted = new Uint32Array(this.#size);
    for (const id of byValue) {
      const ordinal = ordinals[this.#names[id]!]!;
      sorted[starts[ordinal]!] = id;
      starts[ordinal]! += 1;
      if (pace.isDue(1)) await pace.rest();
    }
    return sorted;
  }

  /** @param last id + 1 of the last pair of this value that was walked over; it may have more behind it */
  #internHashed(name: number, value: number, last: number): number {
    let mask = this.#slots.length - 1;
    let slot = hashOf(name, value) & mask;
    for (let id = this.#slots[slot]!; id !== none; id = this.#slots[slot]!) {
      if (this.#values[id - 1] === value && this.#names[id - 1] === name) return id - 1;
      slot = (slot + 1) & mask;
    }
    const added = this.#add(name, value);
    this.#nexts[added] = this.#nexts[last - 1]!;
    this.#nexts[last - 1] = added + 1;
    this.#hashed += 1;
    this.#slots[slot] = added + 1;
    if (this.#hashed * 2 <= this.#slots.length) return added;

    const slots = new Uint32Array(this.#slots.length * 2);
    mask = slots.length - 1;
    for (const id of this.#slots) {
      if (id === none) continue;
      slot = hashOf(this.#names[id - 1]!, this.#values[id - 1]!) & mask;
      while (slots[slot] !== none) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
    return added;
  }

  #add(name: number, value: number): number {
    const id = this.#size;
    if (id === this.#names.length) {
      this.#names = grownUint32(this.#names, id + 1);
      this.#values = grownUint32(this.#values, id + 1);
      this.#counts = grownUint32(this.#counts, id + 1);
      this.#nexts = grownUint32(this.#nexts, id + 1);
    }
    this.#names[id] = name;
    this.#values[id] = value;
    this.#size = id + 1;
    return id;
  }
}

function hashOf(name: number, value: number): number {
  let hash = Math.imul(value, 0x9e3779b1) ^ Math.imul(name, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return hash ^ (hash >>> 13);
}
