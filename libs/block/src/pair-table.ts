import { grownUint32 } from './growing.js';
import type { Pace } from './pace.js';

/** Label pairs of symbol ids, each kept once with the number of series that carry it. */
export class PairTable {
  #names = new Uint32Array(1 << 10);
  #values = new Uint32Array(1 << 10);
  #counts = new Uint32Array(1 << 10);
  /** Id + 1, or 0 for an empty slot. A power of two, at most half full. */
  #slots = new Uint32Array(1 << 11);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The id of a pair. */
  intern(name: number, value: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(name, value) & mask;
    for (let id = this.#slots[slot]!; id !== 0; id = this.#slots[slot]!) {
      if (this.#values[id - 1] === value && this.#names[id - 1] === name) return id - 1;
      slot = (slot + 1) & mask;
    }
    return this.#add(name, value, slot);
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

  /** All ids ordered by (name, value), given the order of the symbols: two stable counting sorts, by value and then by name. */
  async sortedIds(ordinals: Uint32Array, pace: Pace): Promise<Uint32Array> {
    let ids = new Uint32Array(this.#size);
    for (let id = 0; id < ids.length; id += 1) ids[id] = id;
    for (const column of [this.#values, this.#names]) {
      const starts = new Uint32Array(ordinals.length + 1);
      for (let id = 0; id < ids.length; id += 1) {
        starts[ordinals[column[id]!]! + 1]! += 1;
        if (pace.isDue(1)) await pace.rest();
      }
      for (let ordinal = 1; ordinal < starts.length; ordinal += 1) starts[ordinal]! += starts[ordinal - 1]!;
      const sorted = new Uint32Array(ids.length);
      for (const id of ids) {
        const ordinal = ordinals[column[id]!]!;
        sorted[starts[ordinal]!] = id;
        starts[ordinal]! += 1;
        if (pace.isDue(1)) await pace.rest();
      }
      ids = sorted;
    }
    return ids;
  }

  #add(name: number, value: number, slot: number): number {
    const id = this.#size;
    if (id === this.#names.length) {
      this.#names = grownUint32(this.#names, id + 1);
      this.#values = grownUint32(this.#values, id + 1);
      this.#counts = grownUint32(this.#counts, id + 1);
    }
    this.#names[id] = name;
    this.#values[id] = value;
    this.#slots[slot] = id + 1;
    this.#size = id + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#size; id += 1) {
      let slot = hashOf(this.#names[id]!, this.#values[id]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

function hashOf(name: number, value: number): number {
  let hash = Math.imul(value, 0x9e3779b1) ^ Math.imul(name, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return hash ^ (hash >>> 13);
}
