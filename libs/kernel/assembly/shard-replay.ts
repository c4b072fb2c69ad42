import { flagHost, flagRedirected, sLabels, sLastBits, sMaxTime, sOldest, sOpen, sRef } from './series-layout';
import {
  area, areaLabels, areaList, bump, clearControl, control, kDropped, kKnown, kLeft, kList, kListCount, kMax, kMin, kNextRef, kAppended,
  kRunNeed, kSeriesApplied, kSmallNeed, kStopBits, kStopRef, kStopSeries, kStopTime, kWhole, kWorkNeed,
} from './shard-control';
import { allocate, release } from './shard-memory';
import { createSeries, dropChunks, hasFlag, setFlags } from './shard-series';
import { find, insert, remove } from './shard-table';
import { hashInputEnd, labelsFromWal, readEnd, readVarint, skipLabels, unzigzag } from './shard-wal';
import { xxh64 } from './xxh64';
import { appendSample } from './xor';

/**
 * Refs of the WAL to series, while a replay runs. An entry: u64 ref (0: empty, as refs begin at 1), i64 newest timestamp seen, u32 series, u32 1 if the
 * series bears another ref, having been created by an earlier record.
 */
const entryBytes: u32 = 24;
let entries: u32 = 0;
let mask: u32 = 0;
let count: u32 = 0;

function makeEntries(n: u32): void {
  entries = allocate(n * entryBytes);
  memory.fill(entries, 0, n * entryBytes);
  mask = n - 1;
}

// @ts-ignore: decorator
@inline
function entryOf(ref: u64): usize {
  let i = <u32>((ref * 0x9e3779b185ebca87) >> 32) & mask;
  while (true) {
    let e = <usize>entries + <usize>i * entryBytes;
    let have = load<u64>(e);
    if (have == ref || have == 0) return e;
    i = (i + 1) & mask;
  }
}

function setEntry(ref: u64, s: u32, redirected: u32): void {
  if (entries == 0) makeEntries(1024);
  if (count * 10 >= mask * 6) {
    let old = entries;
    let n = mask + 1;
    makeEntries(n * 2);
    for (let i: u32 = 0; i < n; i++) {
      let from = <usize>old + <usize>i * entryBytes;
      if (load<u64>(from) != 0) memory.copy(entryOf(load<u64>(from)), from, entryBytes);
    }
    release(old);
  }
  let e = entryOf(ref);
  if (load<u64>(e) == 0) {
    count += 1;
    store<u64>(e, ref);
    store<i64>(e, i64.MIN_VALUE, 8);
  }
  store<u32>(e, s, 16);
  store<u32>(e, redirected, 20);
  if (redirected != 0) setFlags(s, flagRedirected);
}

/** The series that a ref stands for; 0 for none. */
export function seriesOfRef(ref: u64): u32 {
  return entries == 0 ? 0 : load<u32>(entryOf(ref), 16);
}

/** Removes the series that a ref stands for; whether there was one. */
export function removeSeries(ref: u64): bool {
  let s = seriesOfRef(ref);
  if (s == 0) return false;
  if (hasFlag(s, flagRedirected)) {
    for (let i: u32 = 0; i <= mask; i++) {
      let e = <usize>entries + <usize>i * entryBytes;
      if (load<u32>(e, 16) == s) store<u32>(e, 0, 16);
    }
  } else {
    store<u32>(entryOf(ref), 0, 16);
  }
  dropChunks(s);
  remove(s);
  release(s);
  return true;
}

/** Bytes that `more` refs may make the table grow by. */
export function entriesNeed(more: u32): u64 {
  if (more == 0) return 0;
  let need: u64 = 0;
  let room: u64 = mask == 0 ? 512 : <u64>mask + 1;
  while (mask == 0 && need == 0 || (<u64>count + more) * 10 >= (room - 1) * 6) {
    room <<= 1;
    need += room * entryBytes + 32768;
  }
  return need;
}

/**
 * Walks entries of a series record, `entriesMax` at most, as far as they are whole and valid. Leaves their number as kLeft, their bytes as
 * kWhole, and what they need if all become series.
 */
export function checkSeries(begin: usize, length: u32, entriesMax: u32): void {
  clearControl();
  let end = begin + length;
  let at = begin;
  let entriesSeen: u32 = 0;
  let small: u64 = 0;
  let runs: u64 = 0;
  let work: u32 = 0;
  while (at < end && entriesSeen < entriesMax) {
    if (<u32>(end - at) < 9 || load<u64>(at) == 0) break;
    if (!skipLabels(at + 8, end)) break;
    let next = readEnd;
    let bytes = <u32>(next - at) - 8;
    let most = canonicalMost(at + 8, next);
    let size = <u32>sLabels + most;
    if (size > 2048) runs += (<u64>size + 32 + 16383) & ~16383;
    if (<u32>sLabels + bytes <= 2048) small += (min<u32>(size, 2048) + 15) & ~15;
    work = max(work, most + bytes);
    at = next;
    entriesSeen += 1;
  }
  store<u32>(control, entriesSeen, kLeft);
  store<u32>(control, <u32>(at - begin), kWhole);
  store<f64>(control, <f64>small, kSmallNeed);
  store<f64>(control, <f64>runs, kRunNeed);
  store<u32>(control, work, kWorkNeed);
}

/** Most bytes that valid labels take in canonical form: up to 8 more for each. */
function canonicalMost(labels: usize, end: usize): u32 {
  return <u32>(end - labels) + <u32>readVarint(labels, end) * 8;
}

const appliedBytes: u32 = 16;

/**
 * Applies checked entries of a series record that are not marked in `done` (a byte for each). Labels already known lose their
 * chunks; unknown ones are left to other shards unless `create` is set. The list: for each entry applied, u64 ref, u32 series, u32 1 if the
 * series was the host's.
 */
export function replaySeries(begin: usize, length: u32, entryCount: u32, done: usize, create: bool): void {
  clearControl();
  let list: usize = area(areaList, entryCount * appliedBytes);
  let to = list;
  let end = begin + length;
  let at = begin;
  let maxRef: u64 = 0;
  while (at < end) {
    let ref = bswap<u64>(load<u64>(at));
    let labels = at + 8;
    skipLabels(labels, end);
    at = readEnd;
    if (ref > maxRef) maxRef = ref;
    let flag = done;
    done += 1;
    if (load<u8>(flag) != 0) continue;
    let size = canonicalMost(labels, at);
    let canonical: usize = area(areaLabels, size + <u32>(at - labels));
    let canonicalLength = <u32>(labelsFromWal(labels, at, canonical, canonical + size) - canonical);
    let tag = <u32>xxh64(canonical + size, <u32>(hashInputEnd - canonical - size));
    let s = find(tag, canonical, canonicalLength);
    if (s == 0 && !create) {
      bump(kLeft, 1);
      continue;
    }
    store<u8>(flag, 1);
    bump(kSeriesApplied, 1);
    let wasHost: u32 = 0;
    if (s == 0) {
      s = createSeries(ref, tag, canonical, canonicalLength);
      insert(tag, s);
    } else {
      wasHost = hasFlag(s, flagHost) ? 1 : 0;
      dropChunks(s);
    }
    store<u64>(to, ref);
    store<u32>(to, s, 8);
    store<u32>(to, wasHost, 12);
    to += appliedBytes;
    setEntry(ref, s, load<u64>(s, sRef) != ref ? 1 : 0);
  }
  store<u64>(control, maxRef, kNextRef);
  store<u32>(control, <u32>list, kList);
  store<u32>(control, <u32>(to - list) / appliedBytes, kListCount);
}

/** Walks samples of a record, `samplesMax` at most, as far as they are whole. Leaves their number as kLeft and their bytes as kWhole. */
export function checkSamples(begin: usize, length: u32, samplesMax: u32): void {
  clearControl();
  let end = begin + length;
  let at = begin;
  let samples: u32 = 0;
  while (at < end && samples < samplesMax) {
    readVarint(at, end);
    if (readEnd == 0) break;
    readVarint(readEnd, end);
    if (readEnd == 0 || <u32>(end - readEnd) < 8) break;
    at = readEnd + 8;
    samples += 1;
  }
  store<u32>(control, samples, kLeft);
  store<u32>(control, <u32>(at - begin), kWhole);
}

let sampleAt: usize = 0;
let samplesEnd: usize = 0;
let baseRef: i64 = 0;
let baseTime: i64 = 0;
let minTime: i64 = 0;

/**
 * Appends samples of a checked record whose refs this shard knows: its first 17 bytes, and then some of its samples. Stops at one of the host's
 * series that is newer than all others there, which is left in kStopSeries and behind.
 */
export function replaySamples(record: usize, length: u32, minValid: i64): void {
  samplesEnd = record + length;
  sampleAt = min(record + 17, samplesEnd);
  minTime = minValid;
  if (length >= 17) {
    baseRef = <i64>bswap<u64>(load<u64>(record, 1));
    baseTime = <i64>bswap<u64>(load<u64>(record, 9));
  }
  resumeSamples();
}

/**
 * Goes on behind the sample that the last call has stopped at. Leaves the largest ref that this shard does not know as kNextRef: its series may be lost with a
 * damaged record, and the ref must not be given to another.
 */
export function resumeSamples(): void {
  clearControl();
  let hasEntries = entries != 0;
  let unknownMax: u64 = 0;
  let end = samplesEnd;
  let at = sampleAt;
  let known: u32 = 0;
  let dropped: u32 = 0;
  let stored: u32 = 0;
  let timeMin = i64.MAX_VALUE;
  let timeMax = i64.MIN_VALUE;
  while (at < end) {
    let ref = <u64>(baseRef + unzigzag(readVarint(at, end)));
    let t = baseTime + unzigzag(readVarint(readEnd, end));
    let bits = bswap<u64>(load<u64>(readEnd));
    at = readEnd + 8;
    let e = hasEntries ? entryOf(ref) : 0;
    let s: u32 = hasEntries ? load<u32>(e, 16) : 0;
    if (s == 0) {
      // Nobody gives refs beyond 2^53.
      if (ref > unknownMax && ref >> 53 == 0) unknownMax = ref;
      continue;
    }
    known += 1;
    if (t > load<i64>(e, 8)) store<i64>(e, t, 8);
    if (t < minTime) {
      dropped += 1;
      continue;
    }
    if (load<u32>(s, sOpen) != 0) {
      if (t <= load<i64>(s, sMaxTime)) {
        dropped += 1;
        continue;
      }
    } else {
      let isHost = hasFlag(s, flagHost);
      if ((isHost || load<u32>(s, sOldest) != 0) && t <= load<i64>(s, sMaxTime)) {
        // The chunk is in a file, which does not say what the bits of its last sample are.
        if (t == load<i64>(s, sMaxTime) && !isHost) store<u64>(s, bits, sLastBits);
        dropped += 1;
        continue;
      }
      if (isHost) {
        store<u32>(control, s, kStopSeries);
        store<u64>(control, ref, kStopRef);
        store<i64>(control, t, kStopTime);
        store<u64>(control, bits, kStopBits);
        break;
      }
    }
    appendSample(s, t, bits);
    stored += 1;
    if (t < timeMin) timeMin = t;
    if (t > timeMax) timeMax = t;
  }
  sampleAt = at;
  store<u64>(control, unknownMax, kNextRef);
  store<i64>(control, timeMin, kMin);
  store<i64>(control, timeMax, kMax);
  store<u32>(control, known, kKnown);
  store<u32>(control, dropped, kDropped);
  store<u32>(control, stored, kAppended);
}

/** Ends the replay. The list: for each redirected ref, u64 ref and i64 newest timestamp seen. */
export function replayEnd(): void {
  clearControl();
  if (entries == 0) return;
  let redirected: u32 = 0;
  for (let i: u32 = 0; i <= mask; i++) redirected += load<u32>(<usize>entries + <usize>i * entryBytes, 20);
  let to: usize = area(areaList, redirected * 16);
  store<u32>(control, <u32>to, kList);
  store<u32>(control, redirected, kListCount);
  for (let i: u32 = 0; i <= mask; i++) {
    let e = <usize>entries + <usize>i * entryBytes;
    if (load<u32>(e, 20) == 0) continue;
    store<u64>(to, load<u64>(e));
    store<i64>(to, load<i64>(e, 8), 8);
    to += 16;
  }
  release(entries);
  entries = 0;
  mask = 0;
  count = 0;
}
