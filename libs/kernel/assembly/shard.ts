/**
 * One shard of a tenant's head: series, their chunks and the table that finds them, all in this instance's linear memory.
 * The JavaScript side is src/shard.ts. Blocks come from shard-memory, layouts are in shard-series and shard-control.
 */
import { area, areaList, areaRequest, clearControl, control, kList, kListCount } from './shard-control';
import { reserveBytes, usedBytes } from './shard-memory';
import { chunkCount, sRef } from './shard-series';
import { openTable, seriesCount, slotAt, tableMask } from './shard-table';
import { configureChunks } from './xor';

export { append } from './shard-append';
export { cursorAgain, cursorClose, cursorNext, cursorOpen, cursorStep, cursorTotal } from './shard-cursor';
export { checkSamples, checkSeries, replayEnd, replaySamples, replaySeries } from './shard-replay';
export { truncateBegin, truncateStep } from './shard-truncate';

export function open(chunkRange: i64, samplesPerChunk: u32): usize {
  configureChunks(chunkRange, samplesPerChunk);
  openTable();
  return control;
}

/** Where the caller puts its request. */
export function request(bytes: u32): u32 {
  return area(areaRequest, bytes);
}

/**
 * Makes sure that a request cannot run out of memory half way: besides its copy and records, a new series for each row, a chunk or two
 * for each sample, one page for each block size, and a larger table.
 */
export function reserve(requestBytes: u32, rows: u32, samples: u32): bool {
  let need = <u64>requestBytes * 6 + <u64>rows * 512 + <u64>samples * 256 + (2 << 20);
  if ((<u64>seriesCount + rows) * 10 > <u64>tableMask * 7) need += (<u64>tableMask + 1 + rows * 2) * 32;
  return reserveBytes(need);
}

export function series(): u32 {
  return seriesCount;
}

export function chunks(): u32 {
  return chunkCount;
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
