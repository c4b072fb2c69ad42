import {
  cFile, cFlags, chunkStored, cMaxTime, flagHost, flagPinned, sMaxTime, sNewest, sOldest, sRef,
} from './series-layout';
import { area, areaList, clearControl, control, kList, kList2, kList2Count, kListCount, kOldest, kOldestFile } from './shard-control';
import { endReservation, release } from './shard-memory';
import { dropChunk, dropChunks, hasFlag, hasSamples, oldestTime } from './shard-series';
import { removeAt, slotAt, tableGeneration, tableMask } from './shard-table';

let active: bool = false;
let minTime: i64 = 0;
let index: u32 = 0;
let generation: u32 = 0;
let oldest: i64 = i64.MAX_VALUE;
let oldestFile: u32 = u32.MAX_VALUE;

/** A series that gets its first sample in order while a truncation runs may lie in slots already passed, */
export function noteFirst(t: i64): void {
  if (active && t < oldest) oldest = t;
}

/** and so may one whose chunk goes to a file. */
export function noteFile(file: u32): void {
  if (active && file < oldestFile) oldestFile = file;
}

export function truncateBegin(t: i64): void {
  endReservation();
  active = true;
  minTime = t;
  index = 0;
  generation = tableGeneration;
  oldest = i64.MAX_VALUE;
  oldestFile = u32.MAX_VALUE;
}

/** Drops what ends before minTime; whether the series has any samples left. */
function trim(s: u32): bool {
  if (!hasSamples(s) || load<i64>(s, sMaxTime) < minTime) {
    dropChunks(s);
    return false;
  }
  let c = load<u32>(s, sOldest);
  while (c != 0 && load<i64>(c, cMaxTime) < minTime) c = dropChunk(c);
  store<u32>(s, c, sOldest);
  if (c == 0) {
    store<u32>(s, 0, sNewest);
  } else if ((load<u8>(c, cFlags) & chunkStored) != 0) {
    oldestFile = min(oldestFile, load<u32>(c, cFile)); // Chunks go to files in their order.
  }
  oldest = min(oldest, oldestTime(s));
  return true;
}

/**
 * Walks up to `steps` slots. Leaves the refs (u64 each) of removed series as the list, and those of pinned series that the host has lost as the
 * second list; in kOldest the oldest chunk start so far, in kOldestFile the smallest file.
 * @returns whether there is more to do
 */
export function truncateStep(steps: u32): bool {
  clearControl();
  let refs: usize = area(areaList, steps * 16);
  let emptiedRefs = refs + <usize>steps * 8;
  let removed: u32 = 0;
  let emptied: u32 = 0;
  if (generation != tableGeneration) truncateBegin(minTime);
  let walked: u32 = 0;
  while (walked < steps && index <= tableMask) {
    walked += 1;
    let s = load<u32>(slotAt(index), 4);
    if (s == 0) {
      index += 1;
      continue;
    }
    let wasHost = hasFlag(s, flagHost);
    if (trim(s)) {
      index += 1;
      continue;
    }
    if (hasFlag(s, flagPinned)) {
      if (wasHost) {
        store<u64>(emptiedRefs + ((<usize>emptied) << 3), load<u64>(s, sRef));
        emptied += 1;
      }
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
  store<u32>(control, <u32>emptiedRefs, kList2);
  store<u32>(control, emptied, kList2Count);
  store<i64>(control, oldest, kOldest);
  store<u32>(control, oldestFile, kOldestFile);
  active = index <= tableMask;
  return active;
}
