import { sLabels, sLabelsLength } from './series-layout';
import { readEnd, readVarint } from './shard-wal';

/**
 * Sorts an array of series addresses by labels: runs of 16 by insertion, then merges from one array into the other, an element a step, so that the
 * work can stop anywhere. It reads series and writes the two arrays; it has no static data, so that a second instance can run over a shard's memory.
 */
const inserting: u32 = 1;
const merging: u32 = 2;
const ready: u32 = 3;
const runLength: u32 = 16;

let phase: u32 = ready;
let from: u32 = 0;
let into: u32 = 0;
let total: u32 = 0;
let index: u32 = 0;
let width: u32 = 0;
let left: u32 = 0;
let right: u32 = 0;
let middle: u32 = 0;
let end: u32 = 0;
let out: u32 = 0;

/**
 * What lies between the labels of a series and those by which it is sorted; 0 when nothing does. Names of labels that are taken out, and the last of those that
 * are laid over all series alike (libs/select/src/overlay.ts says why no other matters):
 *
 *    u32  length of the last name laid over; 0 for none
 *    u32  names taken out, which have all that are laid over among them
 *    u32  their lengths, one each
 *         the bytes of that name, then those of the others
 */
let overlay: u32 = 0;

/** Sorts by final labels from now on. */
export function sortOverlay(at: u32): void {
  overlay = at;
}

function isHidden(name: usize, length: u32): bool {
  let count = load<u32>(overlay, 4);
  let lengths = <usize>overlay + 8;
  let text = lengths + (<usize>count << 2) + load<u32>(overlay);
  for (let i: u32 = 0; i < count; i++) {
    let n = load<u32>(lengths + (<usize>i << 2));
    if (n == length && memory.compare(text, name, n) == 0) return true;
    text += n;
  }
  return false;
}

/** The first label at or behind `at` that is not hidden. */
function skipHidden(at: usize, end: usize): usize {
  while (at < end) {
    let length = <usize>readVarint(at + 1, end);
    let label = readEnd;
    let nameLength = <u32>readVarint(label + 1, end);
    if (!isHidden(readEnd, nameLength)) return at;
    at = label + length;
  }
  return at;
}

/** Compares one that has ended with one that goes on with a label: whether something laid over comes behind that. */
function compareEnded(label: usize, end: usize): i32 {
  readVarint(label + 1, end);
  let nameLength = <u32>readVarint(readEnd + 1, end);
  let last = <usize>overlay + 8 + (<usize>load<u32>(overlay, 4) << 2);
  return compareBytes(last, load<u32>(overlay), readEnd, nameLength) > 0 ? 1 : -1;
}

export function sortBegin(array: u32, other: u32, count: u32): void {
  from = array;
  into = other;
  total = count;
  index = 0;
  phase = inserting;
}

/** Works for up to `steps` series; whether there is more to do. */
export function sortStep(steps: u32): bool {
  if (phase == inserting) insertRuns(steps);
  else if (phase == merging) merge(steps);
  return phase != ready;
}

/** Which of the two arrays is sorted. */
export function sortedArray(): u32 {
  return from;
}

/** Compares two byte strings, a prefix first. */
function compareBytes(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  let n = min(aLength, bLength);
  let i: u32 = 0;
  while (i + 8 <= n) {
    let x = load<u64>(a + i);
    let y = load<u64>(b + i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
    i += 8;
  }
  while (i < n) {
    let x = load<u8>(a + i);
    let y = load<u8>(b + i);
    if (x != y) return x < y ? -1 : 1;
    i += 1;
  }
  return aLength < bLength ? -1 : aLength > bLength ? 1 : 0;
}

/** Compares labels in canonical form: name by name and value by value, fewer labels first where one begins the other. */
function compareLabels(a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  while (a < aEnd && b < bEnd) {
    let aLength = <u32>readVarint(a + 1, aEnd);
    let aLabel = readEnd;
    let bLength = <u32>readVarint(b + 1, bEnd);
    let bLabel = readEnd;
    if (aLength == bLength && aLength >= 1) {
      // Most labels are equal as a whole.
      let i: u32 = 0;
      while (i + 16 <= aLength && !v128.any_true(v128.xor(v128.load(aLabel + i), v128.load(bLabel + i)))) i += 16;
      if (i + 16 > aLength) {
        while (i < aLength && load<u8>(aLabel + i) == load<u8>(bLabel + i)) i += 1;
        if (i == aLength) {
          a = aLabel + aLength;
          b = bLabel + bLength;
          continue;
        }
      }
    }
    for (let part = 0; part < 2; part++) {
      let x = <u32>readVarint(aLabel + 1, aEnd);
      aLabel = readEnd;
      let y = <u32>readVarint(bLabel + 1, bEnd);
      bLabel = readEnd;
      let order = compareBytes(aLabel, x, bLabel, y);
      if (order != 0) {
        if (overlay == 0) return order;
        let nextA = skipHidden(a, aEnd);
        let nextB = skipHidden(b, bEnd);
        if (nextA == a && nextB == b) return order;
        aLabel = nextA;
        bLabel = nextB;
        break;
      }
      aLabel += x;
      bLabel += y;
    }
    a = aLabel;
    b = bLabel;
  }
  if (overlay != 0) {
    a = skipHidden(a, aEnd);
    b = skipHidden(b, bEnd);
    if (a < aEnd) return -compareEnded(a, aEnd);
    if (b < bEnd) return compareEnded(b, bEnd);
  }
  return a < aEnd ? 1 : b < bEnd ? -1 : 0;
}

// @ts-ignore: decorator
@inline
function compareSeries(a: u32, b: u32): i32 {
  let x = <usize>a + sLabels;
  let y = <usize>b + sLabels;
  return compareLabels(x, x + load<u32>(a, sLabelsLength), y, y + load<u32>(b, sLabelsLength));
}

// @ts-ignore: decorator
@inline
function at(array: u32, i: u32): usize {
  return <usize>array + (<usize>i << 2);
}

function insertRuns(steps: u32): void {
  while (index < total && steps >= runLength) {
    steps -= runLength;
    let stop = min(index + runLength, total);
    for (let i = index + 1; i < stop; i++) {
      let s = load<u32>(at(from, i));
      let j = i;
      while (j > index) {
        let before = load<u32>(at(from, j - 1));
        if (compareSeries(before, s) <= 0) break;
        store<u32>(at(from, j), before);
        j -= 1;
      }
      store<u32>(at(from, j), s);
    }
    index = stop;
  }
  if (index >= total) {
    width = runLength;
    beginPass();
  }
}

function beginPass(): void {
  if (width >= total) {
    phase = ready;
    index = 0;
    return;
  }
  phase = merging;
  beginMerge(0);
}

function beginMerge(start: u32): void {
  left = start;
  middle = min(start + width, total);
  right = middle;
  end = min(middle + width, total);
  out = start;
}

function merge(steps: u32): void {
  while (steps > 0) {
    if (left < middle && (right >= end || compareSeries(load<u32>(at(from, left)), load<u32>(at(from, right))) <= 0)) {
      store<u32>(at(into, out), load<u32>(at(from, left)));
      left += 1;
    } else {
      store<u32>(at(into, out), load<u32>(at(from, right)));
      right += 1;
    }
    out += 1;
    steps -= 1;
    if (out < end) continue;
    if (end < total) {
      beginMerge(end);
      continue;
    }
    let swap = from;
    from = into;
    into = swap;
    width <<= 1;
    beginPass();
    return;
  }
}
