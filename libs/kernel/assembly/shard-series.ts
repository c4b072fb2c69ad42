import { allocate, release } from './shard-memory';

/**
 * A series: 80 bytes, then its labels in canonical form, so that comparing labels and appending touch neighbouring cache lines.
 *
 *    0  u64  ref
 *    8  i64  timestamp of the newest sample
 *   16  u64  bits of its value
 *   24  i64  nextAt: from here on a new chunk is cut
 *   32  i64  last timestamp delta
 *   40  u32  open chunk: its payload, count field included; 0 for none
 *   44  u16  its capacity in bytes
 *   46  u16  its length in bits
 *   48  u16  its samples; the count field in the payload is set only when somebody looks
 *   50  u8   leading zero bits of the value window; 255 for none
 *   51  u8   trailing zero bits
 *   52  u32  length of the labels
 *   56  i64  timestamp of the open chunk's first sample
 *   64  u32  oldest and
 *   68  u32  newest finished chunk; 0 for none
 *   72  u32  low half of the labels' hash
 *   76  u32  number of finished chunks
 *   80       labels
 *
 * A finished chunk
 *    0  i64  min time
 *    8  i64  max time
 *   16  u32  next chunk; 0 for none
 *   20  u16  payload length
 *   22  u16  samples
 *   24       payload: count field and stream of encoding 1
 */
export const sRef: usize = 0;
export const sMaxTime: usize = 8;
export const sLastBits: usize = 16;
export const sNextAt: usize = 24;
export const sDelta: usize = 32;
export const sOpen: usize = 40;
export const sCapacity: usize = 44;
export const sBits: usize = 46;
export const sCount: usize = 48;
export const sLead: usize = 50;
export const sTrail: usize = 51;
export const sLabelsLength: usize = 52;
export const sMinTime: usize = 56;
export const sOldest: usize = 64;
export const sNewest: usize = 68;
export const sTag: usize = 72;
export const sChunks: usize = 76;
export const sLabels: usize = 80;

export const cMinTime: usize = 0;
export const cMaxTime: usize = 8;
export const cNext: usize = 16;
export const cLength: usize = 20;
export const cCount: usize = 22;
export const cData: usize = 24;

/** Chunks of all series, open ones included. */
export let chunkCount: u32 = 0;

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

/** Gives back every chunk; the series stays. */
export function dropChunks(s: u32): void {
  let open = load<u32>(s, sOpen);
  if (open != 0) {
    release(open);
    chunkCount -= 1;
  }
  let c = load<u32>(s, sOldest);
  while (c != 0) {
    let next = load<u32>(c, cNext);
    release(c);
    chunkCount -= 1;
    c = next;
  }
  store<u32>(s, 0, sOpen);
  store<u32>(s, 0, sOldest);
  store<u32>(s, 0, sNewest);
  store<u32>(s, 0, sChunks);
}

/** Start of the oldest chunk; meaningless for a series without any. */
export function oldestTime(s: u32): i64 {
  let c = load<u32>(s, sOldest);
  return c != 0 ? load<i64>(c, cMinTime) : load<i64>(s, sMinTime);
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
