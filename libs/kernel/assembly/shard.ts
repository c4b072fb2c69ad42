/**
 * One shard of a tenant's head: series, their chunks and the table that finds them, all in this instance's linear memory.
 * The JavaScript side is src/shard.ts. Blocks come from shard-memory, layouts are in shard-series and shard-control.
 */
import {
  area,
  areaLabels,
  areaLate,
  areaList,
  areaNeed,
  areaPointers,
  areaRefused,
  areaRequest,
  areaSamplesRecord,
  areaSeriesRecord,
  clearControl,
  control,
  kList,
  kListCount,
} from './shard-control';
import { limitMemory, reserveBytes, usedBytes } from './shard-memory';
import { entriesNeed } from './shard-replay';
import { sRef } from './series-layout';
import { chunkCount, dropChunks, unstoredCount } from './shard-series';
import { openTable, seriesCount, slotAt, tableMask, tableNeed } from './shard-table';
import { configureChunks } from './xor';

export {
  appendFloat, beginAppend, canCreate, createHostSeries, endAppend, logFloat, runAppend, startAt, takeSamples,
} from './shard-append';
export { giveBack, lend, takeCreated, trackCreated, untrackCreated } from './shard-created';
export { attach, clearHost, finishChunk, markStored, newChunk, pushChunk, setHost, setPinned, stepUnstored } from './shard-host';
export {
  checkSamples, checkSeries, removeSeries, replayEnd, replaySamples, replaySeries, resumeSamples, seriesOfRef,
} from './shard-replay';
export { snapshotBegin, snapshotEnd, snapshotFrom, snapshotInto, snapshotStep, snapshotTotal } from './shard-snapshot';
export { truncateBegin, truncateStep } from './shard-truncate';

/** `seed`: a random number that places series in the table; `pagesMax`: wasm pages that memory may have. */
export function open(chunkRange: i64, samplesPerChunk: u32, seed: u64, pagesMax: u32): usize {
  limitMemory(pagesMax);
  configureChunks(chunkRange, samplesPerChunk);
  openTable(seed);
  return control;
}

/** Where the caller puts its request. */
export function request(bytes: u32): u32 {
  return area(areaRequest, bytes);
}

/**
 * Makes sure that an append cannot run out of memory half way. `small` and `runs` are what series and chunks take; then come the sizes of the
 * areas, how many series may be new, bytes for samples out of order, and for what is refused.
 */
export function reserveAppend(
  small: f64,
  runs: f64,
  request: u32,
  seriesRecord: u32,
  samplesRecord: u32,
  rows: u32,
  late: u32,
  refused: u32,
): bool {
  let need =
    <u64>runs +
    tableNeed(rows) +
    areaNeed(areaRequest, request) +
    areaNeed(areaSamplesRecord, samplesRecord) +
    areaNeed(areaPointers, 64) +
    areaNeed(areaRefused, refused);
  if (late != 0) need += areaNeed(areaLate, late);
  if (seriesRecord != 0) need += areaNeed(areaSeriesRecord, seriesRecord);
  return reserveBytes(<u64>small, need, true);
}

/** The same for a piece of a record: `work` for the largest entry, and `refs` that may be new. */
export function reserveReplay(small: f64, runs: f64, request: u32, work: u32, rows: u32, refs: u32): bool {
  return reserveBytes(
    <u64>small,
    <u64>runs + tableNeed(rows) + areaNeed(areaRequest, request) + areaNeed(areaLabels, work) + areaNeed(areaList, refs * 16) + entriesNeed(refs),
    false,
  );
}

/** Room for lists of so many bytes. */
export function reserveList(bytes: u32): bool {
  return reserveBytes(0, <u64>bytes + areaNeed(areaList, bytes) + 4 * 16384, false);
}

export function series(): u32 {
  return seriesCount;
}

export function chunks(): u32 {
  return chunkCount;
}

export function unstored(): u32 {
  return unstoredCount;
}

/** A series whose labels were logged once more: what it had is gone. */
export function resetSeries(s: u32): void {
  dropChunks(s);
}

export function used(): u32 {
  return usedBytes();
}

/** Lists the refs of all series, u64 each. */
export function refs(): void {
  clearControl();
  let to: usize = area(areaList, seriesCount * 8);
  store<u32>(control, <u32>to, kList);
  store<u32>(control, seriesCount, kListCount);
  for (let i: u32 = 0; i <= tableMask; i++) {
    let s = load<u32>(slotAt(i), 4);
    if (s == 0) continue;
    store<u64>(to, load<u64>(s, sRef));
    to += 8;
  }
}
