import { allocate, release } from './shard-memory';

/**
 * What a call leaves for its caller, at a fixed address:
 *
 *    0  i64  min and
 *    8  i64  max time of the samples stored by the call (max < min: none)
 *   16  u64  next ref
 *   24  i64  appendableMin used; with
 *   32  u32  1 once the head has a first sample, whose timestamp is
 *   40  i64  this (set by the call that saw it)
 *   48  u32  samples stored
 *   52  u32  series created
 *   84  u32  rows or entries left for other shards
 *   88  u32  address and
 *   92  u32  length of the series record
 *   96  u32  address and
 *  100  u32  length of the samples record
 *  104  u32  replay: samples dropped, +4 of known refs, +8 series records applied
 *  116  u32  address and
 *  120  u32  count of a list (applied entries, redirected and removed refs, chunks, series)
 *  128  i64  oldest chunk start that a truncation has seen
 *  136  f64  check: bytes of small blocks and
 *  144  f64  of runs that the entries need as new series
 *  152  u32  bytes of working space for the largest entry
 *  156  u32  bytes that whole entries take
 *  164  u32  address and
 *  168  u32  count of the samples out of order
 *  172  u32  series of the host row, or of the sample at which a replay has stopped (0: none); of the latter
 *  176  u64  ref,
 *  184  i64  timestamp and
 *  192  u64  bits
 *  200  i64  lowest time taken out of order; with
 *  208  u32  1 if anything is
 *  212  u32  smallest head chunk file that a truncation has seen; 0xffffffff for none
 *  216  u32  address and
 *  220  u32  count of a second list (emptied refs)
 *  224  u32  address and
 *  228  u32  count of the runs of samples that were refused (16 bytes: u32 row, first of its samples in the request, count, reason);
 *            reasons: 1 out of bounds, 2 out of order, 3 duplicate, 4 too old, 5 series limit, 16 + verdict for all of a row
 */
const controlBytes: usize = 256;
export const control: usize = memory.data(256, 16);
export const kMin: usize = 0;
export const kMax: usize = 8;
export const kNextRef: usize = 16;
export const kAppendableMin: usize = 24;
export const kStarted: usize = 32;
export const kFirstTime: usize = 40;
export const kAppended: usize = 48;
export const kCreated: usize = 52;
export const kLeft: usize = 84;
export const kSeriesRecord: usize = 88;
export const kSamplesRecord: usize = 96;
export const kDropped: usize = 104;
export const kKnown: usize = 108;
export const kSeriesApplied: usize = 112;
export const kList: usize = 116;
export const kListCount: usize = 120;
export const kOldest: usize = 128;
export const kSmallNeed: usize = 136;
export const kRunNeed: usize = 144;
export const kWorkNeed: usize = 152;
export const kWhole: usize = 156;
export const kLate: usize = 164;
export const kLateCount: usize = 168;
export const kStopSeries: usize = 172;
export const kStopRef: usize = 176;
export const kStopTime: usize = 184;
export const kStopBits: usize = 192;
export const kLateMin: usize = 200;
export const kTakesLate: usize = 208;
export const kOldestFile: usize = 212;
export const kList2: usize = 216;
export const kList2Count: usize = 220;
export const kRefused: usize = 224;
export const kRefusedCount: usize = 228;

export function clearControl(): void {
  memory.fill(control, 0, controlBytes);
  store<i64>(control, i64.MAX_VALUE, kMin);
  store<i64>(control, i64.MIN_VALUE, kMax);
}

/** Areas that a call fills and the next one overwrites; they grow to the largest use and are kept up to `keptBytes`. */
const areas: usize = memory.data(8 * 8, 16);
export const areaRequest: u32 = 0;
export const areaSeriesRecord: u32 = 1;
export const areaSamplesRecord: u32 = 2;
export const areaPointers: u32 = 3;
export const areaLabels: u32 = 4;
export const areaList: u32 = 5;
export const areaLate: u32 = 6;
export const areaRefused: u32 = 7;

const keptBytes: u32 = 4 << 20;

// @ts-ignore: decorator
@inline
function serves(have: u32, bytes: u32): bool {
  return have >= bytes && (have <= keptBytes || bytes > keptBytes);
}

/** Rounded up, so that slightly larger batches do not leave outgrown areas behind. */
function areaSize(bytes: u32): u32 {
  if (bytes > keptBytes) return bytes;
  let size: u32 = 4096;
  while (size < bytes) size <<= 1;
  return size;
}

/** What `area` may take at most. */
export function areaNeed(which: u32, bytes: u32): u64 {
  if (serves(load<u32>(areas + (<usize>which << 3), 4), bytes)) return 0;
  return <u64>areaSize(bytes) + 2 * 16384;
}

/** An area of at least `bytes`; what was in it is lost when it has to grow. */
export function area(which: u32, bytes: u32): u32 {
  let slot = areas + (<usize>which << 3);
  let have = load<u32>(slot, 4);
  if (serves(have, bytes)) return load<u32>(slot);
  if (have != 0) release(load<u32>(slot));
  let size = areaSize(bytes);
  store<u32>(slot, allocate(size), 0);
  store<u32>(slot, size, 4);
  return load<u32>(slot);
}

/** Gives an area back. */
export function dropArea(which: u32): void {
  let slot = areas + (<usize>which << 3);
  if (load<u32>(slot, 4) != 0) release(load<u32>(slot));
  store<u64>(slot, 0);
}

// @ts-ignore: decorator
@inline
export function bump(counter: usize, by: u32): void {
  store<u32>(control + counter, load<u32>(control + counter) + by);
}
