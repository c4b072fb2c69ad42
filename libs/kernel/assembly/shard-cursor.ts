import { area, areaList, clearControl, control, kList, kListCount } from './shard-control';
import { allocate, release } from './shard-memory';
import {
  cCount, cData, cLength, cMaxTime, cMinTime, cNext, oldestTime, sBits, sCount, sLabels, sLabelsLength, sMaxTime, sMinTime, sOldest, sOpen,
  sRef,
} from './shard-series';
import { slotAt, tableGeneration, tableMask, tableRoom } from './shard-table';
import { readEnd, readVarint } from './shard-wal';
import { sealCount } from './xor';

/**
 * The walk over series in label order. It begins by gathering the addresses of those with chunks in the range, then sorts them: runs
 * of 16 by insertion, then merges from one array into the other, an element a step, so that the work can stop anywhere.
 */
const gathering: u32 = 0;
const inserting: u32 = 1;
const merging: u32 = 2;
const ready: u32 = 3;
const runLength: u32 = 16;

let phase: u32 = 0;
let timeMin: i64 = 0;
let timeMax: i64 = 0;
let generation: u32 = 0;
let capacity: u32 = 0;
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

function begin(): void {
  if (from != 0) release(from);
  if (into != 0) release(into);
  capacity = tableRoom();
  from = allocate(capacity * 4);
  into = allocate(capacity * 4);
  generation = tableGeneration;
  phase = gathering;
  index = 0;
  total = 0;
}

export function cursorOpen(min: i64, max: i64): void {
  timeMin = min;
  timeMax = max;
  begin();
}

export function cursorClose(): void {
  if (from != 0) release(from);
  if (into != 0) release(into);
  from = 0;
  into = 0;
  total = 0;
}

export function cursorTotal(): u32 {
  return total;
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
      if (order != 0) return order;
      aLabel += x;
      bLabel += y;
    }
    a = aLabel;
    b = bLabel;
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

function gather(steps: u32): void {
  if (generation != tableGeneration) begin();
  while (steps > 0 && index <= tableMask) {
    steps -= 1;
    let s = load<u32>(slotAt(index), 4);
    index += 1;
    if (s == 0 || load<u32>(s, sOpen) == 0) continue;
    if (load<i64>(s, sMaxTime) < timeMin || oldestTime(s) > timeMax) continue;
    store<u32>(at(from, total), s);
    total += 1;
  }
  if (index > tableMask) {
    phase = inserting;
    index = 0;
  }
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

/** Works for up to `steps` series; whether there is more to do. */
export function cursorStep(steps: u32): bool {
  if (phase == gathering) gather(steps);
  else if (phase == inserting) insertRuns(steps);
  else if (phase == merging) merge(steps);
  return phase != ready;
}

const entryBytes: u32 = 24;

function putChunk(to: usize, low: i64, high: i64, data: u32, length: u32, count: u32): void {
  store<i64>(to, low);
  store<i64>(to, high, 8);
  store<u32>(to, data, 16);
  store<u16>(to, <u16>length, 20);
  store<u16>(to, <u16>count, 22);
}

/**
 * Moves to the next series that has chunks in the range; false at the end. The list then describes it: u64 ref, u32 address and u32 length of the labels,
 * and for each chunk i64 min time, i64 max time, u32 address, u16 length, u16 samples.
 */
export function cursorNext(): bool {
  clearControl();
  while (index < total) {
    let s = load<u32>(at(from, index));
    index += 1;
    let chunks: u32 = 1;
    for (let c = load<u32>(s, sOldest); c != 0; c = load<u32>(c, cNext)) {
      if (load<i64>(c, cMaxTime) >= timeMin && load<i64>(c, cMinTime) <= timeMax) chunks += 1;
    }
    let list: usize = area(areaList, 16 + chunks * entryBytes);
    let to = list + 16;
    for (let c = load<u32>(s, sOldest); c != 0; c = load<u32>(c, cNext)) {
      if (load<i64>(c, cMaxTime) < timeMin || load<i64>(c, cMinTime) > timeMax) continue;
      putChunk(to, load<i64>(c, cMinTime), load<i64>(c, cMaxTime), c + <u32>cData, load<u16>(c, cLength), load<u16>(c, cCount));
      to += entryBytes;
    }
    if (load<i64>(s, sMaxTime) >= timeMin && load<i64>(s, sMinTime) <= timeMax) {
      sealCount(s);
      let length = (<u32>load<u16>(s, sBits) + 7) >> 3;
      putChunk(to, load<i64>(s, sMinTime), load<i64>(s, sMaxTime), load<u32>(s, sOpen), length, load<u16>(s, sCount));
      to += entryBytes;
    }
    chunks = <u32>(to - list - 16) / entryBytes;
    if (chunks == 0) continue;
    store<u64>(list, load<u64>(s, sRef));
    store<u32>(list, s + <u32>sLabels, 8);
    store<u32>(list, load<u32>(s, sLabelsLength), 12);
    store<u32>(control, <u32>list, kList);
    store<u32>(control, chunks, kListCount);
    return true;
  }
  return false;
}

/** Describes once more, as it is now, the series that cursorNext has moved to. */
export function cursorAgain(): bool {
  index -= 1;
  return cursorNext();
}
