import {
  cCount, cData, cEncoding, cFile, cFlags, chunkStored, cLength, cMaxTime, cMinTime, cNext, cOffset, flagHost, flagHostOpen, flagPinned,
  flagUnstored, sLastBits, sMaxTime, sMinTime, sNewest, sOldest, sOpen, storedBytes,
} from './series-layout';
import { area, areaList, clearControl, control, kList, kListCount } from './shard-control';
import { allocate, endReservation, release, reserveBlock } from './shard-memory';
import { addChunks, clearFlags, hasFlag, hasSamples, linkChunk, noteStored, setFlags } from './shard-series';
import { slotAt, tableGeneration, tableMask } from './shard-table';
import { noteFile, noteFirst } from './shard-truncate';
import { finishedBytes, finishOpen } from './xor';

/** What the host does to one series, and how finished chunks go from memory to files. */

/** Finishes the open chunk; false when there is no room. */
export function finishChunk(s: u32): bool {
  if (load<u32>(s, sOpen) == 0) return true;
  if (!reserveBlock(finishedBytes(s))) return false;
  finishOpen(s);
  return true;
}

/** Room for a chunk of the host's, which puts its data behind the header; 0 when there is none. */
export function newChunk(length: u32): u32 {
  let bytes = max(<u32>cData + length, storedBytes); // So that it can become a stored one where it is.
  return reserveBlock(bytes) ? allocate(bytes) : 0;
}

export function pushChunk(s: u32, c: u32, low: i64, high: i64, length: u32, count: u32, encoding: u32): void {
  store<i64>(c, low, cMinTime);
  store<i64>(c, high, cMaxTime);
  store<u32>(c, length, cLength);
  store<u16>(c, <u16>count, cCount);
  store<u8>(c, <u8>encoding, cEncoding);
  store<u8>(c, 0, cFlags);
  if (!hasSamples(s)) {
    noteFirst(low);
    store<i64>(s, high, sMaxTime);
  }
  linkChunk(s, c);
  addChunks(1);
}

/** Adds a chunk that a file has: 0 when it is not newer than the last, which leaves it out; 2 when there is no room. */
export function attach(s: u32, low: i64, high: i64, length: u32, count: u32, encoding: u32, file: u32, offset: u32): u32 {
  if (load<u32>(s, sNewest) != 0 && low <= load<i64>(s, sMaxTime)) return 0;
  if (!reserveBlock(storedBytes)) return 2;
  let c = allocate(storedBytes);
  store<i64>(c, low, cMinTime);
  store<i64>(c, high, cMaxTime);
  store<u32>(c, length, cLength);
  store<u16>(c, <u16>count, cCount);
  store<u8>(c, <u8>encoding, cEncoding);
  store<u8>(c, chunkStored, cFlags);
  store<u32>(c, file, cFile);
  store<u32>(c, offset, cOffset);
  store<i64>(s, high, sMaxTime);
  store<u64>(s, 0, sLastBits);
  linkChunk(s, c);
  addChunks(1);
  return 1;
}

export function setHost(s: u32, open: bool, openTime: i64, maxTime: i64): void {
  if (!hasSamples(s)) noteFirst(open ? openTime : maxTime);
  if (open != hasFlag(s, flagHostOpen)) addChunks(open ? 1 : -1);
  if (open) store<i64>(s, openTime, sMinTime);
  store<i64>(s, maxTime, sMaxTime);
  clearFlags(s, flagHostOpen);
  setFlags(s, open ? flagHost | flagHostOpen : flagHost);
}

export function clearHost(s: u32): void {
  if (hasFlag(s, flagHostOpen)) addChunks(-1);
  clearFlags(s, flagHost | flagHostOpen);
}

export function setPinned(s: u32, on: bool): void {
  if (on) setFlags(s, flagPinned);
  else clearFlags(s, flagPinned);
}

let index: u32 = 0;
let generation: u32 = 0;

/** Lists finished chunks that no file has (u32 series, u32 chunk), `most` at most, from up to `steps` slots; whether there is more to do. */
export function stepUnstored(steps: u32, most: u32): bool {
  clearControl();
  endReservation();
  if (generation != tableGeneration) {
    generation = tableGeneration;
    index = 0;
  }
  let list: usize = area(areaList, most * 8);
  let n: u32 = 0;
  let isFull = false;
  for (; steps > 0 && index <= tableMask; steps--, index++) {
    let s = load<u32>(slotAt(index), 4);
    if (s == 0 || !hasFlag(s, flagUnstored)) continue;
    let found = n;
    for (let c = load<u32>(s, sOldest); c != 0; c = load<u32>(c, cNext)) {
      if ((load<u8>(c, cFlags) & chunkStored) != 0) continue;
      isFull = n == most;
      if (isFull) break;
      store<u32>(list + (<usize>n << 3), s);
      store<u32>(list + (<usize>n << 3), c, 4);
      n += 1;
    }
    if (isFull) break; // The series is looked at again.
    if (n == found) clearFlags(s, flagUnstored);
  }
  store<u32>(control, <u32>list, kList);
  store<u32>(control, n, kListCount);
  if (index <= tableMask) return true;
  index = 0;
  return false;
}

/** A file has the chunk: a node without data takes its place, or, for want of room, it stays as large as it was. */
export function markStored(s: u32, c: u32, file: u32, offset: u32): void {
  if ((load<u8>(c, cFlags) & chunkStored) != 0) return;
  noteStored();
  noteFile(file);
  let length = load<u32>(c, cLength);
  let to = c;
  if (((<u32>cData + length + 15) & ~15) > ((storedBytes + 15) & ~15) && reserveBlock(storedBytes)) {
    to = allocate(storedBytes);
    memory.copy(to, c, cData);
    let before: u32 = 0;
    for (let x = load<u32>(s, sOldest); x != c; x = load<u32>(x, cNext)) before = x;
    if (before == 0) store<u32>(s, to, sOldest);
    else store<u32>(before, to, cNext);
    if (load<u32>(s, sNewest) == c) store<u32>(s, to, sNewest);
    release(c);
  }
  store<u8>(to, chunkStored, cFlags);
  store<u32>(to, file, cFile);
  store<u32>(to, offset, cOffset);
  if (load<u32>(s, sNewest) == to) clearFlags(s, flagUnstored);
}
