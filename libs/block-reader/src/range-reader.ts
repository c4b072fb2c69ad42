import type { ByteSource } from '@gauntlet/block';

/** What lies between two things that are wanted is read along if it is not longer. */
export const gapBytesMax = 8 * 1024;

/** Pieces of a file around the places that are wanted, read together where they are near each other. */
export class RangeReader {
  /** Ascending, apart from each other. */
  #froms: number[] = [];
  #pieces: Uint8Array[] = [];
  #last = 0;

  /**
   * Reads `[from, to)` of each place; what lay here before is gone.
   * @param order ascending by `from`
   */
  async read(
    source: ByteSource,
    order: Uint32Array,
    count: number,
    placeOf: (index: number) => number,
    lengthOf: (index: number) => number,
  ): Promise<void> {
    this.clear();
    const reads: Promise<Uint8Array>[] = [];
    const froms: number[] = [];
    for (let k = 0; k < count;) {
      const from = placeOf(order[k]!);
      let to = from;
      for (; k < count; k += 1) {
        const place = placeOf(order[k]!);
        if (place > to + gapBytesMax) break;
        to = Math.max(to, place + lengthOf(order[k]!));
      }
      froms.push(from);
      reads.push(source.read(from, Math.min(to, source.size) - from));
    }
    this.#pieces = await Promise.all(reads);
    this.#froms = froms;
  }

  clear(): void {
    this.#froms = [];
    this.#pieces = [];
    this.#last = 0;
  }

  /** The index of the piece that holds a place, which is one of those that were wanted. */
  pieceOf(place: number): number {
    const froms = this.#froms;
    // Most look for one place after another.
    const last = this.#last;
    if (froms[last]! <= place && (last + 1 === froms.length || froms[last + 1]! > place)) return last;
    let from = 0;
    let to = froms.length;
    while (from + 1 < to) {
      const middle = (from + to) >>> 1;
      if (froms[middle]! <= place) from = middle;
      else to = middle;
    }
    this.#last = from;
    return from;
  }

  bytes(piece: number): Uint8Array {
    return this.#pieces[piece]!;
  }

  offset(piece: number): number {
    return this.#froms[piece]!;
  }
}
