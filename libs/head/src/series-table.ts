import { invariant } from '@gauntlet/base';
import { grown } from './grown.js';

/** The series of an index by id: ids are given in the order of refs, from 0 on, and kept when a series goes. */
export class SeriesTable {
  #count = 0;
  #refs = new Float64Array(0);
  #addresses = new Uint32Array(0);
  #shards = new Uint16Array(0);
  /** A bit for each id. */
  #dead = new Uint32Array(0);
  #deadCount = 0;

  get count(): number {
    return this.#count;
  }

  /** How many are gone. It changes with every removal. */
  get deadCount(): number {
    return this.#deadCount;
  }

  get bytes(): number {
    return this.#refs.length * 14 + this.#dead.length * 4;
  }

  /** Adds a series; its ref is larger than all others. */
  push(ref: number, shard: number, address: number): void {
    const id = this.#count;
    invariant(id === 0 || ref > this.#refs[id - 1]!, 'series come in the order of their refs');
    if (id === this.#refs.length) {
      this.#refs = grown(this.#refs);
      this.#addresses = grown(this.#addresses);
      this.#shards = grown(this.#shards);
    }
    if (id >>> 5 >= this.#dead.length) this.#dead = grown(this.#dead);
    this.#refs[id] = ref;
    this.#count += 1;
    this.place(id, shard, address);
  }

  /** Says where a series is. */
  place(id: number, shard: number, address: number): void {
    this.#addresses[id] = address;
    this.#shards[id] = shard;
  }

  ref(id: number): number {
    return this.#refs[id]!;
  }

  address(id: number): number {
    return this.#addresses[id]!;
  }

  shard(id: number): number {
    return this.#shards[id]!;
  }

  isAlive(id: number): boolean {
    return (this.#dead[id >>> 5]! & (1 << (id & 31))) === 0;
  }

  /** The series is gone; no effect for one that the table does not have. */
  remove(ref: number): void {
    const id = this.idOf(ref);
    if (id < 0 || !this.isAlive(id)) return;
    this.#dead[id >>> 5]! |= 1 << (id & 31);
    this.#deadCount += 1;
  }

  /** The id of a ref; -1 for none. Refs are dense, so that the first guess is often right. */
  idOf(ref: number): number {
    if (this.#count === 0) return -1;
    const last = this.#count - 1;
    let low = Math.max(0, last - (this.#refs[last]! - ref));
    let high = Math.min(last, ref - this.#refs[0]!);
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#refs[middle]!;
      if (found === ref) return middle;
      if (found < ref) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
