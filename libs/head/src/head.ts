import type { Clock } from '@gauntlet/base';
import type { ChunkSample } from '@gauntlet/chunk';
import type { ScannedBatch, ShardSnapshotDescription, SliceLimits } from '@gauntlet/kernel';
import { rejectionReasons, type RejectionList, type RejectionReason } from '@gauntlet/remote-write';
import type { LabelMatcher, Pace, Selection, SeriesSource, SeriesStore } from '@gauntlet/select';
import type { Exemplar, ExemplarRing } from './exemplar-ring.js';
import type { RefPages } from './ref-set.js';

/** A chunk on its way to a file of `chunks_head` (spec/tsdb.md 3.1). */
export interface SinkChunk {
  readonly ref: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly data: Uint8Array;
}

/** Where a chunk begins: with the ref of its series, at this offset of the file. */
export interface ChunkPosition {
  readonly file: number;
  readonly offset: number;
}

/** Takes finished chunks: a position is final at once, and the data is copied before `append` returns. */
export interface ChunkSink {
  append(chunk: SinkChunk): ChunkPosition;
  /** False while it has taken as much as it may hold before it is written. */
  readonly hasRoom: boolean;
}

/** Gives back what the sink has taken, to whoever reads series. */
export interface ChunkSource {
  /** `into` gets the data of each chunk with its index, in no order; it may keep them. */
  read(
    chunks: readonly (ChunkPosition & { readonly dataLength: number })[],
    into: (index: number, data: Uint8Array) => void,
  ): Promise<void>;
}

/** A chunk that was found in a file. */
export interface AttachedChunk {
  readonly ref: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly sampleCount: number;
  readonly position: ChunkPosition;
  readonly dataLength: number;
}

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
  /** How far before the newest sample of the head a sample may lie and still be taken out of order; 0, which takes none. */
  readonly outOfOrderWindowMs?: number;
  /** Out-of-order samples of a series that are kept in an array before they are encoded: 1 to 255, 32 by default. */
  readonly outOfOrderCapMax?: number;
  /** Exemplars that are kept for all series together; 0, which drops all of them without a word. */
  readonly exemplarsMax?: number;
  /** Where `spill` moves finished chunks to, and where full arrays of out-of-order samples go at once. Without one, all stay in memory. */
  readonly chunkSink?: ChunkSink;
  /** Without one, series with chunks in files can be found, but their chunks cannot be read. */
  readonly chunkSource?: ChunkSource;
}

/** Counts for each class of spec/receive.md 6.5. */
export type Rejections = Record<RejectionReason, number>;

/** Nothing was refused, to count up from. */
export const noRejections = (): Rejections => ({
  emptyLabel: 0,
  duplicateLabel: 0,
  unsortedLabel: 0,
  badReference: 0,
  nameMissing: 0,
  notUtf8: 0,
  noItems: 0,
  outOfBounds: 0,
  outOfOrder: 0,
  duplicate: 0,
  tooOld: 0,
  invalidHistogram: 0,
  exemplarOutOfOrder: 0,
  exemplarLabels: 0,
  exemplarWithoutSeries: 0,
  seriesLimit: 0,
  unknown: 0,
});

/** The counts of a list. */
export function countRejections(list: RejectionList): Rejections {
  const counts = noRejections();
  if (list.length > 0) for (const reason of rejectionReasons) counts[reason] = list.count(reason);
  return counts;
}

export interface AppendResult {
  /**
   * What must be in the WAL before the batch is answered with success, in this order: series (id 1) when some were created; then what
   * was accepted, in runs within which a series has one type of sample: floats (id 2), histograms (7 and 9), histograms of floats
   * (8 and 10); exemplars (4) last. A record has a few megabytes at most (a series with longer labels
   * is a record of its own). They hold every accepted sample, repeated identical ones and those taken out of order included: a client that repeats a
   * request whose log write failed must be able to trust the second answer. Views into linear memory, valid until the
   * head's next call.
   */
  readonly records: readonly Uint8Array[];
  /**
   * What goes into the WBL, in order, after `records` are in the WAL (spec/tsdb.md 2.9): out-of-order samples (2, 7 to 10), and markers (5) where a
   * series' array has been encoded in between. Copies. Best effort: should they be lost, the WAL still has the samples, though its replay drops them.
   */
  readonly outOfOrderRecords: readonly Uint8Array[];
  /** Floats and histograms that were stored, out-of-order ones included; identical repetitions are not. */
  readonly samplesAppended: number;
  readonly seriesCreated: number;
  /** Exemplars that were taken, those that are there already included. */
  readonly exemplarsAccepted: number;
  readonly rejected: Rejections;
  /** Any class of `rejected` above zero. */
  readonly hasRejections: boolean;
  /**
   * What `rejected` counts, item by item; rows are numbered as in the whole batch. All else of the group was accepted, except exemplars that are passed over without a word: those of a series
   * that is not there or whose last sample was refused, and all while none are kept.
   */
  readonly rejections: RejectionList;
}

/** Tells samples outside these apart before they reach a series; captured once for each append (spec/tsdb.md 5.1). */
export interface AppendBounds {
  /** Samples newer than this are out of bounds; `Infinity` for none. */
  readonly timestampMsMax: number;
  /** Series that the head may have: samples of series that would be more are refused. Without a bound by default, and when it is 0. */
  readonly seriesMax?: number;
}

/** Both ends belong to it. */
export interface TimeInterval {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

interface HeadChunkSummary extends TimeInterval {
  /** The encoding of spec/tsdb.md 1.3. */
  readonly encoding: number;
  readonly sampleCount: number;
}

/** A chunk with its bytes at hand. */
export interface HeldHeadChunk extends HeadChunkSummary {
  /** Payload with its sample count. */
  readonly data: Uint8Array;
  readonly stored?: undefined;
}

/** A chunk whose bytes are in a file of the chunk sink. */
export interface StoredHeadChunk extends HeadChunkSummary {
  readonly data?: undefined;
  readonly stored: ChunkPosition & { readonly dataLength: number };
  /** There when the chunk holds samples that are not to be seen: `trimChunk` leaves them out once its bytes are read, and then nothing may be left. Times and count are those of the whole chunk. */
  readonly trim?: ChunkTrim;
}

/** Which samples of a chunk are to be seen: those within the range, without those of `deleted`. */
export interface ChunkTrim extends TimeInterval {
  readonly deleted: readonly TimeInterval[];
}

/** One finished chunk of a series. */
export type HeadChunk = HeldHeadChunk | StoredHeadChunk;

/** A series at the cursor: labels in canonical protobuf form (see kernel's batch.ts) and its chunks in time order. */
export interface HeadSeries {
  readonly ref: number;
  readonly labels: Uint8Array;
  readonly chunks: readonly HeadChunk[];
}

/** What another thread needs to read a snapshot: structured-cloneable, with the memories shared and the rest copied. */
export interface HeadSnapshotDescription {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** One for each shard that has series in the range. */
  readonly shards: readonly ShardSnapshotDescription[];
  /** Deleted intervals that touch the range, by ref. */
  readonly deleted: ReadonlyMap<number, readonly TimeInterval[]>;
}

/**
 * Holds what a range of the head is made of in place, so that it can be read while appends go on. The caller promises that
 * nothing at or below the range's end is appended in order meanwhile. No truncation, spilling or second snapshot until it is closed.
 */
export interface HeadSnapshotBuilder {
  /** Gathers series and finishes their open chunks for about `budgetMs`; false once there is no more to do. */
  prepare(budgetMs: number): boolean;
  /** After `prepare` has said that it is done. */
  description(): HeadSnapshotDescription;
  /** After the last reader has been closed. */
  close(): void;
}

/** All out-of-order data at one moment. */
export interface OutOfOrderSnapshot {
  /** In label order. */
  readonly series: readonly OutOfOrderSeries[];
  /** Forgets what the snapshot holds, and nothing that has come since. */
  drop(): void;
}

export interface OutOfOrderSeries {
  readonly ref: number;
  readonly labels: Uint8Array;
  /** Encoded ones: they may overlap, and lie in any order. In files when there is a chunk sink. Tombstones are applied when they are read (`trimChunk`). */
  readonly chunks: readonly HeadChunk[];
  /** Those still in the series' array, by time. */
  readonly samples: readonly ChunkSample[];
}

/**
 * Walks the series that have samples in a range, in label order. Built in slices: `prepare` does a bounded piece of the
 * sorting and says whether more is to do, so that a caller can yield to the event loop in between.
 */
export interface HeadCursor {
  /** Works for about `budgetMs`; false once `next` may be called. */
  prepare(budgetMs: number): boolean;
  /** Undefined at the end. Views are valid until the snapshot is closed. Chunks that lie across the range or hold deleted samples are encoded anew without those, or say how to (`trim`) when they are in a file. */
  next(): HeadSeries | undefined;
  /** Series at most. */
  readonly seriesCount: number;
  close(): void;
}

export interface HeadSelectionQuery extends Selection {
  /** Finished chunks in order that end before it are left out: blocks have them. */
  readonly inOrderFromMs?: number;
}

/** How many series, values or bytes something has. */
export interface HeadStatistic {
  readonly name: string;
  readonly value: number;
}

/** What the head is made of (spec/store-api.md 9.5); lists have the largest first, then by name. */
export interface HeadStatistics extends TimeInterval {
  readonly seriesCount: number;
  /** Different pairs of name and value. */
  readonly labelPairCount: number;
  readonly seriesByMetric: readonly HeadStatistic[];
  readonly valuesByName: readonly HeadStatistic[];
  /** Bytes of values, counted once for each series. */
  readonly bytesByName: readonly HeadStatistic[];
  /** Names are `name=value`. */
  readonly seriesByPair: readonly HeadStatistic[];
}

export interface ExemplarQuery extends TimeInterval {
  /** A series is asked for when it matches all of one of these. */
  readonly selectors: readonly (readonly LabelMatcher[])[];
  readonly pace: Pace;
}

/** Exemplars of a series, oldest first. */
export interface HeadExemplars {
  /** Canonical, as stored; a copy. */
  readonly labels: Uint8Array;
  readonly exemplars: readonly Exemplar[];
}

/**
 * The recent data of one tenant, in kernel memory. Every method is synchronous; between two calls nothing changes. One
 * thread mutates it. Reads for callers of StoreAPI alone are promises: they work in slices, between which all else goes on.
 */
export interface Head extends SeriesStore {
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
   * Says that a chunk is in a file, before any record is replayed: it becomes part of the series whose record has its ref, and those of other refs
   * are forgotten (spec/tsdb.md 3.3). In-order chunks that end below minValidTime are left out.
   * @throws an error of kind `corrupt` when in-order chunks of a ref overlap
   */
  attachStored(chunk: AttachedChunk): void;

  /**
   * Applies one WAL record (spec/tsdb.md 2.4, 2.7), records 11 to 13 without their start timestamps: samples below minValidTime, not newer than their series' last, or of
   * unknown refs are dropped and counted. Ids that are unknown, and metadata, are passed over.
   * @throws an error of kind `corrupt` when the record does not decode
   */
  replay(record: Uint8Array): void;
  /** Applies one WBL record (spec/tsdb.md 2.9): samples go into the out-of-order arrays, and markers empty them. After all of the WAL. */
  replayOutOfOrder(record: Uint8Array): void;
  readonly replayed: {
    readonly series: number;
    readonly samples: number;
    readonly dropped: number;
    readonly unknownRefs: number;
  };

  /**
   * The series that a checkpoint keeps, asked with `hasRef`: those of the head, and removed ones of which the WAL may hold samples at or after
   * `minTimeMs` (spec/tsdb.md 2.6). A copy.
   */
  refsForCheckpoint(minTimeMs: number): RefPages;

  /** A snapshot and its cursor in one, on this thread: for what needs no other. `next` of a cursor that is read while the head is appended to may show samples up to the range's end that came meanwhile. */
  cursor(minTimeMs: number, maxTimeMs: number): HeadCursor;
  /** Begins a snapshot of the in-order samples in [minTimeMs, maxTimeMs], to be read with `openHeadSnapshot`. */
  snapshot(minTimeMs: number, maxTimeMs: number): HeadSnapshotBuilder;

  /** Moves finished chunks to the chunk sink for about `budgetMs`; true while there is more and the sink has room. */
  spill(budgetMs: number): boolean;
  /** The smallest file that holds a chunk of the head's, out-of-order ones included; `Infinity` for none. Exact when a truncation or `drop` has ended, a lower bound in between. */
  readonly oldestChunkFile: number;

  /** Bounds and counts of the out-of-order data; `Infinity` and `-Infinity` while there is none. */
  readonly outOfOrder: {
    readonly minTimeMs: number;
    readonly maxTimeMs: number;
    readonly seriesCount: number;
    readonly sampleCount: number;
  };
  /** Everything that is there out of order now, for compaction. Until `drop`, or another snapshot, the arrays are kept as they are and new samples go into others. */
  outOfOrderSnapshot(): OutOfOrderSnapshot;

  /** Undefined when the head keeps none. */
  readonly exemplars: ExemplarRing | undefined;

  /**
   * Drops chunks that end before `minTimeMs` and series that have none left (spec/tsdb.md 5.8, GC and WAL expiries included), in
   * slices: works for about `budgetMs` and returns true while there is more to do. minTime and minValidTime move at once. Series with
   * out-of-order data stay, and so does that data.
   */
  truncate(minTimeMs: number, budgetMs: number): boolean;

  /**
   * Series as they are when `next` comes to them, with their open chunks. Those that come after the promise are not among them. Each slice sees what appends, spills,
   * snapshots and truncations have done before it. What a truncation removes is left out without a word, unless `abortSelections` has ended the selection: whoever truncates
   * waits for `openSelections` first.
   * @throws an error of kind `overloaded` when there is no memory to sort in
   */
  select(query: HeadSelectionQuery): Promise<SeriesSource>;
  /** Series and label pairs, counted from the index; the lists have `limit` entries at most. */
  statistics(limit: number, pace: Pace): Promise<HeadStatistics>;
  /** Exemplars in a range, of series that match, in the order of their stored labels. */
  selectExemplars(query: ExemplarQuery): Promise<HeadExemplars[]>;
  /** How many selections have ever been opened. */
  readonly selectionsOpened: number;
  /** How many selections are open that ask for what lies before a time, `Infinity` for all of them; among the first `opened` ones, or all. */
  openSelections(beforeMs: number, opened?: number): number;
  /** Ends them: their next step throws the error. */
  abortSelections(beforeMs: number, error: Error, opened?: number): void;
  /** Bytes of the index that reads have made. */
  readonly indexBytes: number;
}
