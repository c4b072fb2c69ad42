import { GiB, int64Max, int64Min, invariant, systemClock, toInt64, type Clock } from '@gauntlet/base';
import {
  RequestTooLargeError,
  Shard,
  ShardFault,
  ShardFullError,
  StoredChunks,
  shardRefusal,
  sliceGroup,
  type BatchSlice,
  type GroupNeed,
  type RecordSlice,
  type RefusedList,
  type ScannedBatch,
  type ShardAppend,
  type ShardBounds,
  type ShardOptions,
  type SliceLimits,
} from '@gauntlet/kernel';
import { compareCanonicalLabels } from '@gauntlet/model';
import { reasonOfVerdict, RejectionList, type RejectionReason } from '@gauntlet/remote-write';
import type { LabelQuery, Pace, SeriesSource } from '@gauntlet/select';
import { RecordMalformedError, RecordType, decodeSamplesV2, encodeSamples, recordType } from '@gauntlet/wal';
import { before } from './classify.js';
import { ExemplarRing } from './exemplar-ring.js';
import { ShardsSnapshot } from './head-snapshot.js';
import {
  countRejections,
  type AppendBounds,
  type AppendResult,
  type AttachedChunk,
  type ChunkSink,
  type ExemplarQuery,
  type Head,
  type HeadCursor,
  type HeadExemplars,
  type HeadOptions,
  type HeadSelectionQuery,
  type HeadSnapshotBuilder,
  type HeadStatistics,
  type OutOfOrderSeries,
  type OutOfOrderSnapshot,
  type TimeInterval,
} from './head.js';
import { HeadReading } from './head-reading.js';
import { histogramNeed } from './histogram-need.js';
import { HostRows } from './host-rows.js';
import { LocalCursor } from './local-cursor.js';
import { LoggedRefs } from './logged-refs.js';
import { OutOfOrderStore } from './out-of-order-store.js';
import type { RefPages } from './ref-set.js';
import { AttachedChunkError, RecordCorruptError } from './replay-error.js';
import { HostReplay } from './replay-host.js';
import { SeriesHost } from './series-host.js';
import { trimTo, visible } from './trim-chunk.js';
import { WalBatch } from './wal-batch.js';
import { WblBatch } from './wbl-batch.js';

const shardBytesMaxDefault = 2 * GiB;
const shardSeriesMaxDefault = 2 ** 19;
/** Slots walked between two looks at the clock. */
const truncateSteps = 2048;
/** Slots walked, and chunks taken, between two looks at the clock. */
const spillSteps = { slots: 4096, chunks: 256 };

/** A truncation that is under way, and what it has found of the shards it is done with. */
interface Truncation {
  readonly min: bigint;
  /** The one it walks. */
  shard: number;
  oldest: bigint;
  oldestFile: number;
}

/** Opens an empty head. */
export function createHead(options: HeadOptions): Head {
  return new ShardedHead(options);
}

class ShardedHead implements Head {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #chunkRange: bigint;
  readonly #shardOptions: ShardOptions;
  readonly #fault = new ShardFault();
  readonly #sliceLimits: SliceLimits | undefined;
  readonly #shardBytesMax: number;
  readonly #shardSeriesMax: number;
  /** Series stay in the shard that was the newest when they came. */
  readonly #shards: Shard[] = [];
  #min = int64Max;
  #max = int64Min;
  #minValid = int64Min;
  #started = false;
  #nextRef = 1n;
  #seriesCreated = 0;
  #samplesAppended = 0;
  #seriesRemoved = 0;
  readonly #replayed = { series: 0, samples: 0, dropped: 0, unknownRefs: 0 };
  /** Replay leaves series whose samples are all in blocks; the first truncation removes them, whatever its time. */
  #isSwept = true;
  #hasSnapshot = false;
  readonly #outOfOrderWindow: bigint;
  readonly #sink: ChunkSink | undefined;
  readonly #host: SeriesHost;
  readonly #reading: HeadReading;
  /** There until the replay has ended. */
  #hostReplay: HostReplay | undefined;
  /** The shard that is spilled. */
  #spillAt = 0;
  /** Smallest file that holds a chunk of the shards. */
  #oldestFile = Infinity;
  readonly #loggedRefs = new LoggedRefs();
  #truncation: Truncation | undefined;

  constructor(options: HeadOptions) {
    const {
      chunkRangeMs,
      samplesPerChunk = 120,
      shardBytesMax = shardBytesMaxDefault,
      shardSeriesMax = shardSeriesMaxDefault,
      clock = systemClock,
    } = options;
    this.#clock = clock;
    invariant(
      Number.isSafeInteger(chunkRangeMs) && chunkRangeMs > 0,
      'a chunk range is a positive number of milliseconds',
    );
    invariant(
      samplesPerChunk >= 4 && samplesPerChunk <= 30_000,
      'a chunk counts its samples in 16 bits and is estimated at a quarter',
    );
    this.#chunkRange = BigInt(chunkRangeMs);
    this.#shardOptions = {
      chunkRangeMs,
      samplesPerChunk,
      memoryBytesMax: options.shardMemoryBytesMax ?? 4 * GiB,
      fault: this.#fault,
      stored: new StoredChunks(),
    };
    const { outOfOrderWindowMs = 0, outOfOrderCapMax, exemplarsMax = 0, chunkSink } = options;
    this.#outOfOrderWindow = BigInt(outOfOrderWindowMs);
    this.#sink = chunkSink;
    this.#host = new SeriesHost(
      chunkRangeMs,
      new OutOfOrderStore({ ...(outOfOrderCapMax !== undefined && { capMax: outOfOrderCapMax }), sink: chunkSink }),
      exemplarsMax > 0 ? new ExemplarRing({ capacity: exemplarsMax, outOfOrderWindowMs }) : undefined,
    );
    this.#sliceLimits = options.sliceLimits;
    this.#shardBytesMax = shardBytesMax;
    this.#shardSeriesMax = shardSeriesMax;
    this.#shards.push(new Shard(this.#shardOptions));
    this.#hostReplay = new HostReplay(this.#shards, this.#host);
    this.#reading = new HeadReading(
      {
        shards: this.#shards,
        liveRefs: () => this.#loggedRefs.live(),
        bounds: () => this.#allTimes(),
        check: () => {
          this.#fault.check();
        },
      },
      this.#host,
      options.chunkSource,
    );
  }

  get minTimeMs(): number {
    return this.#started ? Number(this.#min) : Infinity;
  }

  get maxTimeMs(): number {
    return this.#started ? Number(this.#max) : -Infinity;
  }

  get minValidTimeMs(): number {
    return this.#minValid === int64Min ? -Infinity : Number(this.#minValid);
  }

  set minValidTimeMs(value: number) {
    this.#minValid = toInt64(value);
  }

  get seriesCount(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.seriesCount, 0);
  }

  get chunkCount(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.chunkCount, 0);
  }

  get memoryBytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.usedBytes, 0);
  }

  get seriesCreatedTotal(): number {
    return this.#seriesCreated;
  }

  get samplesAppendedTotal(): number {
    return this.#samplesAppended;
  }

  get seriesRemovedTotal(): number {
    return this.#seriesRemoved;
  }

  get replayed(): Head['replayed'] {
    return this.#replayed;
  }

  append(batch: ScannedBatch, group: number, bounds: AppendBounds): AppendResult {
    this.#fault.check();
    this.#endReplay();
    const sliced = sliceGroup(batch, group, this.#sliceLimits);
    this.#makeRoom(batch.histogramCount === 0 ? sliced.need : histogramNeed(batch, group, sliced.need));
    try {
      return this.#appendSlices(batch, sliced.slices(), bounds);
    } catch (error) {
      // Some of the request may be in memory, and will not be in the log.
      throw this.#fault.break(error);
    }
  }

  attachStored(chunk: AttachedChunk): void {
    const outcome = this.#replay().attach(chunk, this.#minValid);
    if (outcome === 'overlaps') throw new AttachedChunkError(chunk);
    if (outcome !== 'attached') return;
    const { ref, minTimeMs, maxTimeMs, sampleCount, encoding, dataLength, position } = chunk;
    if (position.file < this.#oldestFile) this.#oldestFile = position.file;
    this.#shards[0]!.attachStored(BigInt(ref), {
      minTime: BigInt(minTimeMs),
      maxTime: BigInt(maxTimeMs),
      count: sampleCount,
      encoding,
      dataLength,
      ...position,
    });
  }

  replay(record: Uint8Array): void {
    const replay = this.#replay();
    this.#fault.check();
    switch (recordType(record)) {
      case RecordType.series:
        for (const slice of this.#slicesOf(record)) this.#replaySeries(record, slice);
        break;
      case RecordType.samples:
        for (const slice of this.#slicesOf(record)) this.#replaySamples(record, slice);
        break;
      case RecordType.samplesV2:
        this.replay(encodeSamples(decoded(record, () => decodeSamplesV2(record))));
        break;
      case RecordType.histograms:
      case RecordType.floatHistograms:
      case RecordType.customBucketHistograms:
      case RecordType.customBucketFloatHistograms:
      case RecordType.histogramsV2:
      case RecordType.floatHistogramsV2:
        this.#replayHistograms(record);
        break;
      case RecordType.exemplars:
        decoded(record, () => {
          replay.exemplars(record, this.#minValid);
        });
        break;
      case RecordType.tombstones:
        decoded(record, () => {
          replay.tombstones(record, this.#minValid);
        });
        break;
    }
  }

  replayOutOfOrder(record: Uint8Array): void {
    const replay = this.#replay();
    this.#fault.check();
    this.#replayed.unknownRefs += decoded(record, () => replay.outOfOrder(record));
  }

  refsForCheckpoint(minTimeMs: number): RefPages {
    this.#endReplay();
    return this.#loggedRefs.keptFrom(toInt64(minTimeMs));
  }

  cursor(minTimeMs: number, maxTimeMs: number): HeadCursor {
    return new LocalCursor(this.snapshot(minTimeMs, maxTimeMs), this.#clock, this.seriesCount);
  }

  snapshot(minTimeMs: number, maxTimeMs: number): HeadSnapshotBuilder {
    this.#fault.check();
    this.#endReplay();
    invariant(!this.#hasSnapshot, 'one snapshot at a time');
    invariant(this.#truncation === undefined, 'no snapshot while a truncation runs');
    const snapshot = new ShardsSnapshot(this.#shards.slice(), { minTimeMs, maxTimeMs }, this.#host, this.#clock, () => {
      this.#hasSnapshot = false;
    });
    this.#hasSnapshot = true;
    return snapshot;
  }

  spill(budgetMs: number): boolean {
    const sink = this.#sink;
    if (sink === undefined) return false;
    this.#fault.check();
    this.#endReplay();
    invariant(!this.#hasSnapshot, 'no spilling while a snapshot is open');
    const until = this.#clock.monotonicMs() + budgetMs;
    for (; this.#spillAt < this.#shards.length; this.#spillAt += 1) {
      const shard = this.#shards[this.#spillAt]!;
      while (shard.unstoredChunks > 0) {
        if (!sink.hasRoom) return false;
        const more = this.#spillSome(shard, sink);
        if (!more) break;
        if (this.#clock.monotonicMs() >= until) return true;
      }
    }
    this.#spillAt = 0;
    return false;
  }

  get oldestChunkFile(): number {
    return Math.min(this.#oldestFile, this.#host.late.oldestFile);
  }

  get outOfOrder(): Head['outOfOrder'] {
    const { minTimeMs, maxTimeMs, seriesCount, sampleCount } = this.#host.late;
    return { minTimeMs, maxTimeMs, seriesCount, sampleCount };
  }

  outOfOrderSnapshot(): OutOfOrderSnapshot {
    this.#fault.check();
    this.#endReplay();
    const { round, series } = this.#host.late.freeze();
    const all: OutOfOrderSeries[] = [];
    for (const [ref, { chunks, samples }] of series) {
      const { shard, s } = this.#host.latePlace(ref)!;
      const deleted = this.#host.deletions.of(ref);
      all.push({
        ref,
        labels: shard.labels(s).slice(),
        chunks: chunks.flatMap((chunk) => trimTo(chunk, allTimes, deleted)),
        samples: visible(samples, { ...allTimes, deleted }),
      });
    }
    all.sort((a, b) => compareCanonicalLabels(a.labels, b.labels));
    return {
      series: all,
      drop: () => {
        this.#host.late.drop(round);
        // Series that had nothing else go with the next truncation.
        if (this.#host.unpin()) this.#isSwept = false;
      },
    };
  }

  get exemplars(): ExemplarRing | undefined {
    return this.#host.exemplars;
  }

  truncate(minTimeMs: number, budgetMs: number): boolean {
    this.#fault.check();
    this.#endReplay();
    invariant(!this.#hasSnapshot, 'no truncation while a snapshot is open');
    const min = toInt64(minTimeMs);
    if (this.#truncation === undefined || this.#truncation.min < min) {
      if (this.#truncation === undefined && this.#started && this.#min >= min && this.#isSwept) return false;
      this.#beginTruncation(min);
    }
    const until = this.#clock.monotonicMs() + budgetMs;
    while (this.#truncateStep()) {
      if (this.#clock.monotonicMs() >= until) return true;
    }
    return false;
  }

  async select(query: HeadSelectionQuery): Promise<SeriesSource> {
    this.#beginRead();
    return this.#reading.select(query);
  }

  async labelNames(query: LabelQuery): Promise<readonly string[]> {
    this.#beginRead();
    return this.#reading.labelNames(query);
  }

  async labelValues(name: string, query: LabelQuery): Promise<readonly string[]> {
    this.#beginRead();
    return this.#reading.labelValues(name, query);
  }

  async statistics(limit: number, pace: Pace): Promise<HeadStatistics> {
    this.#beginRead();
    const lists = await this.#reading.statistics(limit, pace);
    return { minTimeMs: this.minTimeMs, maxTimeMs: this.maxTimeMs, seriesCount: this.seriesCount, ...lists };
  }

  async selectExemplars(query: ExemplarQuery): Promise<HeadExemplars[]> {
    this.#beginRead();
    return this.#reading.exemplars(query);
  }

  get selectionsOpened(): number {
    return this.#reading.selections.opened;
  }

  openSelections(beforeMs: number, opened?: number): number {
    return this.#reading.selections.countBefore(beforeMs, opened);
  }

  abortSelections(beforeMs: number, error: Error, opened?: number): void {
    this.#reading.selections.abortBefore(beforeMs, error, opened);
  }

  get indexBytes(): number {
    return this.#reading.index.bytes;
  }

  #beginRead(): void {
    this.#fault.check();
    this.#endReplay();
  }

  #allTimes(): TimeInterval {
    const { late } = this.#host;
    return {
      minTimeMs: Math.min(this.minTimeMs, late.minTimeMs),
      maxTimeMs: Math.max(this.maxTimeMs, late.maxTimeMs),
    };
  }

  /** Moves some chunks of a shard to the sink; whether its round goes on. */
  #spillSome(shard: Shard, sink: ChunkSink): boolean {
    const { more, chunks } = shard.stepUnstored(spillSteps.slots, spillSteps.chunks);
    for (const { s, node, ref, minTime, maxTime, encoding, data } of chunks) {
      const chunk = { ref: Number(ref), minTimeMs: Number(minTime), maxTimeMs: Number(maxTime), encoding, data };
      const { file, offset } = sink.append({ ...chunk, isOutOfOrder: false });
      shard.markStored(s, node, file, offset);
      if (file < this.#oldestFile) this.#oldestFile = file;
    }
    return more;
  }

  /** The shard that takes new series; a new one once the last has grown enough. */
  #openShard(): Shard {
    const newest = this.#shards.at(-1)!;
    const hasRoom = newest.usedBytes < this.#shardBytesMax && newest.seriesCount < this.#shardSeriesMax;
    if (hasRoom || newest.seriesCount === 0) return newest;
    return this.#addShard(new Shard(this.#shardOptions));
  }

  /** Appends come to a new shard from now on; it takes the place of an empty one. */
  #addShard(shard: Shard): Shard {
    const newest = this.#shards.at(-1)!;
    if (this.#truncation !== undefined) shard.beginTruncate(this.#truncation.min);
    if (newest.seriesCount > 0 || this.#hasSnapshot) {
      this.#shards.push(shard);
    } else {
      this.#reading.index.dropShard(newest);
      this.#shards[this.#shards.length - 1] = shard;
    }
    this.#reading.index.addShard(shard);
    return shard;
  }

  /** Makes sure that every shard can take a whole request, so that it is refused before anything is changed. */
  #makeRoom(need: GroupNeed): void {
    const takesLate = this.#outOfOrderWindow > 0n;
    const newest = this.#openShard();
    for (const shard of this.#shards) {
      if (shard !== newest && !shard.reserve(need, false, takesLate)) throw new ShardFullError(shard.memoryBytes);
    }
    if (newest.reserve(need, true, takesLate)) return;
    const fresh = new Shard(this.#shardOptions);
    if (!fresh.reserve(need, true, takesLate))
      throw fresh.canEverTake(need)
        ? new ShardFullError(fresh.memoryBytes)
        : new RequestTooLargeError(need.rows, need.samples);
    if (newest.seriesCount > 0 && !newest.reserve(need, false, takesLate)) throw new ShardFullError(newest.memoryBytes);
    this.#addShard(fresh);
  }

  #appendSlices(batch: ScannedBatch, slices: Iterable<BatchSlice>, bounds: AppendBounds): AppendResult {
    const { timestampMsMax, seriesMax = 0 } = bounds;
    const window = this.#outOfOrderWindow;
    const settings = {
      minValid: this.#minValid,
      appendableMin: this.#appendableMin(),
      started: this.#started,
      timestampMax: toInt64(timestampMsMax),
      outOfOrderMin: window > 0n && this.#started ? before(this.#max, window) : undefined,
      outOfOrderWindow: window,
      hostExemplars: this.#host.exemplars !== undefined,
    };
    const newest = this.#shards.at(-1)!;
    const rejections = new RejectionList();
    const wal = new WalBatch();
    const wbl = new WblBatch();
    const hostRows = new HostRows({ ...settings, host: this.#host, batch, wal, wbl, rejections });
    const counts = { appended: 0, created: 0 };
    for (const slice of slices) {
      wal.keep();
      let rows = slice.rows;
      // The newest shard comes last: it alone may create series, and must know that no other has them.
      for (const shard of this.#shards) {
        const createdMax = seriesMax > 0 ? Math.max(0, Math.floor(seriesMax) - this.seriesCount) : Infinity;
        const result = this.#appendSlice(shard, slice, rows, { ...settings, createdMax }, hostRows);
        settings.appendableMin = result.appendableMin;
        settings.outOfOrderMin = result.outOfOrderMin;
        settings.started = result.started;
        rows = result.rows;
        wal.addSeries(result.seriesRecord);
        wal.endRun(result.samplesRecord);
        if (result.refused.length > 0) addRefused(rejections, slice, result.refused);
        counts.appended += result.appended;
        counts.created += result.created;
        if (shard !== newest && result.rowsLeft === 0) break;
      }
    }
    if (hostRows.times !== undefined) this.#extend(hostRows.times.min, hostRows.times.max);
    this.#samplesAppended += hostRows.histogramsStored + hostRows.lateStored;
    return {
      records: wal.records(),
      outOfOrderRecords: wbl.records(),
      samplesAppended: counts.appended + hostRows.histogramsStored + hostRows.lateStored,
      seriesCreated: counts.created,
      exemplarsAccepted: hostRows.exemplarsAccepted,
      rejected: countRejections(rejections),
      hasRejections: rejections.length > 0,
      rejections,
    };
  }

  #appendSlice(
    shard: Shard,
    slice: BatchSlice,
    rows: Uint8Array,
    settings: ShardBounds,
    hostRows: HostRows,
  ): ShardAppend {
    shard.beginAppend(slice, rows, settings, shard === this.#shards.at(-1), this.#nextRef);
    for (let row = shard.runAppend(0); row < slice.rowCount; row = shard.runAppend(row + 1)) {
      hostRows.append(shard, slice, row);
    }
    const result = shard.endAppend();
    this.#account(result);
    if (result.outOfOrder.length > 0) hostRows.storeLate(shard, result.outOfOrder);
    return result;
  }

  #appendableMin(): bigint {
    if (!this.#started) return this.#minValid;
    const low = this.#max - this.#chunkRange / 2n;
    if (low < int64Min) return this.#minValid;
    return low > this.#minValid ? low : this.#minValid;
  }

  #account(result: ShardAppend): void {
    if (result.started && !this.#started) this.#extend(result.firstTime, result.firstTime);
    this.#extend(result.minTime, result.maxTime);
    for (let i = 0, ref = Number(this.#nextRef); i < result.created; i += 1) this.#loggedRefs.add(ref + i);
    this.#nextRef = result.nextRef;
    this.#seriesCreated += result.created;
    this.#samplesAppended += result.appended;
  }

  #extend(min: bigint, max: bigint): void {
    if (min > max) return;
    this.#started = true;
    if (min < this.#min) this.#min = min;
    if (max > this.#max) this.#max = max;
  }

  #replaySeries(record: Uint8Array, slice: RecordSlice): void {
    let newest = this.#openShard();
    if (!newest.reserveSeries(slice, true)) {
      const fresh = new Shard(this.#shardOptions);
      if (!fresh.reserveSeries(slice, true)) throw new ShardFullError(fresh.memoryBytes);
      newest = this.#addShard(fresh);
    }
    for (const shard of this.#shards) {
      if (shard !== newest && !shard.reserveSeries(slice, false)) throw new ShardFullError(shard.memoryBytes);
    }
    const done = new Uint8Array(slice.count);
    for (const shard of this.#shards) {
      const { applied, maxRef, hostReset, minTime, maxTime } = shard.replaySeries(
        record,
        slice,
        done,
        shard === newest,
      );
      this.#replayed.series += applied;
      this.#extend(minTime, maxTime);
      for (const s of hostReset) this.#host.forgetHistogram(Number(shard.series(s).ref));
      this.#see(maxRef);
    }
  }

  /** Refs begin above every one that the logs or the files of chunks name: of a series whose record is lost, they may hold samples that no other may get. */
  #see(ref: bigint): void {
    if (ref >= this.#nextRef) this.#nextRef = ref + 1n;
  }

  #replaySamples(record: Uint8Array, slice: RecordSlice): void {
    const replay = this.#replay();
    let known = 0;
    for (const shard of this.#shards) {
      let result = shard.replaySamples(record, slice, this.#minValid);
      for (;;) {
        this.#extend(result.minTime, result.maxTime);
        this.#replayed.samples += result.stored;
        this.#replayed.dropped += result.dropped;
        known += result.known;
        this.#see(result.unknownRefMax);
        if (result.stopped === undefined) break;
        const { s, t, bits } = result.stopped;
        replay.float({ shard, s }, t, bits);
        this.#extend(t, t);
        this.#replayed.samples += 1;
        result = shard.resumeSamples();
      }
    }
    this.#replayed.unknownRefs += slice.count - known;
  }

  #replayHistograms(record: Uint8Array): void {
    const replay = this.#replay();
    const { stored, dropped, unknown, min, max } = decoded(record, () => replay.histograms(record, this.#minValid));
    this.#extend(min, max);
    this.#replayed.samples += stored;
    this.#replayed.dropped += dropped;
    this.#replayed.unknownRefs += unknown;
  }

  #slicesOf(record: Uint8Array): RecordSlice[] {
    const slices = this.#shards.at(-1)!.checkRecord(record);
    if (slices === undefined) throw new RecordCorruptError(record);
    return slices;
  }

  #replay(): HostReplay {
    invariant(this.#hostReplay !== undefined, 'replay comes before everything else');
    return this.#hostReplay;
  }

  #endReplay(): void {
    if (this.#hostReplay === undefined) return;
    this.#see(BigInt(this.#hostReplay.highestRef));
    const redirected = this.#hostReplay.end(this.#max);
    this.#hostReplay = undefined;
    this.#isSwept = this.seriesCount === 0;
    for (const [ref, maxTime] of redirected) this.#loggedRefs.redirect(ref, maxTime);
    for (const shard of this.#shards) {
      for (const { ref, maxTime } of shard.endReplay()) this.#loggedRefs.redirect(Number(ref), maxTime);
      for (const ref of shard.refs()) this.#loggedRefs.add(Number(ref));
    }
  }

  #beginTruncation(min: bigint): void {
    this.#reading.index.beginTruncation();
    this.#isSwept = true;
    if (min > this.#minValid) this.#minValid = min;
    if (this.#started) {
      if (min > this.#min) this.#min = min;
      if (min > this.#max) this.#max = min;
    }
    this.#host.deletions.forgetBefore(Number(min));
    this.#truncation = { min, shard: 0, oldest: int64Max, oldestFile: Infinity };
    for (const shard of this.#shards) shard.beginTruncate(min);
  }

  /** Walks some slots of one shard; whether there is more to do. */
  #truncateStep(): boolean {
    const run = this.#truncation;
    if (run === undefined) return false;
    const { index } = this.#reading;
    if (run.shard < this.#shards.length) {
      if (!index.stepBeforeRemoval()) this.#sweepSome(run);
      return true;
    }
    if (index.stepRebuild()) return true;
    index.endTruncation();
    this.#endTruncation(run);
    return false;
  }

  #sweepSome(run: Truncation): void {
    const step = this.#shards[run.shard]!.stepTruncate(truncateSteps);
    const { more, removed, emptied, oldest, oldestFile } = step;
    for (const ref of removed) {
      this.#loggedRefs.remove(Number(ref));
      this.#host.forget(Number(ref));
      this.#reading.index.removed(Number(ref));
    }
    for (const ref of emptied) this.#host.forgetHistogram(Number(ref));
    this.#seriesRemoved += removed.length;
    if (more) return;
    if (oldest < run.oldest) run.oldest = oldest;
    if (oldestFile < run.oldestFile) run.oldestFile = oldestFile;
    run.shard += 1;
  }

  #endTruncation({ oldest, oldestFile }: Truncation): void {
    this.#truncation = undefined;
    this.#oldestFile = oldestFile;
    this.#spillAt = 0;
    this.#dropEmptyShards();
    if (this.#started && oldest > this.#min) {
      // Nothing older is left, and nothing older than appendableMin can come.
      const appendableMin = this.#appendableMin();
      const min = oldest < appendableMin ? oldest : appendableMin;
      this.#min = min;
      if (min > this.#minValid) this.#minValid = min;
    }
    // The WAL may hold samples of removed series up to the oldest that is left.
    this.#loggedRefs.endRemovals(oldest === int64Max ? this.#max : oldest);
  }

  /** A shard without series is dropped with its memory, unless it is the last. */
  #dropEmptyShards(): void {
    for (let i = this.#shards.length - 2; i >= 0; i -= 1) {
      if (this.#shards[i]!.seriesCount > 0) continue;
      this.#reading.index.dropShard(this.#shards[i]!);
      this.#shards.splice(i, 1);
    }
  }
}

const allTimes = { minTimeMs: -Infinity, maxTimeMs: Infinity };

const refusalReasons: Readonly<Record<number, RejectionReason>> = {
  [shardRefusal.outOfBounds]: 'outOfBounds',
  [shardRefusal.outOfOrder]: 'outOfOrder',
  [shardRefusal.duplicate]: 'duplicate',
  [shardRefusal.tooOld]: 'tooOld',
  [shardRefusal.seriesLimit]: 'seriesLimit',
};

/** Adds what a shard has refused of a slice, by the rows and samples of the whole batch. */
function addRefused(rejections: RejectionList, slice: BatchSlice, refused: RefusedList): void {
  for (const { row, first, count, reason } of refused) {
    const series = slice.firstRow + row;
    if (reason >= shardRefusal.verdict)
      rejections.add(series, 'series', reasonOfVerdict(reason - shardRefusal.verdict));
    else rejections.add(series, 'sample', refusalReasons[reason]!, first + (row === 0 ? slice.skipped : 0), count);
  }
}

/** Says of a record that does not decode what it is. */
function decoded<T>(record: Uint8Array, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RecordMalformedError) throw new RecordCorruptError(record, { cause: error });
    throw error;
  }
}
