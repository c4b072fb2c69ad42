import { int64Max, int64Min, invariant } from '@gauntlet/base';
import type { BatchSlice, GroupNeed } from './batch-slices.js';
import { sampleBytes } from './batch.js';
import { shardWasmBase64 } from './generated/shard.js';
import { ShardFullError } from './shard-error.js';
import { guard, type ShardExports } from './shard-exports.js';
import { chunkLayout, controlLayout as k, seriesFlags, seriesLayout } from './shard-layout.js';
import type { ShardSnapshotDescription } from './shard-snapshot.js';
import type {
  FinishedChunk,
  OutOfOrderList,
  OutOfOrderSample,
  RecordSlice,
  RefusedList,
  RefusedRun,
  SeriesAddress,
  SeriesReplay,
  ShardAppend,
  ShardBounds,
  ShardOptions,
  ShardReplay,
  ShardRunningBounds,
  ShardSeriesState,
  ShardTruncation,
  StoredChunk,
  UnstoredChunk,
} from './shard-types.js';
import { StoredChunks } from './stored-chunks.js';
import { createSharedMemory, instantiate, type SharedMemory } from './wasm.js';

const nothing = new Uint8Array(0);
/** Bytes and entries of a record that go into memory at a time; an entry may be longer. What a slice takes fits the headroom that appends leave. */
const seriesWindow = { bytes: 1024 * 1024, entries: 4096 };
const samplesWindow = { bytes: 32 * 1024, entries: 2048 };
/** What a sample can take: a chunk of its own, and its share of an open one. */
const sampleNeedBytes = 80;
/** What a series can take besides: its open chunk, 1,536 bytes at most, moves to a larger block or is finished. */
const seriesNeedBytes = 2608;
const openChunkBytes = 64;
/** What noting a new series takes, while somebody asks for them; and a list of them. */
const createdBytes = 8;
const createdListBytes = 2048;
const wasmPageBytes = 65_536;
/** Header of a samples record: its id, and the ref and timestamp that the others are relative to. */
const samplesHeaderBytes = 17;
/** A sample out of order, as assembly/shard-append.ts lists it. */
const lateBytes = 24;
/** A run of refused samples, as assembly/shard-control.ts says. */
const refusedBytes = 16;
const anyCount = 0xffff_ffff;
/** An entry that replaySeries has applied. */
const appliedBytes = 16;
const attachLeftOut = 0;
const attachFull = 2;
const snapshotFull = 2;
const noFile = 0xffff_ffff;
/** Of the counts at 40 in a row, those that make it a host row. */
const hostHistograms = 0xffff_ffffn;
const hostHistogramsAndExemplars = -1n;

/**
 * One WebAssembly instance with some of a tenant's series. It knows no other shard: its head passes refs and bounds in, and
 * asks each shard in turn for the rows that the others do not know. Views that a call returns are valid until the next call.
 */
export class Shard {
  /** Other threads need it for a snapshot. */
  readonly memory: SharedMemory;
  readonly #exports: ShardExports;
  /** For figures, which are there even when the head is broken. */
  readonly #unguarded: ShardExports;
  readonly #memoryBytesMax: number;
  readonly #stored: StoredChunks;
  readonly #control: number;
  #buffer: SharedArrayBuffer | undefined;
  #bytes: Uint8Array = nothing;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the rows of the running append are. */
  #rowsAt = 0;
  #rowsLength = 0;
  #snapshotRange: { readonly min: bigint; readonly max: bigint } | undefined;

  constructor({
    chunkRangeMs,
    samplesPerChunk,
    memoryBytesMax = 2 ** 32,
    fault,
    stored = new StoredChunks(),
  }: ShardOptions) {
    this.memory = createSharedMemory();
    this.#unguarded = instantiate<ShardExports>(shardWasmBase64, this.memory);
    this.#exports = guard(this.#unguarded, fault);
    this.#memoryBytesMax = memoryBytesMax;
    this.#stored = stored;
    const pagesMax = Math.floor(memoryBytesMax / wasmPageBytes);
    this.#control = this.#exports.open(BigInt(chunkRangeMs), samplesPerChunk, randomSeed(), pagesMax) >>> 0;
  }

  get seriesCount(): number {
    return this.#unguarded.series() >>> 0;
  }

  get chunkCount(): number {
    return this.#unguarded.chunks() >>> 0;
  }

  /** Finished chunks that no file has. */
  get unstoredChunks(): number {
    return this.#unguarded.unstored() >>> 0;
  }

  /** Linear memory taken from the host; it never shrinks. */
  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** The part of it that is in use. */
  get usedBytes(): number {
    return this.#unguarded.used() >>> 0;
  }

  /**
   * Whether the shard has room for all slices of a group, however they fall; after that none of them can fail for want of memory.
   * @param outOfOrder whether samples are taken out of order
   */
  reserve(need: GroupNeed, create: boolean, outOfOrder = false): boolean {
    const known = Math.min(need.rows, this.seriesCount);
    const small =
      need.samples * sampleNeedBytes +
      known * seriesNeedBytes +
      (create ? need.rows * (openChunkBytes + createdBytes) + need.seriesBytes : 0);
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
        outOfOrder ? 2 * need.sliceSamples * lateBytes + 131_072 : 0,
        (2 * need.sliceSamples + need.sliceRows) * refusedBytes + 65_536,
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
   * Begins to append a slice; room has been reserved. `runAppend` does the work, and `endAppend` tells what was done.
   * @param rows those of the slice, or what the shard asked before has returned
   */
  beginAppend(slice: BatchSlice, rows: Uint8Array, bounds: ShardBounds, create: boolean, nextRef: bigint): void {
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
    this.#rowsAt = base + rowsOffset;
    this.#rowsLength = rows.length;
    const window = bounds.outOfOrderWindow ?? 0n;
    const takesLate = bounds.outOfOrderMin !== undefined || window > 0n;
    // Offsets in rows count from the whole body: the address it would have is passed, which may wrap around.
    this.#exports.beginAppend(
      (base - slice.bodyStart) | 0,
      (base + rowsOffset) | 0,
      rowCount,
      (base + samplesOffset - slice.firstSample * sampleBytes) | 0,
      sampleCount,
      body.length,
      create ? 1 : 0,
      bounds.createdMax === undefined ? anyCount : Math.min(bounds.createdMax, anyCount),
      bounds.minValid,
      bounds.appendableMin,
      bounds.started ? 1 : 0,
      bounds.timestampMax,
      nextRef,
      bounds.hostExemplars === true ? hostHistogramsAndExemplars : hostHistograms,
      takesLate ? 1 : 0,
      bounds.outOfOrderMin ?? bounds.appendableMin,
      window,
    );
  }

  /**
   * Appends from a row on, and stops at the next host row, whose index it returns; at the end it returns the number of rows. A host row
   * has histograms, or exemplars while `hostExemplars`, or its series is the host's: the host deals with all of it, and goes on behind it.
   * Nothing of it has been looked at but its verdict, which is ok. Rows of series that this shard does not know are left unless `create`
   * is set, host rows included.
   */
  runAppend(fromRow: number): number {
    return this.#exports.runAppend(fromRow) >>> 0;
  }

  /** The host row at which runAppend has stopped. */
  hostRow(_row: number): { readonly series: SeriesAddress } {
    this.#memory();
    return { series: this.#u32(k.stopSeries) };
  }

  /** The bounds as they are now, in the middle of an append: where runAppend has stopped, or since startAt. */
  get bounds(): ShardRunningBounds {
    this.#memory();
    return {
      started: this.#u32(k.started) === 1,
      appendableMin: this.#i64(k.appendableMin),
      outOfOrderMin: this.#lateMin(),
    };
  }

  /** Tells a running append that the host has seen the head's first sample, which settles the bounds. No effect on a head with data. */
  startAt(t: bigint): void {
    this.#exports.startAt(t);
  }

  /** Whether the running append may create one more series. */
  get canCreate(): boolean {
    return this.#exports.canCreate() !== 0;
  }

  /** Creates the series of the host row at which runAppend has stopped, which has none, and logs it. `canCreate` has been asked. */
  createSeries(row: number): SeriesAddress {
    return this.#exports.createHostSeries(row) >>> 0;
  }

  series(s: SeriesAddress): ShardSeriesState {
    this.#memory();
    const view = this.#view;
    const flags = view.getUint8(s + seriesLayout.flags);
    const isHost = (flags & seriesFlags.host) !== 0;
    return {
      ref: view.getBigUint64(s + seriesLayout.ref, true),
      maxTime: view.getBigInt64(s + seriesLayout.maxTime, true),
      lastBits: view.getBigUint64(s + seriesLayout.lastBits, true),
      hasSamples:
        isHost ||
        view.getUint32(s + seriesLayout.open, true) !== 0 ||
        view.getUint32(s + seriesLayout.oldest, true) !== 0,
      isHost,
      isPinned: (flags & seriesFlags.pinned) !== 0,
    };
  }

  /** The canonical labels of a series; valid as long as its address. */
  labels(s: SeriesAddress): Uint8Array {
    const bytes = this.#memory();
    const at = s + seriesLayout.labels;
    return bytes.subarray(at, at + this.#view.getUint32(s + seriesLayout.labelsLength, true));
  }

  /**
   * Stores a float sample that is newer than all others of its series, which is not the host's (clearHost comes first), and logs it. In a
   * replay, room for one has been made where the replay has stopped, and nothing is logged.
   */
  appendFloat(s: SeriesAddress, t: bigint, bits: bigint, log = true): void {
    this.#exports.appendFloat(s, t, bits, log ? 1 : 0);
  }

  /** Logs a sample in the samples record of the running append, and no more: an out-of-order one, a repeated one, a histogram's stale marker. */
  logFloat(s: SeriesAddress, t: bigint, bits: bigint): void {
    this.#exports.logFloat(s, t, bits);
  }

  /** Ends the samples record of the running append; empty when nothing was logged since the last. Valid until the shard's next append begins. */
  takeSamplesRecord(): Uint8Array {
    this.#exports.takeSamples();
    return this.#record(k.samplesRecord);
  }

  endAppend(): ShardAppend {
    this.#exports.endAppend();
    const bytes = this.#memory();
    return {
      minTime: this.#i64(k.minTime),
      maxTime: this.#i64(k.maxTime),
      nextRef: this.#i64(k.nextRef),
      appendableMin: this.#i64(k.appendableMin),
      outOfOrderMin: this.#lateMin(),
      started: this.#u32(k.started) === 1,
      firstTime: this.#i64(k.firstTime),
      appended: this.#u32(k.appended),
      created: this.#u32(k.created),
      refused: new Refused(this.#view, this.#u32(k.refused), this.#u32(k.refusedCount)),
      outOfOrder: new LateList(this.#view, this.#u32(k.late), this.#u32(k.lateCount)),
      rowsLeft: this.#u32(k.left),
      rows: bytes.subarray(this.#rowsAt, this.#rowsAt + this.#rowsLength),
      seriesRecord: this.#record(k.seriesRecord),
      samplesRecord: this.#record(k.samplesRecord),
    };
  }

  /**
   * Turns the open float chunk, if there is one, into a finished one.
   * @throws ShardFullError before anything is changed; not while an append has reserved room
   */
  finishOpen(s: SeriesAddress): void {
    if (!this.#exports.finishChunk(s)) throw new ShardFullError(this.memoryBytes);
  }

  /**
   * Adds a finished chunk, newer than those that the series has; it has no open float chunk.
   * @throws ShardFullError before anything is changed
   */
  pushChunk(s: SeriesAddress, { minTime, maxTime, count, encoding, data }: FinishedChunk): void {
    invariant(count > 0 && count < 65_536, 'a chunk counts its samples in 16 bits');
    const chunk = this.#exports.newChunk(data.length) >>> 0;
    if (chunk === 0) throw new ShardFullError(this.memoryBytes);
    this.#memory().set(data, chunk + chunkLayout.data);
    this.#exports.pushChunk(s, chunk, minTime, maxTime, data.length, count, encoding);
  }

  /** The newest sample is a histogram, at `maxTime`; `open` when the host holds an open chunk, which begins there. The float chunk has been finished. */
  setHost(s: SeriesAddress, open: { readonly minTime: bigint } | undefined, maxTime: bigint): void {
    this.#memory();
    invariant(this.#view.getUint32(s + seriesLayout.open, true) === 0, 'the open float chunk is finished first');
    this.#exports.setHost(s, open === undefined ? 0 : 1, open?.minTime ?? maxTime, maxTime);
  }

  /** The newest sample is no histogram any more: the host has pushed its chunk, and a float follows. */
  clearHost(s: SeriesAddress): void {
    this.#exports.clearHost(s);
  }

  /** A pinned series is never removed: the host has out-of-order data of it. */
  setPinned(s: SeriesAddress, on: boolean): void {
    this.#exports.setPinned(s, on ? 1 : 0);
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
      const to = from + this.#u32(k.whole);
      if (to === from) {
        // Damaged, or longer than the window.
        if (from + window >= record.length) return undefined;
        window *= 2;
        continue;
      }
      slices.push({
        from,
        to,
        count: this.#u32(k.left),
        workBytes: this.#u32(k.workNeed),
        seriesBytes: this.#view.getFloat64(this.#control + k.smallNeed, true),
        seriesRunBytes: this.#view.getFloat64(this.#control + k.runNeed, true),
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
  replaySeries(record: Uint8Array, slice: RecordSlice, done: Uint8Array, create: boolean): SeriesReplay {
    const length = slice.to - slice.from;
    const at = this.#put(record.subarray(slice.from, slice.to), done);
    const flags = at + length;
    this.#exports.replaySeries(at | 0, length, slice.count, flags | 0, create ? 1 : 0);
    done.set(this.#memory().subarray(flags, flags + done.length));
    const applied = this.#u32(k.seriesApplied);
    const maxRef = this.#i64(k.nextRef);
    const hostReset: SeriesAddress[] = [];
    let minTime = int64Max;
    let maxTime = int64Min;
    const list = this.#u32(k.list);
    const isAttaching = !this.#stored.isEmpty;
    for (let entry = list; entry < list + applied * appliedBytes; entry += appliedBytes) {
      const s = this.#view.getUint32(entry + 8, true);
      if (this.#view.getUint32(entry + 12, true) !== 0) hostReset.push(s);
      if (!isAttaching) continue;
      const chunks = this.#attach(s, this.#view.getBigUint64(entry, true));
      if (chunks.minTime < minTime) minTime = chunks.minTime;
      if (chunks.maxTime > maxTime) maxTime = chunks.maxTime;
    }
    return { applied, maxRef, hostReset, minTime, maxTime };
  }

  /**
   * Gives a series the chunks in files that were noted for its refs so far, and takes all others from it. A series that was removed and came again has two:
   * a start knows it by the first, under which its chunks are stored from then on, behind those of the second.
   */
  #attach(s: SeriesAddress, ref: bigint): { readonly minTime: bigint; readonly maxTime: bigint } {
    this.#exports.resetSeries(s);
    const own = this.series(s).ref;
    if (own !== ref) this.#stored.redirect(ref, own);
    let min = int64Max;
    let max = int64Min;
    for (const { minTime, maxTime, dataLength, count, encoding, file, offset } of this.#stored.of(own)) {
      const outcome = this.#exports.attach(s, minTime, maxTime, dataLength, count, encoding, file, offset);
      if (outcome === attachFull) throw new ShardFullError(this.memoryBytes);
      if (outcome === attachLeftOut) continue;
      if (minTime < min) min = minTime;
      max = maxTime;
    }
    return { minTime: min, maxTime: max };
  }

  /**
   * Notes a chunk found in a file, before any series record is replayed, in time order for each ref. The series record of that ref claims
   * it, in whichever shard of the head the series comes to be (they share `ShardOptions.stored`); what nobody has claimed when the replay
   * ends is forgotten.
   */
  attachStored(ref: bigint, chunk: StoredChunk): void {
    this.#stored.add(ref, chunk);
  }

  /**
   * Applies the samples whose refs this shard knows, and stops at one of the host's series that is newer than all others there.
   * @throws ShardFullError before anything is changed
   */
  replaySamples(record: Uint8Array, slice: RecordSlice, minValid: bigint): ShardReplay {
    const length = samplesHeaderBytes + slice.to - slice.from;
    this.#reserveReplay(length, slice, Math.min(slice.count, this.seriesCount));
    const at = this.#put(record.subarray(0, samplesHeaderBytes), record.subarray(slice.from, slice.to));
    this.#exports.replaySamples(at | 0, length, minValid);
    return this.#replayed();
  }

  /** Goes on behind the sample at which replaySamples, or the last resumeSamples, has stopped. Nothing may be replayed in between. */
  resumeSamples(): ShardReplay {
    this.#exports.resumeSamples();
    return this.#replayed();
  }

  #replayed(): ShardReplay {
    this.#memory();
    const s = this.#u32(k.stopSeries);
    return {
      minTime: this.#i64(k.minTime),
      maxTime: this.#i64(k.maxTime),
      stored: this.#u32(k.appended),
      dropped: this.#u32(k.dropped),
      known: this.#u32(k.known),
      unknownRefMax: this.#i64(k.nextRef),
      stopped:
        s === 0 ? undefined : { s, ref: this.#i64(k.stopRef), t: this.#i64(k.stopTime), bits: this.#u64(k.stopBits) },
    };
  }

  /** The series that a ref of the WAL stands for, while the replay runs; 0 for none. */
  seriesOfRef(ref: bigint): SeriesAddress {
    return this.#exports.seriesOfRef(ref) >>> 0;
  }

  /** Removes the series that a ref of the WAL stands for, while the replay runs; whether there was one. */
  removeSeries(ref: bigint): boolean {
    return this.#exports.removeSeries(ref) !== 0;
  }

  /** Forgets the refs of the WAL. Returns those that stood for a series with another ref, with the newest timestamp logged under each. */
  endReplay(): { readonly ref: bigint; readonly maxTime: bigint }[] {
    this.#stored.clear();
    this.#exports.replayEnd();
    this.#memory();
    const list = this.#u32(k.list);
    return Array.from({ length: this.#u32(k.listCount) }, (_, i) => ({
      ref: this.#view.getBigUint64(list + i * 16, true),
      maxTime: this.#view.getBigInt64(list + i * 16 + 8, true),
    }));
  }

  /** Refs of all series, in no order. */
  refs(): BigUint64Array {
    if (!this.#exports.reserveList(this.seriesCount * 8)) throw new ShardFullError(this.memoryBytes);
    this.#exports.refs();
    return new BigUint64Array(this.#memory().buffer, this.#u32(k.list), this.#u32(k.listCount));
  }

  /**
   * All series there are, in no order, and from now on `takeCreated` tells those that come. A copy.
   * @throws ShardFullError
   */
  trackCreated(): Uint32Array {
    if (!this.#exports.reserveList(this.seriesCount * 4)) throw new ShardFullError(this.memoryBytes);
    this.#exports.trackCreated();
    return this.#addresses();
  }

  /** Some of the series that have come and were not told yet, in the order of their refs; none when all were. Before a truncation goes on, all must have been taken. A copy. */
  takeCreated(): Uint32Array {
    if (!this.#exports.reserveList(createdListBytes)) throw new ShardFullError(this.memoryBytes);
    this.#exports.takeCreated();
    return this.#addresses();
  }

  untrackCreated(): void {
    this.#exports.untrackCreated();
  }

  #addresses(): Uint32Array {
    const { buffer } = this.#memory();
    return new Uint32Array(buffer, this.#u32(k.list), this.#u32(k.listCount)).slice();
  }

  /**
   * Some of the memory, for whoever sorts series where they are; until `giveBack`.
   * @throws ShardFullError
   */
  lend(bytes: number): number {
    const block = this.#exports.lend(bytes) >>> 0;
    if (block === 0) throw new ShardFullError(this.memoryBytes);
    return block;
  }

  /** What has been lent; also when the head is broken, and nothing matters any more. */
  giveBack(block: number): void {
    this.#unguarded.giveBack(block);
  }

  beginTruncate(min: bigint): void {
    this.#exports.truncateBegin(min);
  }

  /** Walks about `steps` series. */
  stepTruncate(steps: number): ShardTruncation {
    if (!this.#exports.reserveList(steps * 16)) throw new ShardFullError(this.memoryBytes);
    const more = this.#exports.truncateStep(steps) !== 0;
    const { buffer } = this.#memory();
    const oldestFile = this.#u32(k.oldestFile);
    return {
      more,
      removed: new BigUint64Array(buffer, this.#u32(k.list), this.#u32(k.listCount)),
      emptied: new BigUint64Array(buffer, this.#u32(k.list2), this.#u32(k.list2Count)),
      oldest: this.#i64(k.oldest),
      oldestFile: oldestFile === noFile ? Infinity : oldestFile,
    };
  }

  /**
   * Walks up to `steps` slots for finished chunks that no file has, `max` at most; all of them are marked before the next step. The last
   * step (`more` is false) ends a round; the next begins another.
   */
  stepUnstored(steps: number, max: number): { readonly more: boolean; readonly chunks: UnstoredChunk[] } {
    if (!this.#exports.reserveList(max * 8)) throw new ShardFullError(this.memoryBytes);
    const more = this.#exports.stepUnstored(steps, max) !== 0;
    this.#memory();
    const list = this.#u32(k.list);
    const chunks = Array.from({ length: this.#u32(k.listCount) }, (_, i) =>
      this.#unstored(this.#view.getUint32(list + i * 8, true), this.#view.getUint32(list + i * 8 + 4, true)),
    );
    return { more, chunks };
  }

  #unstored(s: SeriesAddress, node: number): UnstoredChunk {
    const view = this.#view;
    const data = node + chunkLayout.data;
    return {
      s,
      node,
      ref: view.getBigUint64(s + seriesLayout.ref, true),
      minTime: view.getBigInt64(node + chunkLayout.minTime, true),
      maxTime: view.getBigInt64(node + chunkLayout.maxTime, true),
      count: view.getUint16(node + chunkLayout.count, true),
      encoding: view.getUint8(node + chunkLayout.encoding),
      data: this.#bytes.subarray(data, data + view.getUint32(node + chunkLayout.dataLength, true)),
    };
  }

  /** A file has the chunk, its data at `offset`: that leaves memory. */
  markStored(s: SeriesAddress, node: number, file: number, offset: number): void {
    this.#exports.markStored(s, node, file, offset);
  }

  /**
   * Begins a snapshot of the finished chunks that have a time in the range; nothing in order may come at or below `max` until it ends.
   * One at a time; no truncation and no markStored meanwhile.
   * @throws ShardFullError
   */
  beginSnapshot(min: bigint, max: bigint): void {
    invariant(this.#snapshotRange === undefined, 'one snapshot at a time');
    if (!this.#exports.snapshotBegin(min, max)) throw new ShardFullError(this.memoryBytes);
    this.#snapshotRange = { min, max };
  }

  /**
   * Finishes open chunks that begin at or before `max`, and gathers series. `hostSeries` have an open chunk of the host's that begins at or
   * before `max`: the host pushes it (pushChunk, setHost without open) before the next step.
   * @throws ShardFullError, after which endSnapshot is all that is left to do
   */
  stepSnapshot(steps: number): { readonly more: boolean; readonly hostSeries: SeriesAddress[] } {
    if (!this.#exports.reserveList(steps * 4)) throw new ShardFullError(this.memoryBytes);
    const state = this.#exports.snapshotStep(steps);
    if (state === snapshotFull) throw new ShardFullError(this.memoryBytes);
    this.#memory();
    const list = this.#u32(k.list);
    const hostSeries = Array.from({ length: this.#u32(k.listCount) }, (_, i) =>
      this.#view.getUint32(list + i * 4, true),
    );
    return { more: state !== 0, hostSeries };
  }

  /** To be given to openShardSnapshot, in any thread, once stepSnapshot has no more to do. */
  snapshotDescription(): ShardSnapshotDescription {
    invariant(this.#snapshotRange !== undefined, 'a snapshot has begun');
    return {
      memory: this.memory,
      from: this.#exports.snapshotFrom() >>> 0,
      into: this.#exports.snapshotInto() >>> 0,
      total: this.#exports.snapshotTotal() >>> 0,
      ...this.#snapshotRange,
    };
  }

  endSnapshot(): void {
    if (this.#snapshotRange === undefined) return;
    this.#snapshotRange = undefined;
    this.#exports.snapshotEnd();
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

  /** The whole memory; looked up anew when it has grown. */
  #memory(): Uint8Array {
    const { buffer } = this.memory;
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

  #u64(offset: number): bigint {
    return this.#view.getBigUint64(this.#control + offset, true);
  }

  #lateMin(): bigint | undefined {
    return this.#u32(k.takesLate) === 1 ? this.#i64(k.lateMin) : undefined;
  }

  /** The record whose address and length are at an offset. */
  #record(offset: number): Uint8Array {
    const bytes = this.#memory();
    const at = this.#u32(offset);
    return bytes.subarray(at, at + this.#u32(offset + 4));
  }
}

/** Samples out of order, where the kernel has left them. */
class LateList implements OutOfOrderList {
  readonly length: number;
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number, length: number) {
    this.#view = view;
    this.#at = at;
    this.length = length;
  }

  *[Symbol.iterator](): Iterator<OutOfOrderSample> {
    for (let i = 0, at = this.#at; i < this.length; i += 1, at += lateBytes) {
      const s = this.#view.getUint32(at + 16, true);
      yield {
        s,
        ref: this.#view.getBigUint64(s + seriesLayout.ref, true),
        t: this.#view.getBigInt64(at, true),
        bits: this.#view.getBigUint64(at + 8, true),
      };
    }
  }
}

class Refused implements RefusedList {
  readonly length: number;
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number, length: number) {
    this.#view = view;
    this.#at = at;
    this.length = length;
  }

  *[Symbol.iterator](): Iterator<RefusedRun> {
    for (let i = 0, at = this.#at; i < this.length; i += 1, at += refusedBytes) {
      yield {
        row: this.#view.getUint32(at, true),
        first: this.#view.getUint32(at + 4, true),
        count: this.#view.getUint32(at + 8, true),
        reason: this.#view.getUint32(at + 12, true),
      };
    }
  }
}

/** 64 random bits, as chance as the machine's: who sends series must not know where they go. */
function randomSeed(): bigint {
  const { crypto } = globalThis as unknown as {
    readonly crypto: { getRandomValues(array: BigUint64Array): BigUint64Array };
  };
  return BigInt.asIntN(64, crypto.getRandomValues(new BigUint64Array(1))[0]!);
}
