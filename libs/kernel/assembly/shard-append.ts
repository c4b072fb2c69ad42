import {
  area, areaLate, areaPointers, areaRefused, areaSamplesRecord, areaSeriesRecord, bump, clearControl, control,
  kAppendableMin, kAppended, kCreated, kFirstTime, kLate, kLateCount, kLateMin, kLeft, kMax, kMin, kNextRef, kRefused, kRefusedCount,
  kSamplesRecord, kSeriesRecord, kStarted, kStopSeries, kTakesLate,
} from './shard-control';
import { flagHost, sFlags, sLabels, sLabelsLength, sLastBits, sMaxTime, sOldest, sOpen, sRef } from './series-layout';
import { noteCreated } from './shard-created';
import { createSeries, equalBytes } from './shard-series';
import { candidate, find, insert } from './shard-table';
import { noteFirst } from './shard-truncate';
import { writeSeries, writeSigned } from './shard-wal';
import { appendSample, chunkRangeMs } from './xor';

/**
 * An append: begin, then run until it is through, then end. A run stops at each host row; between two runs the host asks for what it
 * needs (shard-host.ts). Rows are judged as spec/receive.md 6.3 says.
 */
const rowBytes: u32 = 56;
const sampleBytes: u32 = 16;
/** Rows looked up before the first of them is appended to, so that their cache misses overlap. */
const lookahead: u32 = 16;
/** The spare byte of a row says that a shard has dealt with it. */
const rowDone: usize = 49;
/** A sample out of order: i64 timestamp, u64 bits, u32 series, 4 bytes unused. */
const lateBytes: u32 = 24;
/** A run of refused samples, as shard-control.ts says. */
const refusedBytes: u32 = 16;
const refusedOutOfBounds: u32 = 1;
const refusedOutOfOrder: u32 = 2;
const refusedDuplicate: u32 = 3;
const refusedTooOld: u32 = 4;
const refusedSeriesLimit: u32 = 5;
const refusedVerdicts: u32 = 16;

let body: usize = 0;
let rows: usize = 0;
let rowCount: u32 = 0;
let samples: usize = 0;
let sampleTotal: u32 = 0;
let mayCreate: bool = false;
/** Series that may still be created. */
let creatable: u32 = 0;
/** What of a row's histogram and exemplar count (u32 each) makes it a host row. */
let hostMask: u64 = 0;
let minValid: i64 = 0;
let appendableMin: i64 = 0;
let timestampMax: i64 = 0;
let started: bool = false;
let takesLate: bool = false;
let lateMin: i64 = 0;
let lateWindow: i64 = 0;

let pointers: usize = 0;
/** The rows that `pointers` are about. */
let groupBegin: u32 = 0;
let groupEnd: u32 = 0;

let seriesBegin: usize = 0;
let toSeries: usize = 0;
let toSamples: usize = 0;
let samplesBegin: usize = 0;
let lateBegin: usize = 0;
let toLate: usize = 0;
/** 0 until something is refused. */
let refusedBegin: usize = 0;
let toRefused: usize = 0;
let firstRef: i64 = 0;
let firstTime: i64 = 0;
let nextRef: u64 = 0;
let timeMin: i64 = 0;
let timeMax: i64 = 0;
let appended: u32 = 0;
/** Keeps the loads that warm the cache from being dropped. */
export let warmth: u64 = 0;

// @ts-ignore: decorator
@inline
function logSample(ref: u64, t: i64, bits: u64): void {
  if (toSamples == samplesBegin) {
    store<u8>(toSamples, 2);
    store<u64>(toSamples, bswap<u64>(ref), 1);
    store<u64>(toSamples, bswap<u64>(<u64>t), 9);
    toSamples += 17;
    firstRef = <i64>ref;
    firstTime = t;
  }
  let to = writeSigned(toSamples, <i64>ref - firstRef);
  to = writeSigned(to, t - firstTime);
  store<u64>(to, bswap<u64>(bits));
  toSamples = to + 8;
}

// @ts-ignore: decorator
@inline
function storeSample(s: u32, t: i64, bits: u64): void {
  appendSample(s, t, bits);
  if (t < timeMin) timeMin = t;
  if (t > timeMax) timeMax = t;
  appended += 1;
}

/** The head's first sample settles the bounds for the rest of the request. */
function start(t: i64): void {
  started = true;
  let half = chunkRangeMs() / 2;
  appendableMin = max(minValid, t < i64.MIN_VALUE + half ? i64.MIN_VALUE : t - half);
  if (takesLate) lateMin = t < i64.MIN_VALUE + lateWindow ? i64.MIN_VALUE : t - lateWindow;
  store<i64>(control, t, kFirstTime);
}

/** Where the next refused run goes: there is one for each row and sample at most. */
function refusedEnd(): usize {
  if (refusedBegin == 0) {
    refusedBegin = area(areaRefused, (rowCount + sampleTotal) * refusedBytes);
    toRefused = refusedBegin;
  }
  return toRefused;
}

function addRefused(row: u32, first: u32, reason: u32): void {
  let to = refusedEnd();
  store<u32>(to, row);
  store<u32>(to, first, 4);
  store<u32>(to, 1, 8);
  store<u32>(to, reason, 12);
  toRefused = to + refusedBytes;
}

/** Notes that a sample of a row is refused: in the last run if it goes on. */
function refuse(r: usize, at: usize, reason: u32): void {
  let row = <u32>(r - rows) / rowBytes;
  let index = <u32>(at - samples) / sampleBytes - load<u32>(r, 24);
  let to = refusedEnd();
  if (to != refusedBegin) {
    let last = to - refusedBytes;
    let count = load<u32>(last, 8);
    if (load<u32>(last) == row && load<u32>(last, 12) == reason && load<u32>(last, 4) + count == index) {
      store<u32>(last, count + 1, 8);
      return;
    }
  }
  addRefused(row, index, reason);
}

/** Creates the series of a row, and logs it. */
function createOfRow(r: usize): u32 {
  let tag = load<u32>(r);
  let labels = body + load<u32>(r, 16);
  let length = load<u32>(r, 20);
  let s = createSeries(nextRef, tag, labels, length);
  insert(tag, s);
  noteCreated(s);
  if (toSeries == seriesBegin) {
    store<u8>(toSeries, 1);
    toSeries += 1;
  }
  toSeries = writeSeries(toSeries, nextRef, labels, length, load<u32>(r, 52));
  nextRef += 1;
  creatable -= 1;
  bump(kCreated, 1);
  return s;
}

/**
 * Begins to append the rows that no shard has dealt with yet. Rows of unknown series are left to other shards unless `create` is set.
 * @param most series that may be created; samples of rows that would make more are refused
 * @param isStarted whether the head has data; if not, the first sample within the bounds counts as its newest
 * @param late whether samples are taken out of order: from `lateFrom` on, or from `window` before the head's first sample
 */
export function beginAppend(
  bodyAt: usize, rowsAt: usize, rowTotal: u32, samplesAt: usize, sampleCount: u32, labelBytes: u32,
  create: bool, most: u32, lowest: i64, appendable: i64, isStarted: bool, highest: i64, ref: u64,
  mask: u64, late: bool, lateFrom: i64, window: i64,
): void {
  clearControl();
  body = bodyAt;
  rows = rowsAt;
  rowCount = rowTotal;
  samples = samplesAt;
  sampleTotal = sampleCount;
  mayCreate = create;
  creatable = most;
  minValid = lowest;
  appendableMin = appendable;
  started = isStarted;
  timestampMax = highest;
  nextRef = ref;
  hostMask = mask;
  takesLate = late;
  lateMin = lateFrom;
  lateWindow = window;
  samplesBegin = area(areaSamplesRecord, sampleCount * 28 + 32);
  toSamples = samplesBegin;
  seriesBegin = create ? <usize>area(areaSeriesRecord, labelBytes + rowCount * 16 + 16) : 0;
  toSeries = seriesBegin;
  lateBegin = late ? <usize>area(areaLate, sampleCount * lateBytes + 32) : 0;
  toLate = lateBegin;
  refusedBegin = 0;
  toRefused = 0;
  pointers = area(areaPointers, lookahead * 4);
  groupBegin = 0;
  groupEnd = 0;
  timeMin = i64.MAX_VALUE;
  timeMax = i64.MIN_VALUE;
  appended = 0;
  tellBounds();
}

function tellBounds(): void {
  store<i64>(control, appendableMin, kAppendableMin);
  store<u32>(control, started ? 1 : 0, kStarted);
  store<i64>(control, lateMin, kLateMin);
  store<u32>(control, takesLate ? 1 : 0, kTakesLate);
}

/** Looks up the rows from `begin` on. */
function lookUp(begin: u32): void {
  groupBegin = begin;
  groupEnd = min(begin + lookahead, rowCount);
  let n = groupEnd - begin;
  let row = rows + <usize>begin * rowBytes;
  let warm: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    let r = row + <usize>i * rowBytes;
    store<u32>(pointers + (<usize>i << 2), candidate(load<u32>(r)));
  }
  for (let i: u32 = 0; i < n; i++) {
    let s = <usize>load<u32>(pointers + (<usize>i << 2));
    if (s != 0) warm += load<u64>(s) + load<u64>(s, 64) + load<u64>(s, 128) + load<u64>(s, 256) + load<u64>(s, 384);
  }
  for (let i: u32 = 0; i < n; i++) {
    let s = <usize>load<u32>(pointers + (<usize>i << 2));
    if (s != 0) warm += load<u8>(load<u32>(s, sOpen) + (load<u16>(s, 46) >> 3));
  }
  warmth = warm;
}

/** Appends from a row on, up to the next host row, whose index is returned and whose series is left in kStopSeries; at the end, the number of rows. */
export function runAppend(from: u32): u32 {
  let index = from;
  let isHostRow = false;
  let lowest = appendableMin;
  let highest = timestampMax;
  let mask = hostMask;
  while (index < rowCount) {
    if (index >= groupEnd || index < groupBegin) lookUp(index);
    let end = groupEnd;
    let pointer = pointers + (<usize>(index - groupBegin) << 2);
    let r = rows + <usize>index * rowBytes;
    for (; index < end; index++, r += rowBytes, pointer += 4) {
      if (load<u8>(r, rowDone) != 0) continue;
      let verdict = load<u8>(r, 48);
      if (verdict != 0) {
        addRefused(index, 0, refusedVerdicts + verdict);
        store<u8>(r, 1, rowDone);
        continue;
      }
      let tag = load<u32>(r);
      let labels = body + load<u32>(r, 16);
      let length = load<u32>(r, 20);
      let s = load<u32>(pointer);
      if (s == 0 || load<u32>(s, sLabelsLength) != length || !equalBytes(<usize>s + sLabels, labels, length)) s = find(tag, labels, length);
      if (s == 0 && !mayCreate) {
        bump(kLeft, 1);
        continue;
      }
      store<u8>(r, 1, rowDone);
      let others = load<u64>(r, 40);
      if ((others & mask) != 0 || (s != 0 && (load<u8>(s, sFlags) & flagHost) != 0)) {
        store<u32>(control, s, kStopSeries);
        isHostRow = true;
        break;
      }
      let at = samples + <usize>load<u32>(r, 24) * sampleBytes;
      let stop = at + <usize>load<u32>(r, 28) * sampleBytes;
      for (; at < stop; at += sampleBytes) {
        let t = load<i64>(at);
        let bits = load<u64>(at, 8);
        if (t > highest) {
          refuse(r, at, refusedOutOfBounds);
          continue;
        }
        if (!started) {
          if (t < minValid) {
            // The head is empty, so what counts as its newest time is where the blocks end.
            if (!takesLate) {
              refuse(r, at, refusedOutOfBounds);
              continue;
            }
            if (t < minValid - lateWindow && minValid >= i64.MIN_VALUE + lateWindow) {
              refuse(r, at, refusedTooOld);
              continue;
            }
            if (s == 0) {
              if (creatable == 0) {
                refuse(r, at, refusedSeriesLimit);
                continue;
              }
              s = createOfRow(r);
            }
            logSample(load<u64>(s, sRef), t, bits);
            addLate(s, t, bits);
            continue;
          }
          if (s == 0 && creatable == 0) {
            refuse(r, at, refusedSeriesLimit);
            continue;
          }
          start(t);
          lowest = appendableMin;
        }
        if (t >= lowest) {
          if (s == 0) {
            if (creatable == 0) {
              refuse(r, at, refusedSeriesLimit);
              continue;
            }
            s = createOfRow(r);
            noteFirst(t);
          } else if (load<u32>(s, sOpen) != 0 || load<u32>(s, sOldest) != 0) {
            let last = load<i64>(s, sMaxTime);
            if (t == last) {
              if (bits != load<u64>(s, sLastBits)) refuse(r, at, refusedDuplicate);
              else logSample(load<u64>(s, sRef), t, bits);
              continue;
            }
            if (t < last) {
              if (!takesLate) {
                refuse(r, at, refusedOutOfOrder);
                continue;
              }
              if (t < lateMin) {
                refuse(r, at, refusedTooOld);
                continue;
              }
              logSample(load<u64>(s, sRef), t, bits);
              addLate(s, t, bits);
              continue;
            }
          } else {
            noteFirst(t);
          }
          storeSample(s, t, bits);
          logSample(load<u64>(s, sRef), t, bits);
          continue;
        }
        if (!takesLate) {
          refuse(r, at, refusedOutOfBounds);
          continue;
        }
        if (t < lateMin) {
          refuse(r, at, refusedTooOld);
          continue;
        }
        if (s == 0) {
          if (creatable == 0) {
            refuse(r, at, refusedSeriesLimit);
            continue;
          }
          s = createOfRow(r);
        }
        logSample(load<u64>(s, sRef), t, bits);
        addLate(s, t, bits);
      }
    }
    if (isHostRow) break;
  }
  tellBounds();
  return index;
}

function addLate(s: u32, t: i64, bits: u64): void {
  store<i64>(toLate, t);
  store<u64>(toLate, bits, 8);
  store<u32>(toLate, s, 16);
  toLate += lateBytes;
}

/** The host has seen the head's first sample. */
export function startAt(t: i64): void {
  if (started) return;
  start(t);
  tellBounds();
}

/** Whether one more series may be created. */
export function canCreate(): bool {
  return creatable > 0;
}

/** Creates the series of the host row. */
export function createHostSeries(row: u32): u32 {
  return createOfRow(rows + <usize>row * rowBytes);
}

export function appendFloat(s: u32, t: i64, bits: u64, log: bool): void {
  if (load<u32>(s, sOpen) == 0 && load<u32>(s, sOldest) == 0) noteFirst(t);
  storeSample(s, t, bits);
  if (log) logSample(load<u64>(s, sRef), t, bits);
}

export function logFloat(s: u32, t: i64, bits: u64): void {
  logSample(load<u64>(s, sRef), t, bits);
}

/** Ends the running samples record. */
export function takeSamples(): void {
  store<u32>(control, <u32>samplesBegin, kSamplesRecord);
  store<u32>(control, <u32>(toSamples - samplesBegin), kSamplesRecord + 4);
  samplesBegin = toSamples;
}

export function endAppend(): void {
  takeSamples();
  store<u32>(control, appended, kAppended);
  store<i64>(control, timeMin, kMin);
  store<i64>(control, timeMax, kMax);
  store<u64>(control, nextRef, kNextRef);
  store<u32>(control, <u32>seriesBegin, kSeriesRecord);
  store<u32>(control, <u32>(toSeries - seriesBegin), kSeriesRecord + 4);
  store<u32>(control, <u32>lateBegin, kLate);
  store<u32>(control, <u32>(toLate - lateBegin) / lateBytes, kLateCount);
  store<u32>(control, <u32>refusedBegin, kRefused);
  store<u32>(control, <u32>(toRefused - refusedBegin) / refusedBytes, kRefusedCount);
}
