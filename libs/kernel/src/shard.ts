import { invariant } from '@gauntlet/base';
import type { BatchSlice, GroupNeed } from './batch-slices.js';
import { sampleBytes } from './batch.js';
import { shardWasmBase64 } from './generated/shard.js';
import { ShardFullError, type ShardFault } from './shard-error.js';
import type { ShardSnapshotDescription, SharedMemory } from './shard-snapshot.js';
import type {
  FinishedChunk,
  RecordSlice,
  SeriesAddress,
  ShardAppend,
  ShardBounds,
  ShardOptions,
  ShardRejections,
  ShardReplay,
  ShardRunningBounds,
  ShardSeriesState,
  ShardTruncation,
  StoredChunk,
  UnstoredChunk,
} from './shard-types.js';
import { instantiate, type KernelExports } from './wasm.js';

interface ShardExports extends KernelExports {
  open(chunkRangeMs: bigint, samplesPerChunk: number, seed: bigint, pagesMax: number): number;
  request(bytes: number): number;
  reserveAppend(
    small: number,
    runs: number,
    request: number,
    seriesRecord: number,
    samplesRecord: number,
    rows: number,
  ): number;
  reserveReplay(small: number, runs: number, request: number, work: number, rows: number, refs: number): number;
  reserveList(bytes: number): number;
  append(
    body: number,
    rows: number,
    rowCount: number,
    samples: number,
    sampleCount: number,
    labelBytes: number,
    create: number,
    minValid: bigint,
    appendableMin: bigint,
    started: number,
    timestampMax: bigint,
    ref: bigint,
  ): void;
  checkSeries(begin: number, length: number, entriesMax: number): void;
  replaySeries(begin: number, length: number, done: number, create: number): void;
  checkSamples(begin: number, length: number, samplesMax: number): void;
  replaySamples(record: number, length: number, minValid: bigint): void;
  replayEnd(): void;
  refs(): void;
  cursorOpen(min: bigint, max: bigint): void;
  cursorStep(steps: number): number;
  cursorTotal(): number;
  cursorNext(): number;
  cursorAgain(): number;
  cursorClose(): void;
  truncateBegin(min: bigint): void;
  truncateStep(steps: number): number;
  series(): number;
  chunks(): number;
  used(): number;
}

/** One chunk as the old cursor sees it. */
interface CursorChunk {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly sampleCount: number;
  readonly data: Uint8Array;
}

interface CursorSeries {
  readonly ref: bigint;
  readonly labels: Uint8Array;
  readonly chunks: CursorChunk[];
}

const nothing = new Uint8Array(0);
/** Bytes and entries of a record that go into memory at a time; an entry may be longer. What a slice takes fits the headroom that appends leave. */
const seriesWindow = { bytes: 1024 * 1024, entries: 4096 };
const samplesWindow = { bytes: 32 * 1024, entries: 2048 };
/** What a sample can take: a chunk of its own, and its share of an open one. */
const sampleNeedBytes = 80;
/** What a series can take besides: its open chunk, 1,536 bytes at most, moves to a larger block or is finished. */
const seriesNeedBytes = 2608;
const openChunkBytes = 64;
const wasmPageBytes = 65_536;
/** Header of a samples record: its id, and the ref and timestamp that the others are relative to. */
const samplesHeaderBytes = 17;
/** Offsets of the control block are listed in assembly/shard-control.ts. */
const rejectionsOffset = 56;

/**
 * One WebAssembly instance with some of a tenant's series. It knows no other shard: its head passes refs and bounds in, and
 * asks each shard in turn for the rows that the others do not know. Views that a call returns are valid until the next call.
 */
export class Shard {
  readonly #exports: ShardExports;
  /** For figures, which are there even when the head is broken. */
  readonly #unguarded: ShardExports;
  readonly #memoryBytesMax: number;
  readonly #control: number;
  #buffer: ArrayBuffer | undefined;
  #bytes: Uint8Array = nothing;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor({ chunkRangeMs, samplesPerChunk, memoryBytesMax = 2 ** 32, fault }: ShardOptions) {
    this.#unguarded = instantiate<ShardExports>(shardWasmBase64);
    this.#exports = guard(this.#unguarded, fault);
    this.#memoryBytesMax = memoryBytesMax;
    const pagesMax = Math.floor(memoryBytesMax / wasmPageBytes);
    this.#control = this.#exports.open(BigInt(chunkRangeMs), samplesPerChunk, randomSeed(), pagesMax) >>> 0;
  }

  get seriesCount(): number {
    return this.#unguarded.series() >>> 0;
  }

  get chunkCount(): number {
    return this.#unguarded.chunks() >>> 0;
  }

  /** Linear memory taken from the host; it never shrinks. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** The part of it that is in use. */
  get usedBytes(): number {
    return this.#unguarded.used() >>> 0;
  }

  /** Whether the shard has room for all slices of a group, however they fall; after that none of them can fail for want of memory. */
  reserve(need: GroupNeed, create: boolean): boolean {
    const known = Math.min(need.rows, this.seriesCount);
    const small =
      need.samples * sampleNeedBytes +
      known * seriesNeedBytes +
      (create ? need.rows * openChunkBytes + need.seriesBytes : 0);
    const seriesRecord = create ? need.labelBytes + need.sliceRows * 16 + 16 : 0;
    const samplesRecord = 2 * need.sliceSamples * 28 + 131_072;
    return (
      this.#exports.reserveAppend(
        small,
        create ? need.seriesRunBytes : 0,
        need.requestBytes,
        seriesRecord,
        samplesRecord,
        create ? need.rows : 0,
      ) !== 0
    );
  }

  /** Whether an empty instance has room for a group if only the machine has; for some that need more than half of one it says no. */
  canEverTake(need: GroupNeed): boolean {
    const bytes =
      need.samples * sampleNeedBytes +
      need.rows * 2 * openChunkBytes +
      need.seriesBytes +
      need.seriesRunBytes +
      need.requestBytes +
      need.labelBytes;
    return bytes <= this.#memoryBytesMax / 2;
  }

  /**
   * Room has been reserved.
   * @param rows those of the slice, or what the shard asked before has returned
   */
  append(slice: BatchSlice, rows: Uint8Array, bounds: ShardBounds, create: boolean, nextRef: bigint): ShardAppend {
    const { body, samples, rowCount } = slice;
    const sampleCount = samples.length / sampleBytes;
    const rowsOffset = (body.length + 15) & ~15;
    const samplesOffset = rowsOffset + ((rows.length + 15) & ~15);
    const total = samplesOffset + samples.length;
    invariant(total < 2 ** 31, 'a slice is smaller than 2 GiB');
    const base = this.#exports.request(total) >>> 0;
    const bytes = this.#memory();
    bytes.set(body, base);
    bytes.set(rows, base + rowsOffset);
    bytes.set(samples, base + samplesOffset);
    // Offsets in rows count from the whole body: the address it would have is passed, which may wrap around.
    this.#exports.append(
      (base - slice.bodyStart) | 0,
      (base + rowsOffset) | 0,
      rowCount,
      (base + samplesOffset - slice.firstSample * sampleBytes) | 0,
      sampleCount,
      body.length,
      create ? 1 : 0,
      bounds.minValid,
      bounds.appendableMin,
      bounds.started ? 1 : 0,
      bounds.timestampMax,
      nextRef,
    );
    const after = this.#memory();
    const u32 = (offset: number) => this.#u32(offset);
    return {
      minTime: this.#i64(0),
      maxTime: this.#i64(8),
      nextRef: this.#i64(16),
      appendableMin: this.#i64(24),
      started: u32(32) === 1,
      firstTime: this.#i64(40),
      appended: u32(48),
      created: u32(52),
      rejections: [0, 4, 8, 12, 16, 20, 24].map((offset) =>
        u32(rejectionsOffset + offset),
      ) as unknown as ShardRejections,
      rowsLeft: u32(84),
      rows: after.subarray(base + rowsOffset, base + rowsOffset + rows.length),
      seriesRecord: after.subarray(u32(88), u32(88) + u32(92)),
      samplesRecord: after.subarray(u32(96), u32(96) + u32(100)),
    };
  }

  /** The linear memory, which other threads may read: they need it for a snapshot. */
  get memory(): SharedMemory {
    return notBuilt();
  }

  /** Finished chunks that no file has. */
  get unstoredChunks(): number {
    return notBuilt();
  }

  /**
   * Begins to append a slice; room has been reserved. `runAppend` does the work, and `endAppend` tells what was done.
   * @param rows those of the slice, or what the shard asked before has returned
   */
  beginAppend(_slice: BatchSlice, _rows: Uint8Array, _bounds: ShardBounds, _create: boolean, _nextRef: bigint): void {
    notBuilt();
  }

  /**
   * Appends from a row on, and stops at the next host row, whose index it returns; at the end it returns the number of rows. A host row
   * has histograms, or exemplars while `hostExemplars`, or its series is the host's: the host deals with all of it, and goes on behind it.
   * Nothing of it has been looked at but its verdict, which is ok. Rows of series that this shard does not know are left unless `create` is set, host rows included.
   */
  runAppend(_fromRow: number): number {
    return notBuilt();
  }

  /** The host row at which runAppend has stopped. */
  hostRow(_row: number): { readonly series: SeriesAddress } {
    return notBuilt();
  }

  /** The bounds as they are now, in the middle of an append. */
  get bounds(): ShardRunningBounds {
    return notBuilt();
  }

  /** Tells a running append that the host has seen the head's first sample, which settles the bounds. No effect on a head with data. */
  startAt(_t: bigint): void {
    notBuilt();
  }

  /** Creates the series of a host row that has none, and logs it. */
  createSeries(_row: number): SeriesAddress {
    return notBuilt();
  }

  series(_s: SeriesAddress): ShardSeriesState {
    return notBuilt();
  }

  /** Stores a float sample that is newer than all others of its series, which must not be the host's (clearHost comes first); logs it, too, in an append. */
  appendFloat(_s: SeriesAddress, _t: bigint, _bits: bigint, _log = true): void {
    notBuilt();
  }

  /** Logs a sample in the samples record of the running append, and no more: an out-of-order one, a repeated one, a stale marker of a histogram. */
  logFloat(_s: SeriesAddress, _t: bigint, _bits: bigint): void {
    notBuilt();
  }

  /** Ends the samples record of the running append; empty when nothing was logged since the last. Valid until the shard's next append begins. */
  takeSamplesRecord(): Uint8Array {
    return notBuilt();
  }

  /** Turns the open float chunk, if there is one, into a finished one. */
  finishOpen(_s: SeriesAddress): void {
    notBuilt();
  }

  /**
   * Adds a finished chunk, newer than those that the series has.
   * @throws ShardFullError before anything is changed
   */
  pushChunk(_s: SeriesAddress, _chunk: FinishedChunk): void {
    notBuilt();
  }

  /** The newest sample is a histogram, at `maxTime`; `open` when the host holds an open chunk, which begins there. The float chunk has been finished. */
  setHost(_s: SeriesAddress, _open: { readonly minTime: bigint } | undefined, _maxTime: bigint): void {
    notBuilt();
  }

  /** The newest sample is no histogram any more: the host has pushed its chunk, and a float follows. */
  clearHost(_s: SeriesAddress): void {
    notBuilt();
  }

  /** A pinned series is never removed: the host has out-of-order data of it. */
  setPinned(_s: SeriesAddress, _on: boolean): void {
    notBuilt();
  }

  endAppend(): ShardAppend {
    return notBuilt();
  }

  /**
   * Notes a chunk found in a file, before any series record is replayed, in time order for each ref. The series record of that ref claims it, in whichever shard of the
   * head the series comes to be (they share `ShardOptions.stored`); what nobody has claimed when the replay ends is forgotten.
   */
  attachStored(_ref: bigint, _chunk: StoredChunk): void {
    notBuilt();
  }

  /** Goes on behind the sample at which replaySamples, or the last resumeSamples, has stopped. Nothing may be replayed in between. */
  resumeSamples(): ShardReplay {
    return notBuilt();
  }

  /** The series that a ref of the WAL stands for, while the replay runs; 0 for none. */
  seriesOfRef(_ref: bigint): SeriesAddress {
    return notBuilt();
  }

  /** Removes the series that a ref of the WAL stands for, while the replay runs; whether there was one. */
  removeSeries(_ref: bigint): boolean {
    return notBuilt();
  }

  /** Walks up to `steps` slots for finished chunks that no file has, `max` at most; all of them are marked before the next step. The last step (`more` is false) ends a round; the next begins another. */
  stepUnstored(_steps: number, _max: number): { readonly more: boolean; readonly chunks: UnstoredChunk[] } {
    return notBuilt();
  }

  /** A file has the chunk: its data leaves memory. */
  markStored(_s: SeriesAddress, _node: number, _file: number, _offset: number): void {
    notBuilt();
  }

  /** Begins a snapshot of the finished chunks that have a time in the range; nothing in order may come at or below `max` until it ends. One at a time; no truncation and no markStored meanwhile. */
  beginSnapshot(_min: bigint, _max: bigint): void {
    notBuilt();
  }

  /**
   * Finishes open chunks that begin at or before `max`, and gathers series. `hostSeries` have an open chunk of the host's that begins at or before `max`: the host pushes it (pushChunk,
   * setHost without open) before the next step.
   */
  stepSnapshot(_steps: number): { readonly more: boolean; readonly hostSeries: SeriesAddress[] } {
    return notBuilt();
  }

  /** To be given to openShardSnapshot, in any thread, once stepSnapshot has no more to do. */
  snapshotDescription(): ShardSnapshotDescription {
    return notBuilt();
  }

  endSnapshot(): void {
    notBuilt();
  }

  /** Cuts a record of id 1 or 2 into slices; undefined when it does not decode. */
  checkRecord(record: Uint8Array): RecordSlice[] | undefined {
    const isSeries = record[0] === 1;
    if (!isSeries && record[0] !== 2) return undefined;
    if (!isSeries && record.length > 1 && record.length < samplesHeaderBytes) return undefined;
    const slices: RecordSlice[] = [];
    let from = Math.min(record.length, isSeries ? 1 : samplesHeaderBytes);
    const { bytes: windowBytes, entries } = isSeries ? seriesWindow : samplesWindow;
    for (let window = windowBytes; from < record.length;) {
      const bytes = record.subarray(from, from + window);
      this.#reserveReplay(bytes.length, undefined, 0);
      const at = this.#put(bytes) | 0;
      if (isSeries) this.#exports.checkSeries(at, bytes.length, entries);
      else this.#exports.checkSamples(at, bytes.length, entries);
      this.#memory();
      const to = from + this.#u32(156);
      if (to === from) {
        // Damaged, or longer than the window.
        if (from + window >= record.length) return undefined;
        window *= 2;
        continue;
      }
      slices.push({
        from,
        to,
        count: this.#u32(84),
        workBytes: this.#u32(152),
        seriesBytes: this.#view.getFloat64(this.#control + 136, true),
        seriesRunBytes: this.#view.getFloat64(this.#control + 144, true),
      });
      from = to;
      window = windowBytes;
    }
    return slices;
  }

  /** Whether the shard has room for a slice of a series record. */
  reserveSeries(slice: RecordSlice, create: boolean): boolean {
    const request = slice.to - slice.from + slice.count;
    const { seriesBytes, seriesRunBytes, workBytes, count } = slice;
    return (
      this.#exports.reserveReplay(
        create ? seriesBytes : 0,
        create ? seriesRunBytes : 0,
        request,
        workBytes,
        create ? count : 0,
        count,
      ) !== 0
    );
  }

  /** Applies the entries whose byte in `done` is 0, and sets those it has dealt with. Room has been reserved. */
  replaySeries(
    record: Uint8Array,
    slice: RecordSlice,
    done: Uint8Array,
    create: boolean,
  ): { readonly applied: number; readonly maxRef: bigint } {
    const length = slice.to - slice.from;
    const at = this.#put(record.subarray(slice.from, slice.to), done);
    const flags = at + length;
    this.#exports.replaySeries(at | 0, length, flags | 0, create ? 1 : 0);
    done.set(this.#memory().subarray(flags, flags + done.length));
    return { applied: this.#u32(112), maxRef: this.#i64(16) };
  }

  /**
   * Applies the samples whose refs this shard knows.
   * @throws ShardFullError before anything is changed
   */
  replaySamples(record: Uint8Array, slice: RecordSlice, minValid: bigint): ShardReplay {
    const length = samplesHeaderBytes + slice.to - slice.from;
    this.#reserveReplay(length, slice, Math.min(slice.count, this.seriesCount));
    const at = this.#put(record.subarray(0, samplesHeaderBytes), record.subarray(slice.from, slice.to));
    this.#exports.replaySamples(at | 0, length, minValid);
    this.#memory();
    return {
      minTime: this.#i64(0),
      maxTime: this.#i64(8),
      stored: this.#u32(48),
      dropped: this.#u32(104),
      known: this.#u32(108),
    };
  }

  /** Forgets the refs of the WAL. Returns those that stood for a series with another ref, with the newest timestamp logged under each. */
  endReplay(): { readonly ref: bigint; readonly maxTime: bigint }[] {
    this.#exports.replayEnd();
    this.#memory();
    const list = this.#u32(116);
    return Array.from({ length: this.#u32(120) }, (_, i) => ({
      ref: this.#view.getBigUint64(list + i * 16, true),
      maxTime: this.#view.getBigInt64(list + i * 16 + 8, true),
    }));
  }

  /** Refs of all series, in no order. */
  refs(): BigUint64Array {
    if (!this.#exports.reserveList(this.seriesCount * 8)) throw new ShardFullError(this.memoryBytes);
    this.#exports.refs();
    return new BigUint64Array(this.#memory().buffer, this.#u32(116), this.#u32(120));
  }

  openCursor(min: bigint, max: bigint): void {
    const slots = Math.ceil(this.seriesCount * 2.5) + 4096;
    if (!this.#exports.reserveList(slots * 8)) throw new ShardFullError(this.memoryBytes);
    this.#exports.cursorOpen(min, max);
  }

  /** Works on about `steps` series; whether there is more to do before nextSeries. */
  stepCursor(steps: number): boolean {
    return this.#exports.cursorStep(steps) !== 0;
  }

  get cursorSeriesCount(): number {
    return this.#exports.cursorTotal() >>> 0;
  }

  nextSeries(): CursorSeries | undefined {
    return this.#exports.cursorNext() ? this.#described() : undefined;
  }

  /** Moves on too, and returns the labels alone. */
  nextLabels(): Uint8Array | undefined {
    if (!this.#exports.cursorNext()) return undefined;
    const bytes = this.#memory();
    const list = this.#u32(116);
    const labels = this.#view.getUint32(list + 8, true);
    return bytes.subarray(labels, labels + this.#view.getUint32(list + 12, true));
  }

  /** The series that the cursor has moved to last, as it is now. */
  currentSeries(): CursorSeries | undefined {
    return this.#exports.cursorAgain() ? this.#described() : undefined;
  }

  #described(): CursorSeries {
    const bytes = this.#memory();
    const view = this.#view;
    const list = this.#u32(116);
    const labels = view.getUint32(list + 8, true);
    const chunks: CursorChunk[] = [];
    const end = list + 16 + this.#u32(120) * 24;
    for (let at = list + 16; at < end; at += 24) {
      const data = view.getUint32(at + 16, true);
      chunks.push({
        minTime: view.getBigInt64(at, true),
        maxTime: view.getBigInt64(at + 8, true),
        sampleCount: view.getUint16(at + 22, true),
        data: bytes.subarray(data, data + view.getUint16(at + 20, true)),
      });
    }
    return {
      ref: view.getBigUint64(list, true),
      labels: bytes.subarray(labels, labels + view.getUint32(list + 12, true)),
      chunks,
    };
  }

  closeCursor(): void {
    this.#exports.cursorClose();
  }

  beginTruncate(min: bigint): void {
    this.#exports.truncateBegin(min);
  }

  /** Walks about `steps` series. */
  stepTruncate(steps: number): { readonly more: boolean; readonly removed: BigUint64Array; readonly oldest: bigint } {
    if (!this.#exports.reserveList(steps * 8)) throw new ShardFullError(this.memoryBytes);
    const more = this.#exports.truncateStep(steps) !== 0;
    const bytes = this.#memory();
    const list = this.#u32(116);
    return { more, removed: new BigUint64Array(bytes.buffer, list, this.#u32(120)), oldest: this.#i64(128) };
  }

  #reserveReplay(request: number, samples: RecordSlice | undefined, seriesCount: number): void {
    const small = (samples?.count ?? 0) * sampleNeedBytes + seriesCount * seriesNeedBytes;
    if (!this.#exports.reserveReplay(small, 0, request, 0, 0, 0)) throw new ShardFullError(this.memoryBytes);
  }

  /** Copies two pieces, one behind the other, into the request area. */
  #put(first: Uint8Array, second: Uint8Array = nothing): number {
    const at = this.#exports.request(first.length + second.length) >>> 0;
    const bytes = this.#memory();
    bytes.set(first, at);
    bytes.set(second, at + first.length);
    return at;
  }

  /** The whole memory; looked up anew when it has grown, which detaches older views. */
  #memory(): Uint8Array {
    const buffer = this.#exports.memory.buffer;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    return this.#bytes;
  }

  #u32(offset: number): number {
    return this.#view.getUint32(this.#control + offset, true);
  }

  #i64(offset: number): bigint {
    return this.#view.getBigInt64(this.#control + offset, true);
  }
}

function notBuilt(): never {
  throw new Error('not built yet');
}

/** Each function refuses to run once one of the head's instances has trapped. */
function guard(exports: ShardExports, fault: ShardFault): ShardExports {
  const guarded: Record<string, unknown> = { memory: exports.memory };
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

/** 64 random bits, as chance as the machine's: who sends series must not know where they go. */
function randomSeed(): bigint {
  const { crypto } = globalThis as unknown as {
    readonly crypto: { getRandomValues(array: BigUint64Array): BigUint64Array };
  };
  return BigInt.asIntN(64, crypto.getRandomValues(new BigUint64Array(1))[0]!);
}
