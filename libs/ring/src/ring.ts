import { invariant } from '@gauntlet/base';
import type { Endpoint } from './hashring-config.js';

/**
 * Places series on endpoints. The owners of a series, one for each replica and in that order, are a *tuple*; a ring has few
 * distinct ones, so they are numbered, and a request is grouped and judged by tuple instead of series by series.
 */
export interface Ring {
  /** The hashring's name in the file; not unique. */
  readonly name: string;
  /** In file order. */
  readonly endpoints: readonly Endpoint[];
  readonly replicationFactor: number;
  readonly tupleCount: number;
  /** `tupleOwners[tuple * replicationFactor + n]` is the index of the endpoint that holds replica n. */
  readonly tupleOwners: Uint16Array;
  /** The tuple of a series with that hash. */
  tupleOf(hashHi: number, hashLo: number): number;
  /**
   * Writes the tuples of rows `[firstRow, firstRow + rowCount)` to `out[0, rowCount)`. Allocates nothing per row.
   * @param rows the row table of a scanned request (`batch.ts` of the kernel library): 56 bytes each, routeHash at byte 8
   */
  placeRows(rows: Uint8Array, firstRow: number, rowCount: number, out: Uint32Array): void;
}

export const endpointsMax = 0xffff;
const rowBytes = 56;
const routeHashAt = 8;

/** `placeRows` in terms of `tupleOf`. */
export function placeRows(ring: Ring, rows: Uint8Array, firstRow: number, rowCount: number, out: Uint32Array): void {
  invariant(rowCount <= out.length, 'the output holds every row');
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let at = firstRow * rowBytes + routeHashAt;
  for (let row = 0; row < rowCount; row += 1, at += rowBytes) {
    out[row] = ring.tupleOf(view.getUint32(at + 4, true), view.getUint32(at, true));
  }
}

/** Numbers tuples in the order in which they appear: a hash table without objects, as a large ring has a tuple for nearly every point. */
export class TupleTable {
  readonly #replicationFactor: number;
  #owners: Uint16Array;
  /** Numbers of tuples plus one, each at its hash or the next free place after it; a power of two, at most half full. */
  #slots = new Uint32Array(64);
  #count = 0;

  constructor(replicationFactor: number) {
    this.#replicationFactor = replicationFactor;
    this.#owners = new Uint16Array(32 * replicationFactor);
  }

  intern(owners: readonly number[]): number {
    invariant(owners.length === this.#replicationFactor, 'a tuple has one owner for each replica');
    let slot = this.#slotOf(owners, 0);
    const known = this.#slots[slot] as number;
    if (known !== 0) return known - 1;
    if (this.#count * 2 === this.#slots.length) {
      this.#grow();
      slot = this.#slotOf(owners, 0);
    }
    this.#owners.set(owners, this.#count * owners.length);
    this.#count += 1;
    this.#slots[slot] = this.#count;
    return this.#count - 1;
  }

  get count(): number {
    return this.#count;
  }

  owners(): Uint16Array {
    return this.#owners.slice(0, this.#count * this.#replicationFactor);
  }

  /** Where the tuple is, or a free place for it. @param from the tuple's place in `owners` */
  #slotOf(owners: ArrayLike<number>, from: number): number {
    let hash = 0;
    for (let n = 0; n < this.#replicationFactor; n += 1)
      hash = Math.imul(hash ^ (owners[from + n] as number), 0x9e3779b1) ^ (hash >>> 15);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 16)) & mask;
    for (let tuple; (tuple = this.#slots[slot] as number) !== 0; slot = (slot + 1) & mask)
      if (this.#equals(tuple - 1, owners, from)) break;
    return slot;
  }

  #equals(tuple: number, owners: ArrayLike<number>, from: number): boolean {
    for (let n = 0; n < this.#replicationFactor; n += 1)
      if (this.#owners[tuple * this.#replicationFactor + n] !== owners[from + n]) return false;
    return true;
  }

  #grow(): void {
    const owners = this.#owners;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    this.#owners = new Uint16Array(owners.length * 2);
    this.#owners.set(owners);
    for (let tuple = 0; tuple < this.#count; tuple += 1)
      this.#slots[this.#slotOf(owners, tuple * this.#replicationFactor)] = tuple + 1;
  }
}
