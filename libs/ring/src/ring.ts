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

/** Numbers tuples in the order in which they appear. */
export class TupleTable {
  readonly #endpointCount: number;
  /** One map for each replica: the number of a tuple's beginning, times the endpoints, plus the next owner, to a number. */
  readonly #levels: readonly Map<number, number>[];
  readonly #owners: number[] = [];
  #count = 0;

  constructor(endpointCount: number, replicationFactor: number) {
    this.#endpointCount = endpointCount;
    this.#levels = Array.from({ length: replicationFactor }, () => new Map<number, number>());
  }

  intern(owners: readonly number[]): number {
    invariant(owners.length === this.#levels.length, 'a tuple has one owner for each replica');
    let id = 0;
    owners.forEach((owner, n) => {
      const level = this.#levels[n] as Map<number, number>;
      const key = id * this.#endpointCount + owner;
      const known = level.get(key);
      id = known ?? level.size;
      if (known === undefined) level.set(key, id);
    });
    if (id === this.#count) {
      this.#owners.push(...owners);
      this.#count += 1;
    }
    return id;
  }

  get count(): number {
    return this.#count;
  }

  owners(): Uint16Array {
    return Uint16Array.from(this.#owners);
  }
}
