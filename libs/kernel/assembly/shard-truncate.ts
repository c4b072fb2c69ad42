import { area, areaList, clearControl, control, kList, kListCount, kOldest } from './shard-control';
import { release } from './shard-memory';
import {
  addChunks,
  cMaxTime,
  cNext,
  dropChunks,
  oldestTime,
  sChunks,
  sMaxTime,
  sNewest,
  sOldest,
  sOpen,
  sRef,
} from './shard-series';
import { removeAt, slotAt, tableGeneration, tableMask } from './shard-table';

let active: bool = false;
let minTime: i64 = 0;
let index: u32 = 0;
let generation: u32 = 0;
let oldest: i64 = i64.MAX_VALUE;

/** A series created while a truncation runs may land in slots already passed. */
export function noteCreated(t: i64): void {
  if (active && t < oldest) oldest = t;
}

export function truncateBegin(t: i64): void {
  active = true;
  minTime = t;
  index = 0;
  generation = tableGeneration;
  oldest = i64.MAX_VALUE;
}

/** Drops what ends before minTime; whether the series has any chunk left. */
function trim(s: u32): bool {
  if (load<u32>(s, sOpen) == 0 || load<i64>(s, sMaxTime) < minTime) {
    dropChunks(s);
    return false;
  }
  let c = load<u32>(s, sOldest);
  let left = load<u32>(s, sChunks);
  while (c != 0 && load<i64>(c, cMaxTime) < minTime) {
    let next = load<u32>(c, cNext);
    release(c);
    addChunks(-1);
    left -= 1;
    c = next;
  }
  store<u32>(s, c, sOldest);
  store<u32>(s, left, sChunks);
  if (c == 0) store<u32>(s, 0, sNewest);
  return true;
}

/**
 * Walks up to `steps` slots. Leaves the refs of removed series (u64 each) as the list, and in kOldest the oldest chunk start so far.
 * @returns whether there is more to do
 */
export function truncateStep(steps: u32): bool {
  clearControl();
  let refs: usize = area(areaList, steps * 8);
  let removed: u32 = 0;
  if (generation != tableGeneration) truncateBegin(minTime);
  let walked: u32 = 0;
  while (walked < steps && index <= tableMask) {
    walked += 1;
    let s = load<u32>(slotAt(index), 4);
    if (s == 0 || trim(s)) {
      if (s != 0) oldest = min(oldest, oldestTime(s));
      index += 1;
      continue;
    }
    store<u64>(refs + ((<usize>removed) << 3), load<u64>(s, sRef));
    removed += 1;
    release(s);
    removeAt(index); // The slot may hold another series now: it is looked at again.
  }
  store<u32>(control, <u32>refs, kList);
  store<u32>(control, removed, kListCount);
  store<i64>(control, oldest, kOldest);
  active = index <= tableMask;
  return active;
}
