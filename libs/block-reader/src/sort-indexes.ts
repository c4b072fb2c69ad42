import type { Pace } from '@gauntlet/select';

const runLength = 16;
const stepsPerLook = 256;

/** Sorts numbers by a comparison of theirs, in slices: insertion within runs of 16, then merges. */
export async function sortIndexes(
  indexes: Uint32Array,
  compare: (a: number, b: number) => number,
  pace: Pace,
): Promise<Uint32Array> {
  let from = indexes;
  let to = new Uint32Array(indexes.length) as Uint32Array;
  for (let start = 0; start < from.length; start += runLength) {
    insertionSort(from, start, Math.min(start + runLength, from.length), compare);
    if (pace.isDue) await pace.rest();
  }
  for (let width = runLength; width < from.length; width *= 2) {
    let steps = 0;
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at += 1) {
        const isLeft = left < middle && (right >= end || compare(from[left]!, from[right]!) <= 0);
        to[at] = isLeft ? from[left++]! : from[right++]!;
        steps += 1;
        if (steps % stepsPerLook === 0 && pace.isDue) await pace.rest();
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

function insertionSort(
  indexes: Uint32Array,
  from: number,
  to: number,
  compare: (a: number, b: number) => number,
): void {
  for (let next = from + 1; next < to; next += 1) {
    const index = indexes[next]!;
    let at = next;
    for (; at > from && compare(index, indexes[at - 1]!) < 0; at -= 1) indexes[at] = indexes[at - 1]!;
    indexes[at] = index;
  }
}
