import { cMaxTime, cMinTime, cNext, flagHostOpen, sMaxTime, sMinTime, sOldest, sOpen } from './series-layout';
import { area, areaList, clearControl, control, kList, kListCount } from './shard-control';
import { allocate, endReservation, release, reserveBlock } from './shard-memory';
import { hasFlag } from './shard-series';
import { slotAt, tableGeneration, tableMask, tableRoom } from './shard-table';
import { finishedBytes, finishOpen } from './xor';

/**
 * A snapshot: the addresses of the series that have finished chunks in a time range, gathered slot by slot; open chunks that begin in time are finished.
 * A second array serves whoever sorts them.
 */
let timeMin: i64 = 0;
let timeMax: i64 = 0;
let generation: u32 = 0;
let from: u32 = 0;
let into: u32 = 0;
let total: u32 = 0;
let index: u32 = 0;

function begin(): bool {
  snapshotEnd();
  endReservation();
  let bytes = tableRoom() * 4;
  if (!reserveBlock(bytes)) return false;
  from = allocate(bytes);
  if (!reserveBlock(bytes)) return false;
  into = allocate(bytes);
  generation = tableGeneration;
  return true;
}

/** False when there is no room. */
export function snapshotBegin(min: i64, max: i64): bool {
  timeMin = min;
  timeMax = max;
  return begin();
}

export function snapshotEnd(): void {
  if (from != 0) release(from);
  if (into != 0) release(into);
  from = 0;
  into = 0;
  total = 0;
  index = 0;
}

export function snapshotFrom(): u32 {
  return from;
}

export function snapshotInto(): u32 {
  return into;
}

export function snapshotTotal(): u32 {
  return total;
}

/** Whether a finished chunk has a time in the range. */
function hasFinished(s: u32): bool {
  for (let c = load<u32>(s, sOldest); c != 0; c = load<u32>(c, cNext)) {
    if (load<i64>(c, cMinTime) > timeMax) return false;
    if (load<i64>(c, cMaxTime) >= timeMin) return true;
  }
  return false;
}

/**
 * Walks up to `steps` slots. The list: series (u32 each) with an open chunk of the host's that begins in time.
 * @returns 0 when there is no more to do, 1 when there is, 2 when there is no room to finish a chunk
 */
export function snapshotStep(steps: u32): u32 {
  clearControl();
  endReservation();
  if (generation != tableGeneration && !begin()) return 2;
  let list: usize = area(areaList, steps * 4);
  let listed: u32 = 0;
  let state: u32 = 1;
  for (; steps > 0 && index <= tableMask; steps--, index++) {
    let s = load<u32>(slotAt(index), 4);
    if (s == 0) continue;
    let isListed = false;
    if (load<i64>(s, sMaxTime) >= timeMin && load<i64>(s, sMinTime) <= timeMax) {
      if (load<u32>(s, sOpen) != 0) {
        if (!reserveBlock(finishedBytes(s))) {
          state = 2;
          break;
        }
        finishOpen(s);
      } else if (hasFlag(s, flagHostOpen)) {
        isListed = true;
        store<u32>(list + (<usize>listed << 2), s);
        listed += 1;
      }
    }
    if (!isListed && !hasFinished(s)) continue;
    store<u32>(<usize>from + (<usize>total << 2), s);
    total += 1;
  }
  if (index > tableMask) state = 0;
  store<u32>(control, <u32>list, kList);
  store<u32>(control, listed, kListCount);
  return state;
}
