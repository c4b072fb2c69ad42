import type { ShardFault } from './shard-error.js';
import type { StoredChunks } from './stored-chunks.js';

/** Where a series lies in its shard's memory; 0 stands for none. Valid until a truncation removes the series. */
export type SeriesAddress = number;

export interface ShardOptions {
  readonly chunkRangeMs: number;
  readonly samplesPerChunk: number;
  /** Linear memory that the instance may have; 4 GiB. */
  readonly memoryBytesMax?: number;
  /** Shared by the shards of a head: a trap in one ends the use of all. */
  readonly fault: ShardFault;
  /** Shared by the shards of a head: chunks found in files, until the series records that claim them are replayed. */
  readonly stored?: StoredChunks;
}

/** What an append judges by; timestamps are int64. */
export interface ShardBounds {
  readonly minValid: bigint;
  /** Captured when the head's append began; `minValid` at least. */
  readonly appendableMin: bigint;
  /** Whether the head has data. If not, the first sample within the bounds settles appendableMin and outOfOrderMin. */
  readonly started: boolean;
  readonly timestampMax: bigint;
  /** The lowest time that is taken out of order: the head's newest time, when its append began, less the window. Undefined when nothing is. */
  readonly outOfOrderMin?: bigint | undefined;
  /** The window itself, for a head without data; 0 when nothing is taken out of order. */
  readonly outOfOrderWindow?: bigint;
  /** Series that the append may create; any number by default. Samples that would need more are refused. */
  readonly createdMax?: number;
  /** Whether rows with exemplars are host rows. */
  readonly hostExemplars?: boolean;
}

/** The bounds as they are in the middle of an append: its first sample may have settled them. */
export interface ShardRunningBounds {
  readonly started: boolean;
  readonly appendableMin: bigint;
  readonly outOfOrderMin: bigint | undefined;
}

/** Why samples, or all of a row, were refused; all of a row: `verdict` and the row's verdict. */
export const shardRefusal = {
  outOfBounds: 1,
  outOfOrder: 2,
  duplicate: 3,
  tooOld: 4,
  seriesLimit: 5,
  verdict: 16,
} as const;

/** A run of float samples of a row that were refused for the same reason, or all of a row. */
export interface RefusedRun {
  /** Index of the row in the slice. */
  readonly row: number;
  /** Index of the first sample among those that the slice has of the row; 0 for all of it. */
  readonly first: number;
  /** Samples; 1 for all of a row. */
  readonly count: number;
  /** As `shardRefusal` says. */
  readonly reason: number;
}

/** What an append has refused, row by row and in the order of samples. */
export interface RefusedList extends Iterable<RefusedRun> {
  readonly length: number;
}

/** Float samples that were accepted, logged and listed, but not stored. */
export interface OutOfOrderList extends Iterable<OutOfOrderSample> {
  readonly length: number;
}

export interface OutOfOrderSample {
  readonly s: SeriesAddress;
  readonly ref: bigint;
  readonly t: bigint;
  readonly bits: bigint;
}

export interface ShardAppend {
  /** Bounds of what was stored; min > max when nothing was. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly nextRef: bigint;
  readonly appendableMin: bigint;
  readonly outOfOrderMin: bigint | undefined;
  readonly started: boolean;
  /** Timestamp of the sample that started the head, when this call saw it. */
  readonly firstTime: bigint;
  /** Samples stored; those out of order are not among them. */
  readonly appended: number;
  readonly created: number;
  /** Without what the host has refused; valid until the next append begins. */
  readonly refused: RefusedList;
  /** To be stored by the host; valid until the next append begins. */
  readonly outOfOrder: OutOfOrderList;
  /** Rows whose series this shard does not hold, left out because `create` was not set. */
  readonly rowsLeft: number;
  /** The rows as they are now, those dealt with marked: what the next shard is to be given. */
  readonly rows: Uint8Array;
  /** WAL records; empty when there is nothing to log. What `takeSamplesRecord` has returned is not repeated. */
  readonly seriesRecord: Uint8Array;
  readonly samplesRecord: Uint8Array;
}

/** A series as it is now. */
export interface ShardSeriesState {
  readonly ref: bigint;
  /** Of the newest sample in order; meaningless without samples, as is `lastBits` if it was a histogram. */
  readonly maxTime: bigint;
  readonly lastBits: bigint;
  /** Whether it has an open chunk, a finished one, or is the host's. */
  readonly hasSamples: boolean;
  /** Whether its newest sample is a histogram. */
  readonly isHost: boolean;
  readonly isPinned: boolean;
}

/** A finished chunk that the host has made. */
export interface FinishedChunk {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  /** Samples; fewer than 65,536. */
  readonly count: number;
  readonly encoding: number;
  readonly data: Uint8Array;
}

/** A chunk in a head chunk file: where its data begins, and how long it is. */
export interface StoredChunk {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly count: number;
  readonly encoding: number;
  readonly file: number;
  readonly offset: number;
  readonly dataLength: number;
}

/** A finished chunk that lies in memory alone. */
export interface UnstoredChunk extends FinishedChunk {
  readonly s: SeriesAddress;
  readonly node: number;
  readonly ref: bigint;
}

export interface SeriesReplay {
  readonly applied: number;
  /** The largest ref of the slice. */
  readonly maxRef: bigint;
  /** Series whose labels were logged once more, and that were the host's: what it has of them is void. */
  readonly hostReset: SeriesAddress[];
  /** Bounds of the chunks in files that were claimed; min > max when none were. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
}

export interface ShardReplay {
  /** Bounds of what was stored since the call began. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly stored: number;
  readonly dropped: number;
  /** Samples of refs that this shard knows. */
  readonly known: number;
  /** The largest ref below 2^53 that it does not know; 0 for none. */
  readonly unknownRefMax: bigint;
  /** The sample at which the replay has stopped: it is newer than its series' newest, which is a histogram. Counted as known only. */
  readonly stopped:
    { readonly s: SeriesAddress; readonly ref: bigint; readonly t: bigint; readonly bits: bigint } | undefined;
}

/** A piece of a WAL record that is replayed in one go: its entries or samples lie in the bytes [from, to). */
export interface RecordSlice {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** What its entries take as new series: bytes of small blocks, of runs of pages, and of working space. */
  readonly seriesBytes: number;
  readonly seriesRunBytes: number;
  readonly workBytes: number;
}

export interface ShardTruncation {
  readonly more: boolean;
  /** Refs of series that are gone. */
  readonly removed: BigUint64Array;
  /** Refs of pinned series that have lost all their samples in order, and were the host's: it forgets their open chunks. */
  readonly emptied: BigUint64Array;
  /** Oldest chunk start that is left among the series seen so far. */
  readonly oldest: bigint;
  /** Smallest head chunk file that is referenced among them; Infinity for none. */
  readonly oldestFile: number;
}
