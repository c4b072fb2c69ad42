import { allocate, release } from './shard-memory';
import {
  cFlags, chunkStored, cMinTime, cNext, flagHost, flagHostOpen, flagUnstored, sFlags, sLabels, sLabelsLength, sMaxTime,
  sMinTime, sNewest, sOldest, sOpen, sRef, sTag,
} from './series-layout';

/** Chunks of all series, open ones included, those of the host too. */
export let chunkCount: u32 = 0;
/** Finished chunks that no file has. */
export let unstoredCount: u32 = 0;

export function addChunks(n: i32): void {
  chunkCount += n;
}

export function createSeries(ref: u64, tag: u32, labels: usize, length: u32): u32 {
  let s = allocate(<u32>sLabels + length);
  memory.fill(s, 0, sLabels);
  store<u64>(s, ref, sRef);
  store<u32>(s, tag, sTag);
  store<u32>(s, length, sLabelsLength);
  memory.copy(<usize>s + sLabels, labels, length);
  return s;
}

// @ts-ignore: decorator
@inline
export function hasFlag(s: u32, flag: u8): bool {
  return (load<u8>(s, sFlags) & flag) != 0;
}

// @ts-ignore: decorator
@inline
export function setFlags(s: u32, flags: u8): void {
  store<u8>(s, load<u8>(s, sFlags) | flags, sFlags);
}

// @ts-ignore: decorator
@inline
export function clearFlags(s: u32, flags: u8): void {
  store<u8>(s, load<u8>(s, sFlags) & ~flags, sFlags);
}

export function hasSamples(s: u32): bool {
  return load<u32>(s, sOpen) != 0 || load<u32>(s, sOldest) != 0 || hasFlag(s, flagHost);
}

/** Makes a complete chunk the newest of the list. */
export function linkChunk(s: u32, c: u32): void {
  store<u32>(c, 0, cNext);
  let newest = load<u32>(s, sNewest);
  if (newest == 0) atomic.store<u32>(s, c, sOldest);
  else atomic.store<u32>(newest, c, cNext);
  store<u32>(s, c, sNewest);
  if ((load<u8>(c, cFlags) & chunkStored) != 0) return;
  setFlags(s, flagUnstored);
  unstoredCount += 1;
}

/** Notes that a file has the chunk now. */
export function noteStored(): void {
  unstoredCount -= 1;
}

/** Gives back a finished chunk, and returns the one behind it. */
export function dropChunk(c: u32): u32 {
  let next = load<u32>(c, cNext);
  if ((load<u8>(c, cFlags) & chunkStored) == 0) unstoredCount -= 1;
  chunkCount -= 1;
  release(c);
  return next;
}

/** Gives back every chunk, and the series from the host; it stays, and stays pinned. */
export function dropChunks(s: u32): void {
  let open = load<u32>(s, sOpen);
  if (open != 0) {
    release(open);
    chunkCount -= 1;
  }
  if (hasFlag(s, flagHostOpen)) chunkCount -= 1;
  for (let c = load<u32>(s, sOldest); c != 0; c = dropChunk(c));
  store<u32>(s, 0, sOpen);
  store<u32>(s, 0, sOldest);
  store<u32>(s, 0, sNewest);
  clearFlags(s, flagHost | flagHostOpen | flagUnstored);
}

/** Start of the oldest chunk; meaningless for a series without samples. */
export function oldestTime(s: u32): i64 {
  let c = load<u32>(s, sOldest);
  if (c != 0) return load<i64>(c, cMinTime);
  return load<u32>(s, sOpen) != 0 || hasFlag(s, flagHostOpen) ? load<i64>(s, sMinTime) : load<i64>(s, sMaxTime);
}

/** Whether two runs of `length` bytes are equal; 16 at a time, the last step overlapping. */
export function equalBytes(a: usize, b: usize, length: u32): bool {
  if (length < 16) {
    for (let i: u32 = 0; i < length; i++) {
      if (load<u8>(a + i) != load<u8>(b + i)) return false;
    }
    return true;
  }
  let last = length - 16;
  for (let i: u32 = 0; i < last; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
}
