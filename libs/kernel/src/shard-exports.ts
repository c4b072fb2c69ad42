import type { ShardFault } from './shard-error.js';

/** The functions of assembly/shard.ts. */
export interface ShardExports {
  open(chunkRangeMs: bigint, samplesPerChunk: number, seed: bigint, pagesMax: number): number;
  request(bytes: number): number;
  reserveAppend(
    small: number,
    runs: number,
    request: number,
    seriesRecord: number,
    samplesRecord: number,
    rows: number,
    late: number,
    refused: number,
  ): number;
  reserveReplay(small: number, runs: number, request: number, work: number, rows: number, refs: number): number;
  reserveList(bytes: number): number;
  beginAppend(
    body: number,
    rows: number,
    rowCount: number,
    samples: number,
    sampleCount: number,
    labelBytes: number,
    create: number,
    most: number,
    minValid: bigint,
    appendableMin: bigint,
    started: number,
    timestampMax: bigint,
    ref: bigint,
    hostMask: bigint,
    takesLate: number,
    lateMin: bigint,
    lateWindow: bigint,
  ): void;
  runAppend(from: number): number;
  startAt(t: bigint): void;
  canCreate(): number;
  createHostSeries(row: number): number;
  appendFloat(s: number, t: bigint, bits: bigint, log: number): void;
  logFloat(s: number, t: bigint, bits: bigint): void;
  takeSamples(): void;
  endAppend(): void;
  finishChunk(s: number): number;
  newChunk(length: number): number;
  pushChunk(s: number, chunk: number, min: bigint, max: bigint, length: number, count: number, encoding: number): void;
  attach(
    s: number,
    min: bigint,
    max: bigint,
    length: number,
    count: number,
    encoding: number,
    file: number,
    offset: number,
  ): number;
  setHost(s: number, open: number, openTime: bigint, maxTime: bigint): void;
  clearHost(s: number): void;
  setPinned(s: number, on: number): void;
  stepUnstored(steps: number, most: number): number;
  markStored(s: number, chunk: number, file: number, offset: number): void;
  checkSeries(begin: number, length: number, entriesMax: number): void;
  replaySeries(begin: number, length: number, entries: number, done: number, create: number): void;
  resetSeries(s: number): void;
  checkSamples(begin: number, length: number, samplesMax: number): void;
  replaySamples(record: number, length: number, minValid: bigint): void;
  resumeSamples(): void;
  seriesOfRef(ref: bigint): number;
  removeSeries(ref: bigint): number;
  replayEnd(): void;
  refs(): void;
  trackCreated(): void;
  untrackCreated(): void;
  takeCreated(): void;
  lend(bytes: number): number;
  giveBack(block: number): void;
  snapshotBegin(min: bigint, max: bigint): number;
  snapshotStep(steps: number): number;
  snapshotFrom(): number;
  snapshotInto(): number;
  snapshotTotal(): number;
  snapshotEnd(): void;
  truncateBegin(min: bigint): void;
  truncateStep(steps: number): number;
  series(): number;
  chunks(): number;
  unstored(): number;
  used(): number;
}

/** Each function refuses to run once one of the head's instances has trapped. */
export function guard(exports: ShardExports, fault: ShardFault): ShardExports {
  const guarded: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(exports) as [string, unknown][]) {
    if (typeof call !== 'function') continue;
    guarded[name] = (...args: unknown[]): unknown => {
      fault.check();
      try {
        return (call as (...values: unknown[]) => unknown)(...args);
      } catch (error) {
        throw fault.break(error);
      }
    };
  }
  return guarded as unknown as ShardExports;
}
