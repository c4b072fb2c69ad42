import type { Clock } from '@gauntlet/base';
import type { ScannedBatch, SliceLimits } from '@gauntlet/kernel';

export interface HeadOptions {
  /** Measures the budgets of slices; the machine's by default. */
  readonly clock?: Pick<Clock, 'monotonicMs'>;
  /** The smallest block range, 2 h by default; no chunk crosses a multiple of it. */
  readonly chunkRangeMs: number;
  /** Samples at which a chunk is aimed; 120. */
  readonly samplesPerChunk?: number;
  /** A kernel instance that has grown to this takes no new series; the next one is opened. At most 4 GiB. */
  readonly shardBytesMax?: number;
  /**
   * Series that one instance holds at most; 2^19 by default. Series do not move, and their chunks grow where they are: this
   * leaves each 8 KiB of the 4 GiB that an instance can address. One that is full all the same takes no new series, and refuses requests that
   * it may have no room for (`overloaded`, HEAD_SHARD_FULL) until a truncation gives some.
   */
  readonly shardSeriesMax?: number;
  /** Linear memory that one instance may have; 4 GiB. */
  readonly shardMemoryBytesMax?: number;
  /** What one call of an instance takes; larger requests go in slices, and each leaves log records of its own. */
  readonly sliceLimits?: SliceLimits;
}

/** Why samples or series of a batch were not stored: counts for each class of spec/receive.md 6.5. */
export interface Rejections {
  outOfBounds: number;
  outOfOrder: number;
  duplicate: number;
  emptyLabel: number;
  duplicateLabel: number;
  unsortedLabel: number;
  /** Sample kinds that this head does not store (native histograms). */
  unsupported: number;
}

/** Nothing was refused, to count up from. */
export const noRejections = (): Rejections => ({
  outOfBounds: 0,
  outOfOrder: 0,
  duplicate: 0,
  emptyLabel: 0,
  duplicateLabel: 0,
  unsortedLabel: 0,
  unsupported: 0,
});

export interface AppendResult {
  /**
   * What must be in the WAL before the batch is answered with success: series records (id 1) when series were created, then
   * samples records (id 2), one for each shard and slice that has stored some, of a few megabytes at most (a series with longer labels
   * is a record of its own). They hold every accepted sample, repeated identical ones included: a client that repeats a
   * request whose log write failed must be able to trust the second answer. Views into linear memory, valid until the
   * head's next call.
   */
  readonly records: readonly Uint8Array[];
  readonly samplesAppended: number;
  readonly seriesCreated: number;
  readonly rejected: Rejections;
  /** Any class of `rejected` above zero. */
  readonly hasRejections: boolean;
}

/** Tells samples outside these apart before they reach a series; captured once for each append (spec/tsdb.md 5.1). */
export interface AppendBounds {
  /** Samples newer than this are out of bounds; `Infinity` for none. */
  readonly timestampMsMax: number;
}

/** One finished or open chunk of a series. */
export interface HeadChunk {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** The encoding of spec/tsdb.md 1.3. */
  readonly encoding: number;
  readonly sampleCount: number;
  /** Payload with its sample count, a view valid until the cursor moves. */
  readonly data: Uint8Array;
}

/** A series at the cursor: labels in canonical protobuf form (see kernel's batch.ts) and its chunks in time order. */
export interface HeadSeries {
  readonly ref: number;
  readonly labels: Uint8Array;
  readonly chunks: readonly HeadChunk[];
}

/**
 * Walks the series that have samples in a range, in label order. Built in slices: `prepare` does a bounded piece of the
 * sorting and says whether more is to do, so that a caller can yield to the event loop in between.
 */
export interface HeadCursor {
  /** Works for about `budgetMs`; false once `next` may be called. */
  prepare(budgetMs: number): boolean;
  /** Undefined at the end. Views are valid until the next call on the cursor or the head. Chunks that lie across the range are re-encoded to what is inside. */
  next(): HeadSeries | undefined;
  /** Series at most. */
  readonly seriesCount: number;
  close(): void;
}

/**
 * The recent data of one tenant, in kernel memory. Every method is synchronous; between two calls nothing changes. One
 * thread mutates it.
 */
export interface Head {
  /** Bounds of the data; `Infinity` and `-Infinity` while there is none. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Lowest timestamp that is accepted ever again. */
  minValidTimeMs: number;
  readonly seriesCount: number;
  readonly chunkCount: number;
  /** Series ever created, samples ever appended: for counters. */
  readonly seriesCreatedTotal: number;
  readonly samplesAppendedTotal: number;
  readonly seriesRemovedTotal: number;
  /** Bytes in use of the linear memory of all kernel instances. */
  readonly memoryBytes: number;

  /** Appends the rows of one tenant group of a scanned request: validates labels, finds or creates series, classifies and stores samples (spec/receive.md 6). */
  append(batch: ScannedBatch, group: number, bounds: AppendBounds): AppendResult;

  /**
   * Applies one WAL record of id 1 or 2 (spec/tsdb.md 2.4, 2.7): samples below minValidTime, not newer than their series' last, or of
   * unknown refs are dropped and counted. Other ids are the caller's business.
   * @throws an error of kind `corrupt` when the record does not decode
   */
  replay(record: Uint8Array): void;
  readonly replayed: {
    readonly series: number;
    readonly samples: number;
    readonly dropped: number;
    readonly unknownRefs: number;
  };

  /** True when the head or its WAL expiries still need this series: the keep rule of a checkpoint (spec/tsdb.md 2.6). */
  keepInCheckpoint(ref: number, minTimeMs: number): boolean;

  /** Series with samples in [minTimeMs, maxTimeMs], both ends included. One cursor at a time; appends may go on meanwhile, and are not seen below maxTimeMs. */
  cursor(minTimeMs: number, maxTimeMs: number): HeadCursor;

  /**
   * Drops chunks that end before `minTimeMs` and series that have none left (spec/tsdb.md 5.8, GC and WAL expiries included), in
   * slices: works for about `budgetMs` and returns true while there is more to do. minTime and minValidTime move at once.
   */
  truncate(minTimeMs: number, budgetMs: number): boolean;
}
