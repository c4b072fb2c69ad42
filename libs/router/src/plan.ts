import { RowVerdict, rowBytes, rowField } from '@gauntlet/kernel';
import type { Ring } from '@gauntlet/ring';
import type { Holdings } from './write-tally.js';

/** Where the series of one tenant go. */
export interface Plan {
  /**
   * For each tuple of owners that occurs, the indexes of its rows in the scanned batch, in wire order. The series of a
   * tuple are stored or lost together. Valid until the planner's next call.
   */
  readonly tuples: readonly Uint32Array[];
  /** What the series of each tuple hold. */
  readonly holdings: readonly Holdings[];
  /** Indexes of the rows that are not sent, because an ingester would not see what is wrong with them; they are in no tuple. */
  readonly refused: readonly number[];
  /** One for each endpoint and replica that gets any series. */
  readonly batches: readonly PlannedBatch[];
}

export interface PlannedBatch {
  /** Index into the ring's endpoints. */
  readonly endpoint: number;
  /** From 0. */
  readonly replica: number;
  /** The tuples whose series go there, as indexes into the plan's. */
  readonly tuples: readonly number[];
}

/** Groups series by their owners. Keeps its working memory, so that a series costs no allocation. */
export class Planner {
  #tupleOfRow = new Uint32Array(0);
  #rows = new Uint32Array(0);
  /** For each tuple of a ring its number in the plan, or -1; all -1 between calls. */
  readonly #numbers = new WeakMap<Ring, Int32Array>();

  plan(ring: Ring, rows: Uint8Array, firstRow: number, rowCount: number): Plan {
    if (this.#tupleOfRow.length < rowCount) {
      this.#tupleOfRow = new Uint32Array(rowCount * 2);
      this.#rows = new Uint32Array(rowCount * 2);
    }
    ring.placeRows(rows, firstRow, rowCount, this.#tupleOfRow);
    const refused = this.#takeOutRefused(rows, firstRow, rowCount);
    let numbers = this.#numbers.get(ring);
    if (!numbers) this.#numbers.set(ring, (numbers = new Int32Array(ring.tupleCount).fill(-1)));
    const { used, rowCounts } = this.#countTuples(numbers, rowCount);
    const tuples = this.#sortRows(numbers, rowCounts, firstRow, rowCount);
    for (const tuple of used) numbers[tuple] = -1;
    return { tuples, refused, holdings: holdingsOf(tuples, rows), batches: batchesOf(ring, used) };
  }

  /** Labels are judged by ingesters, as behind a Thanos router; what remote write 2.0 refuses beside them is told from here. @returns indexes in the batch */
  #takeOutRefused(rows: Uint8Array, firstRow: number, rowCount: number): number[] {
    const refused: number[] = [];
    for (let row = 0, at = firstRow * rowBytes + rowField.verdict; row < rowCount; row += 1, at += rowBytes) {
      if ((rows[at] as number) <= RowVerdict.unsortedLabel) continue;
      this.#tupleOfRow[row] = noTuple;
      refused.push(firstRow + row);
    }
    return refused;
  }

  /** The tuples that occur, in the order of their numbers, and in how many rows each. */
  #countTuples(numbers: Int32Array, rowCount: number): { used: number[]; rowCounts: number[] } {
    const used: number[] = [];
    const rowCounts: number[] = [];
    for (let row = 0; row < rowCount; row += 1) {
      const tuple = this.#tupleOfRow[row] as number;
      if (tuple === noTuple) continue;
      const number = numbers[tuple] as number;
      if (number >= 0) {
        rowCounts[number] = (rowCounts[number] as number) + 1;
      } else {
        numbers[tuple] = used.length;
        used.push(tuple);
        rowCounts.push(1);
      }
    }
    return { used, rowCounts };
  }

  /** A counting sort, which keeps rows of one tuple in order: the same series may come twice. */
  #sortRows(numbers: Int32Array, rowCounts: readonly number[], firstRow: number, rowCount: number): Uint32Array[] {
    let end = 0;
    const tuples = rowCounts.map((count) => this.#rows.subarray(end, (end += count)));
    const cursors = new Uint32Array(rowCounts.length);
    for (let number = 1; number < cursors.length; number += 1) {
      cursors[number] = (cursors[number - 1] as number) + (rowCounts[number - 1] as number);
    }
    for (let row = 0; row < rowCount; row += 1) {
      const tuple = this.#tupleOfRow[row] as number;
      if (tuple === noTuple) continue;
      const number = numbers[tuple] as number;
      const at = cursors[number] as number;
      this.#rows[at] = firstRow + row;
      cursors[number] = at + 1;
    }
    return tuples;
  }
}

/** Larger than the number of any tuple. */
const noTuple = 0xffff_ffff;

function holdingsOf(tuples: readonly Uint32Array[], rows: Uint8Array): Holdings[] {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  return tuples.map((list) => {
    let samples = 0;
    let histograms = 0;
    let exemplars = 0;
    for (const row of list) {
      const at = row * rowBytes;
      samples += view.getUint32(at + rowField.sampleCount, true);
      histograms += view.getUint32(at + rowField.histogramCount, true);
      exemplars += view.getUint32(at + rowField.exemplarCount, true);
    }
    return { series: list.length, samples, histograms, exemplars };
  });
}

function batchesOf({ replicationFactor: rf, tupleOwners }: Ring, used: readonly number[]): PlannedBatch[] {
  // A batch is known by endpoint * rf + replica.
  const tuplesOf = new Map<number, number[]>();
  used.forEach((tuple, number) => {
    for (let replica = 0; replica < rf; replica += 1) {
      const batch = (tupleOwners[tuple * rf + replica] as number) * rf + replica;
      const tuples = tuplesOf.get(batch);
      if (tuples) tuples.push(number);
      else tuplesOf.set(batch, [number]);
    }
  });
  return Array.from(tuplesOf, ([batch, tuples]) => ({ endpoint: Math.floor(batch / rf), replica: batch % rf, tuples }));
}
