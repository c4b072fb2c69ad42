import {
  cCount, cData, cLength, cMaxTime, cMinTime, cNext, sBits, sCount, sLabels, sLabelsLength, sMaxTime, sMinTime, sOldest, sOpen, sRef,
} from './series-layout';
import { sortBegin, sortedArray, sortStep } from './series-sort';
import { area, areaList, clearControl, control, kList, kListCount } from './shard-control';
import { allocate, release } from './shard-memory';
import { hasSamples, oldestTime } from './shard-series';
import { slotAt, tableGeneration, tableMask, tableRoom } from './shard-table';
import { sealCount } from './xor';

/** The walk over series in label order: it begins by gathering the addresses of those with chunks in the range, then sorts them. */
const gathering: u32 = 0;
const sorting: u32 = 1;
const ready: u32 = 2;

let phase: u32 = 0;
let timeMin: i64 = 0;
let timeMax: i64 = 0;
let generation: u32 = 0;
let from: u32 = 0;
let into: u32 = 0;
let total: u32 = 0;
let index: u32 = 0;

function begin(): void {
  if (from != 0) release(from);
  if (into != 0) release(into);
  from = allocate(tableRoom() * 4);
  into = allocate(tableRoom() * 4);
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
    if (s == 0 || !hasSamples(s)) continue;
    if (load<i64>(s, sMaxTime) < timeMin || oldestTime(s) > timeMax) continue;
    store<u32>(at(from, total), s);
    total += 1;
  }
  if (index > tableMask) {
    phase = sorting;
    index = 0;
    sortBegin(from, into, total);
  }
}

/** Works for up to `steps` series; whether there is more to do. */
export function cursorStep(steps: u32): bool {
  if (phase == gathering) gather(steps);
  else if (phase == sorting && !sortStep(steps)) {
    phase = ready;
    if (sortedArray() != from) {
      into = from;
      from = sortedArray();
    }
  }
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
      putChunk(to, load<i64>(c, cMinTime), load<i64>(c, cMaxTime), c + <u32>cData, load<u32>(c, cLength), load<u16>(c, cCount));
      to += entryBytes;
    }
    if (load<u32>(s, sOpen) != 0 && load<i64>(s, sMaxTime) >= timeMin && load<i64>(s, sMinTime) <= timeMax) {
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
