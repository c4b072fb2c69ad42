import {
  area, areaPointers, areaSamplesRecord, areaSeriesRecord, bump, clearControl, control,
  kAppendableMin, kAppended, kCreated, kDuplicate, kFirstTime, kLeft, kMax, kMin, kNextRef, kOutOfBounds, kOutOfOrder,
  kSamplesRecord, kSeriesRecord, kStarted, kUnsupported, kVerdicts,
} from './shard-control';
import { createSeries, equalBytes, sLabels, sLabelsLength, sLastBits, sMaxTime, sOpen, sRef } from './shard-series';
import { candidate, find, insert } from './shard-table';
import { noteCreated } from './shard-truncate';
import { writeSeries, writeSigned } from './shard-wal';
import { appendSample, chunkRangeMs } from './xor';

const rowBytes: u32 = 56;
const sampleBytes: u32 = 16;
/** Rows looked up before the first of them is appended to, so that their cache misses overlap. */
const lookahead: u32 = 16;
/** The spare byte of a row says that a shard has dealt with it. */
const rowDone: usize = 49;

let toSeries: usize = 0;
let toSamples: usize = 0;
let samplesBegin: usize = 0;
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

/**
 * Appends the rows that no shard has dealt with yet, as spec/receive.md 6.3 says for an out-of-order window of 0. Rows of unknown
 * series are left to other shards unless `create` is set.
 * @param started whether the head has data; if not, the first sample within the bounds counts as its newest
 */
export function append(
  body: usize, rows: usize, rowCount: u32, samples: usize, sampleCount: u32, labelBytes: u32,
  create: bool, minValid: i64, appendableMin: i64, started: bool, timestampMax: i64, ref: u64,
): void {
  clearControl();
  samplesBegin = area(areaSamplesRecord, sampleCount * 28 + 32);
  toSamples = samplesBegin;
  let seriesBegin: usize = create ? <usize>area(areaSeriesRecord, labelBytes + rowCount * 16 + 16) : 0;
  toSeries = seriesBegin;
  let pointers: usize = area(areaPointers, lookahead * 4);
  nextRef = ref;
  timeMin = i64.MAX_VALUE;
  timeMax = i64.MIN_VALUE;
  appended = 0;
  let outOfBounds: u32 = 0;
  let outOfOrder: u32 = 0;
  let duplicate: u32 = 0;
  let warm: u64 = 0;

  for (let begin: u32 = 0; begin < rowCount; begin += lookahead) {
    let n = min(lookahead, rowCount - begin);
    let row = rows + <usize>begin * rowBytes;
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
    for (let i: u32 = 0; i < n; i++) {
      let r = row + <usize>i * rowBytes;
      if (load<u8>(r, rowDone) != 0) continue;
      let verdict = load<u8>(r, 48);
      if (verdict != 0) {
        bump(kVerdicts + (<usize>verdict << 2), 1);
        store<u8>(r, 1, rowDone);
        continue;
      }
      let tag = load<u32>(r);
      let labels = body + load<u32>(r, 16);
      let length = load<u32>(r, 20);
      let s = load<u32>(pointers + (<usize>i << 2));
      if (s == 0 || load<u32>(s, sLabelsLength) != length || !equalBytes(<usize>s + sLabels, labels, length)) s = find(tag, labels, length);
      if (s == 0 && !create) {
        bump(kLeft, 1);
        continue;
      }
      store<u8>(r, 1, rowDone);
      let histograms = load<u32>(r, 40);
      if (histograms != 0) bump(kUnsupported, histograms);
      let at = samples + <usize>load<u32>(r, 24) * sampleBytes;
      let end = at + <usize>load<u32>(r, 28) * sampleBytes;
      for (; at < end; at += sampleBytes) {
        let t = load<i64>(at);
        let bits = load<u64>(at, 8);
        if (t > timestampMax || t < minValid) {
          outOfBounds += 1;
          continue;
        }
        if (!started) {
          started = true;
          let half = chunkRangeMs() / 2;
          let low = t < i64.MIN_VALUE + half ? i64.MIN_VALUE : t - half;
          appendableMin = max(minValid, low);
          store<i64>(control, t, kFirstTime);
        }
        if (t < appendableMin) {
          outOfBounds += 1;
          continue;
        }
        if (s == 0) {
          s = createSeries(nextRef, tag, labels, length);
          insert(tag, s);
          noteCreated(t);
          if (toSeries == seriesBegin) {
            store<u8>(toSeries, 1);
            toSeries += 1;
          }
          toSeries = writeSeries(toSeries, nextRef, labels, length, load<u32>(r, 52));
          nextRef += 1;
          bump(kCreated, 1);
        } else if (load<u32>(s, sOpen) != 0) {
          let last = load<i64>(s, sMaxTime);
          if (t < last) {
            outOfOrder += 1;
            continue;
          }
          if (t == last) {
            if (bits != load<u64>(s, sLastBits)) duplicate += 1;
            else logSample(load<u64>(s, sRef), t, bits);
            continue;
          }
        }
        storeSample(s, t, bits);
        logSample(load<u64>(s, sRef), t, bits);
      }
    }
  }
  warmth = warm;
  store<u32>(control, outOfBounds, kOutOfBounds);
  store<u32>(control, outOfOrder, kOutOfOrder);
  store<u32>(control, duplicate, kDuplicate);
  store<u32>(control, appended, kAppended);
  store<i64>(control, timeMin, kMin);
  store<i64>(control, timeMax, kMax);
  store<u64>(control, nextRef, kNextRef);
  store<i64>(control, appendableMin, kAppendableMin);
  store<u32>(control, started ? 1 : 0, kStarted);
  store<u32>(control, <u32>seriesBegin, kSeriesRecord);
  store<u32>(control, <u32>(toSeries - seriesBegin), kSeriesRecord + 4);
  store<u32>(control, <u32>samplesBegin, kSamplesRecord);
  store<u32>(control, <u32>(toSamples - samplesBegin), kSamplesRecord + 4);
}
