import { grownBytes, grownUint32 } from './growing.js';
import type { Pace } from './pace.js';

/** Below this a group of strings is sorted by insertion. */
const insertionSortMax = 16;

/**
 * Byte strings, each kept once: equal strings get one id, counted up from 0. Open addressing over typed arrays and one slab
 * of bytes: a million symbols are a handful of objects.
 */
export class SymbolTable {
  #slab: Uint8Array = new Uint8Array(1 << 16);
  /** Symbol `id` is the slab from starts[id] to starts[id + 1]. */
  #starts = new Uint32Array(1 << 10);
  #hashes = new Uint32Array(1 << 10);
  /** Id + 1, or 0 for an empty slot. A power of two, at most half full. */
  #slots = new Uint32Array(1 << 11);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The id of `bytes` from `from` to `to`, which are copied when they are new. */
  intern(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashOf(bytes, from, to);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let id = this.#slots[slot]!; id !== 0; id = this.#slots[slot]!) {
      if (this.#hashes[id - 1] === hash && this.isEqual(id - 1, bytes, from, to)) return id - 1;
      slot = (slot + 1) & mask;
    }
    return this.#add(bytes, from, to, hash, slot);
  }

  isEqual(id: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[id]!;
    const length = to - from;
    if (this.#starts[id + 1]! - start !== length) return false;
    const slab = this.#slab;
    for (let at = 0; at < length; at += 1) if (slab[start + at] !== bytes[from + at]) return false;
    return true;
  }

  lengthOf(id: number): number {
    return this.#starts[id + 1]! - this.#starts[id]!;
  }

  /** Copies the symbol to `at`; returns the position behind it. */
  copy(id: number, into: Uint8Array, at: number): number {
    const start = this.#starts[id]!;
    const end = this.#starts[id + 1]!;
    const slab = this.#slab;
    // Shorter than what a call to `set` with a view costs.
    if (end - start <= 48) {
      for (let from = start; from < end; from += 1) into[at++] = slab[from]!;
      return at;
    }
    into.set(slab.subarray(start, end), at);
    return at + end - start;
  }

  /** All ids, ordered by their bytes. Radix sort from the first byte on: the label values of a cluster share long prefixes. */
  async sortedIds(pace: Pace): Promise<Uint32Array> {
    const ids = new Uint32Array(this.#size);
    for (let id = 0; id < ids.length; id += 1) ids[id] = id;
    const scratch = new Uint32Array(ids.length);
    const starts = this.#starts;
    const slab = this.#slab;
    /** Bucket 0 is for strings that end here: they come first. */
    const counts = new Uint32Array(257);
    const groups = [0, ids.length, 0];
    while (groups.length > 0) {
      const depth = groups.pop()!;
      const to = groups.pop()!;
      const from = groups.pop()!;
      if (to - from <= insertionSortMax) {
        this.#insertionSort(ids, from, to, depth);
        if (pace.isDue(4 * (to - from))) await pace.rest();
        continue;
      }
      counts.fill(0);
      for (let index = from; index < to; index += 1) {
        const at = starts[ids[index]!]! + depth;
        counts[at === starts[ids[index]! + 1]! ? 0 : slab[at]! + 1]! += 1;
        if (pace.isDue(1)) await pace.rest();
      }
      if (counts.indexOf(to - from) > 0) {
        groups.push(from, to, depth + 1); // One bucket holds them all: nothing to move.
        continue;
      }
      let end = from;
      for (let bucket = 0; bucket < 257; bucket += 1) {
        const count = counts[bucket]!;
        if (bucket > 0 && count > 1) groups.push(end, end + count, depth + 1);
        counts[bucket] = end;
        end += count;
      }
      for (let index = from; index < to; index += 1) {
        const id = ids[index]!;
        const at = starts[id]! + depth;
        const bucket = at === starts[id + 1]! ? 0 : slab[at]! + 1;
        scratch[counts[bucket]!] = id;
        counts[bucket]! += 1;
        if (pace.isDue(1)) await pace.rest();
      }
      ids.set(scratch.subarray(from, to), from);
    }
    return ids;
  }

  #insertionSort(ids: Uint32Array, from: number, to: number, depth: number): void {
    for (let index = from + 1; index < to; index += 1) {
      const id = ids[index]!;
      let at = index;
      for (; at > from && this.#isLess(id, ids[at - 1]!, depth); at -= 1) ids[at] = ids[at - 1]!;
      ids[at] = id;
    }
  }

  #isLess(a: number, b: number, depth: number): boolean {
    const slab = this.#slab;
    const endA = this.#starts[a + 1]!;
    const endB = this.#starts[b + 1]!;
    let atA = this.#starts[a]! + depth;
    let atB = this.#starts[b]! + depth;
    for (; atA < endA && atB < endB; atA += 1, atB += 1) {
      if (slab[atA] !== slab[atB]) return slab[atA]! < slab[atB]!;
    }
    return endA - atA < endB - atB;
  }

  #add(bytes: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const id = this.#size;
    const start = this.#starts[id]!;
    const end = start + to - from;
    if (end > this.#slab.length) this.#slab = grownBytes(this.#slab, end);
    if (id + 2 > this.#starts.length) this.#starts = grownUint32(this.#starts, id + 2);
    if (id + 1 > this.#hashes.length) this.#hashes = grownUint32(this.#hashes, id + 1);
    const slab = this.#slab;
    for (let at = start, source = from; at < end; at += 1, source += 1) slab[at] = bytes[source]!;
    this.#starts[id + 1] = end;
    this.#hashes[id] = hash;
    this.#slots[slot] = id + 1;
    this.#size = id + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#size; id += 1) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

/** Four bytes a step, with a final mix: its low bits pick the slot. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < to; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
