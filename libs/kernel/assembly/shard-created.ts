import { area, areaList, clearControl, control, kList, kListCount } from './shard-control';
import { allocate, endReservation, release, reserveBlock } from './shard-memory';
import { seriesCount, slotAt, tableMask } from './shard-table';

/**
 * Addresses of series in the order in which they came, since somebody has asked for them: blocks of 2,048 bytes
 *
 *    0  u32  next block; 0 for none
 *    4  u32  addresses in this one
 *    8  u32  addresses
 */
const blockBytes: u32 = 2048;
const blockEntries: u32 = (blockBytes - 8) / 4;

let isTracking: bool = false;
let first: u32 = 0;
let last: u32 = 0;

/** An append has created a series. */
// @ts-ignore: decorator
@inline
export function noteCreated(s: u32): void {
  if (isTracking) addCreated(s);
}

function addCreated(s: u32): void {
  if (last == 0 || load<u32>(last, 4) == blockEntries) {
    let block = allocate(blockBytes);
    store<u32>(block, 0);
    store<u32>(block, 0, 4);
    if (last == 0) first = block;
    else store<u32>(last, block);
    last = block;
  }
  let n = load<u32>(last, 4);
  store<u32>(<usize>last + 8 + (<usize>n << 2), s);
  store<u32>(last, n + 1, 4);
}

/** Lists all series there are, in no order, and begins to note those that come. */
export function trackCreated(): void {
  untrackCreated();
  isTracking = true;
  clearControl();
  endReservation();
  let to: usize = area(areaList, seriesCount * 4);
  store<u32>(control, <u32>to, kList);
  store<u32>(control, seriesCount, kListCount);
  for (let i: u32 = 0; i <= tableMask; i++) {
    let s = load<u32>(slotAt(i), 4);
    if (s == 0) continue;
    store<u32>(to, s);
    to += 4;
  }
}

/** Notes no more. */
export function untrackCreated(): void {
  isTracking = false;
  while (first != 0) dropFirst();
}

function dropFirst(): void {
  let block = first;
  first = load<u32>(block);
  if (first == 0) last = 0;
  release(block);
}

/** Lists the oldest of those that have come, some hundred at a time; none when all have been taken. */
export function takeCreated(): void {
  clearControl();
  if (first == 0) return;
  endReservation();
  let to: usize = area(areaList, blockBytes);
  let n = load<u32>(first, 4);
  memory.copy(to, <usize>first + 8, <usize>n << 2);
  store<u32>(control, <u32>to, kList);
  store<u32>(control, n, kListCount);
  dropFirst();
}

/** A block for whoever reads; 0 when there is no room. */
export function lend(bytes: u32): u32 {
  endReservation();
  return reserveBlock(bytes) ? allocate(bytes) : 0;
}

export function giveBack(block: u32): void {
  release(block);
}
