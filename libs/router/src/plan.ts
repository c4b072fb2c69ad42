import type { Ring } from '@gauntlet/ring';

/** Where the series of one tenant go. Indexes of rows are those of the scanned batch. */
export interface Plan {
  /** One for each endpoint and replica that gets any series. */
  readonly batches: readonly PlannedBatch[];
  /** Distinct tuples of owners: the series of one are stored or lost together. */
  readonly tupleCount: number;
}

export interface PlannedBatch {
  /** Index into the ring's endpoints. */
  readonly endpoint: number;
  /** From 0. */
  readonly replica: number;
  /** Valid until the planner's next call. */
  readonly rows: Uint32Array;
  /** The tuples, from 0 to `tupleCount`, whose series are in the batch. */
  readonly tuples: readonly number[];
}

/** Groups series by endpoint and replica. Keeps its working memory, so that a series costs no allocation. */
export class Planner {
  #tupleOfRow = new Uint32Array(0);
  #rows = new Uint32Array(0);
  /** For each tuple of a ring its number in the plan, or -1; all -1 between calls. */
  readonly #numbers = new WeakMap<Ring, Int32Array>();

  plan(ring: Ring, rows: Uint8Array, firstRow: number, rowCount: number): Plan {
    const { replicationFactor: rf, tupleOwners } = ring;
    if (this.#tupleOfRow.length < rowCount) this.#tupleOfRow = new Uint32Array(rowCount * 2);
    if (this.#rows.length < rowCount * rf) this.#rows = new Uint32Array(rowCount * rf * 2);
    const tupleOfRow = this.#tupleOfRow;
    ring.placeRows(rows, firstRow, rowCount, tupleOfRow);

    const { used, rowCounts } = this.#countTuples(ring, rowCount);
    // A batch is known by endpoint * rf + replica.
    const ends = new Uint32Array(ring.endpoints.length * rf);
    const tuplesOf = new Map<number, number[]>();
    used.forEach((tuple, number) => {
      for (let n = 0; n < rf; n += 1) {
        const batch = (tupleOwners[tuple * rf + n] as number) * rf + n;
        ends[batch] = (ends[batch] as number) + (rowCounts[number] as number);
        const tuples = tuplesOf.get(batch);
        if (tuples) tuples.push(number);
        else tuplesOf.set(batch, [number]);
      }
    });
    for (let batch = 0, at = 0; batch < ends.length; batch += 1) {
      const size = ends[batch] as number;
      ends[batch] = at;
      at += size;
    }
    const starts = ends.slice();
    for (let row = 0; row < rowCount; row += 1) {
      const owners = (tupleOfRow[row] as number) * rf;
      for (let n = 0; n < rf; n += 1) {
        const batch = (tupleOwners[owners + n] as number) * rf + n;
        const at = ends[batch] as number;
        this.#rows[at] = firstRow + row;
        ends[batch] = at + 1;
      }
    }
    const batches = Array.from(tuplesOf, ([batch, tuples]) => ({
      endpoint: Math.floor(batch / rf),
      replica: batch % rf,
      rows: this.#rows.subarray(starts[batch], ends[batch]),
      tuples,
    }));
    return { batches, tupleCount: used.length };
  }

  /** The tuples that occur, and in how many rows each. */
  #countTuples(ring: Ring, rowCount: number): { used: number[]; rowCounts: number[] } {
    let numbers = this.#numbers.get(ring);
    if (!numbers) this.#numbers.set(ring, (numbers = new Int32Array(ring.tupleCount).fill(-1)));
    const used: number[] = [];
    const rowCounts: number[] = [];
    for (let row = 0; row < rowCount; row += 1) {
      const tuple = this.#tupleOfRow[row] as number;
      const number = numbers[tuple] as number;
      if (number >= 0) {
        rowCounts[number] = (rowCounts[number] as number) + 1;
      } else {
        numbers[tuple] = used.length;
        used.push(tuple);
        rowCounts.push(1);
      }
    }
    for (const tuple of used) numbers[tuple] = -1;
    return { used, rowCounts };
  }
}
