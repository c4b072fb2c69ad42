import { GiB, int64Max, int64Min, invariant, systemClock, toInt64, type Clock } from '@gauntlet/base';
import {
  RequestTooLargeError,
  Shard,
  ShardFault,
  ShardFullError,
  sliceGroup,
  type BatchSlice,
  type GroupNeed,
  type RecordSlice,
  type ScannedBatch,
  type ShardAppend,
  type ShardOptions,
  type SliceLimits,
} from '@gauntlet/kernel';
import { ShardsCursor } from './cursor.js';
import {
  noRejections,
  type AppendBounds,
  type AppendResult,
  type Head,
  type HeadCursor,
  type HeadOptions,
  type HeadSnapshotBuilder,
  type OutOfOrderSnapshot,
  type Rejections,
} from './head.js';
import { RefSet } from './ref-set.js';
import { RecordCorruptError } from './replay-error.js';

const shardBytesMaxDefault = 2 * GiB;
const shardSeriesMaxDefault = 2 ** 19;
/** Slots walked between two looks at the clock. */
const truncateSteps = 2048;

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
  #isReplaying = true;
  /** Replay leaves series whose samples are all in blocks; the first truncation removes them, whatever its time. */
  #isSwept = true;
  #hasCursor = false;
  readonly #liveRefs = new RefSet();
  /** Refs whose series are gone, or that a later record redirected, and until when the WAL may hold samples for them. */
  #expiries: { readonly time: bigint; readonly refs: RefSet }[] = [];
  #truncation: { readonly min: bigint; shard: number; oldest: bigint; readonly removed: RefSet } | undefined;

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
    };
    this.#sliceLimits = options.sliceLimits;
    this.#shardBytesMax = shardBytesMax;
    this.#shardSeriesMax = shardSeriesMax;
    this.#shards.push(new Shard(this.#shardOptions));
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
    this.#makeRoom(sliced.need);
    try {
      return this.#appendSlices(sliced.slices(), toInt64(bounds.timestampMsMax));
    } catch (error) {
      // Some of the request may be in memory, and will not be in the log.
      throw this.#fault.break(error);
    }
  }

  replay(record: Uint8Array): void {
    invariant(this.#isReplaying, 'replay comes before everything else');
    this.#fault.check();
    const slices = this.#shards.at(-1)!.checkRecord(record);
    if (slices === undefined) throw new RecordCorruptError(record);
    for (const slice of slices) {
      if (record[0] === 1) this.#replaySeries(record, slice);
      else this.#replaySamples(record, slice);
    }
  }

  keepInCheckpoint(ref: number, minTimeMs: number): boolean {
    this.#endReplay();
    if (this.#liveRefs.has(ref)) return true;
    const min = toInt64(minTimeMs);
    this.#expiries = this.#expiries.filter(({ time }) => time >= min);
    return this.#expiries.some(({ refs }) => refs.has(ref)) || (this.#truncation?.removed.has(ref) ?? false);
  }

  cursor(minTimeMs: number, maxTimeMs: number): HeadCursor {
    this.#fault.check();
    this.#endReplay();
    invariant(!this.#hasCursor, 'one cursor at a time');
    invariant(this.#truncation === undefined, 'no cursor while a truncation runs');
    const cursor = new ShardsCursor(
      this.#shards.slice(),
      { min: toInt64(minTimeMs), max: toInt64(maxTimeMs) },
      this.#clock,
      () => {
        this.#hasCursor = false;
      },
    );
    this.#hasCursor = true;
    return cursor;
  }

  readonly oldestChunkFile = Infinity;
  readonly outOfOrder = { minTimeMs: Infinity, maxTimeMs: -Infinity, seriesCount: 0, sampleCount: 0 };
  readonly exemplars = undefined;

  attachStored(): void {
    throw new Error('not built yet');
  }

  replayOutOfOrder(): void {
    throw new Error('not built yet');
  }

  snapshot(): HeadSnapshotBuilder {
    throw new Error('not built yet');
  }

  spill(): boolean {
    return false;
  }

  outOfOrderSnapshot(): OutOfOrderSnapshot {
    return { series: [], drop: () => undefined };
  }

  truncate(minTimeMs: number, budgetMs: number): boolean {
    this.#fault.check();
    this.#endReplay();
    invariant(!this.#hasCursor, 'no truncation while a cursor is open');
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
    if (newest.seriesCount > 0 || this.#hasCursor) this.#shards.push(shard);
    else this.#shards[this.#shards.length - 1] = shard;
    return shard;
  }

  /** Makes sure that every shard can take a whole request, so that it is refused before anything is changed. */
  #makeRoom(need: GroupNeed): void {
    const newest = this.#openShard();
    for (const shard of this.#shards) {
      if (shard !== newest && !shard.reserve(need, false)) throw new ShardFullError(shard.memoryBytes);
    }
    if (newest.reserve(need, true)) return;
    const fresh = new Shard(this.#shardOptions);
    if (!fresh.reserve(need, true))
      throw fresh.canEverTake(need)
        ? new ShardFullError(fresh.memoryBytes)
        : new RequestTooLargeError(need.rows, need.samples);
    if (newest.seriesCount > 0 && !newest.reserve(need, false)) throw new ShardFullError(newest.memoryBytes);
    this.#addShard(fresh);
  }

  #appendSlices(slices: Iterable<BatchSlice>, timestampMax: bigint): AppendResult {
    const settings = {
      minValid: this.#minValid,
      appendableMin: this.#appendableMin(),
      started: this.#started,
      timestampMax,
    };
    const newest = this.#shards.at(-1)!;
    const summary = new AppendSummary();
    for (const slice of slices) {
      summary.beginSlice();
      let rows = slice.rows;
      // The newest shard comes last: it alone may create series, and must know that no other has them.
      for (const shard of this.#shards) {
        const result = shard.append(slice, rows, settings, shard === newest, this.#nextRef);
        this.#account(result);
        settings.appendableMin = result.appendableMin;
        settings.started = result.started;
        rows = result.rows;
        summary.add(result);
        if (shard !== newest && result.rowsLeft === 0) break;
      }
    }
    return summary.result();
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
    for (let i = 0, ref = Number(this.#nextRef); i < result.created; i += 1) this.#liveRefs.add(ref + i);
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
      const { applied, maxRef } = shard.replaySeries(record, slice, done, shard === newest);
      this.#replayed.series += applied;
      if (maxRef >= this.#nextRef) this.#nextRef = maxRef + 1n;
    }
  }

  #replaySamples(record: Uint8Array, slice: RecordSlice): void {
    let known = 0;
    for (const shard of this.#shards) {
      const result = shard.replaySamples(record, slice, this.#minValid);
      this.#extend(result.minTime, result.maxTime);
      this.#replayed.samples += result.stored;
      this.#replayed.dropped += result.dropped;
      known += result.known;
    }
    this.#replayed.unknownRefs += slice.count - known;
  }

  #endReplay(): void {
    if (!this.#isReplaying) return;
    this.#isReplaying = false;
    this.#isSwept = this.seriesCount === 0;
    for (const shard of this.#shards) {
      for (const { ref, maxTime } of shard.endReplay()) this.#expire(Number(ref), maxTime);
      for (const ref of shard.refs()) this.#liveRefs.add(Number(ref));
    }
  }

  #expire(ref: number, time: bigint): void {
    let expiry = this.#expiries.find((e) => e.time === time);
    if (expiry === undefined) this.#expiries.push((expiry = { time, refs: new RefSet() }));
    expiry.refs.add(ref);
  }

  #beginTruncation(min: bigint): void {
    this.#isSwept = true;
    if (min > this.#minValid) this.#minValid = min;
    if (this.#started) {
      if (min > this.#min) this.#min = min;
      if (min > this.#max) this.#max = min;
    }
    this.#truncation = { min, shard: 0, oldest: int64Max, removed: this.#truncation?.removed ?? new RefSet() };
    for (const shard of this.#shards) shard.beginTruncate(min);
  }

  /** Walks some slots of one shard; whether there is more to do. */
  #truncateStep(): boolean {
    const run = this.#truncation;
    if (run === undefined) return false;
    const { more, removed, oldest } = this.#shards[run.shard]!.stepTruncate(truncateSteps);
    for (const ref of removed) {
      this.#liveRefs.delete(Number(ref));
      run.removed.add(Number(ref));
    }
    this.#seriesRemoved += removed.length;
    if (more) return true;
    if (oldest < run.oldest) run.oldest = oldest;
    run.shard += 1;
    if (run.shard < this.#shards.length) return true;
    this.#endTruncation(run);
    return false;
  }

  #endTruncation({ oldest, removed }: { readonly oldest: bigint; readonly removed: RefSet }): void {
    this.#truncation = undefined;
    this.#dropEmptyShards();
    if (this.#started && oldest > this.#min) {
      // Nothing older is left, and nothing older than appendableMin can come.
      const appendableMin = this.#appendableMin();
      const min = oldest < appendableMin ? oldest : appendableMin;
      this.#min = min;
      if (min > this.#minValid) this.#minValid = min;
    }
    // The WAL may hold samples of removed series up to the oldest that is left.
    if (!removed.isEmpty) this.#expiries.push({ time: oldest === int64Max ? this.#max : oldest, refs: removed });
  }

  /** A shard without series is dropped with its memory, unless it is the last. */
  #dropEmptyShards(): void {
    for (let i = this.#shards.length - 2; i >= 0; i -= 1) {
      if (this.#shards[i]!.seriesCount === 0) this.#shards.splice(i, 1);
    }
  }
}

const rejectionNames = [
  'outOfBounds',
  'outOfOrder',
  'duplicate',
  'emptyLabel',
  'duplicateLabel',
  'unsortedLabel',
] as const;

/** Adds up what the shards have done, slice by slice. */
class AppendSummary {
  readonly #rejected: Rejections = noRejections();
  /** All series come before the first sample. */
  readonly #seriesRecords: Uint8Array[] = [];
  readonly #samplesRecords: Uint8Array[] = [];
  #samplesAppended = 0;
  #seriesCreated = 0;
  #slices = 0;
  /** How many of either are copies already. */
  #copied: readonly [number, number] = [0, 0];

  /** The next slice overwrites the records of the last one, which are copied first. */
  beginSlice(): void {
    this.#slices += 1;
    if (this.#slices === 1) return;
    this.#copied = [copyFrom(this.#seriesRecords, this.#copied[0]), copyFrom(this.#samplesRecords, this.#copied[1])];
  }

  add(result: ShardAppend): void {
    rejectionNames.forEach((name, i) => {
      this.#rejected[name] += result.rejections[i]!;
    });
    this.#samplesAppended += result.appended;
    this.#seriesCreated += result.created;
    if (result.seriesRecord.length > 0) this.#seriesRecords.push(result.seriesRecord);
    if (result.samplesRecord.length > 0) this.#samplesRecords.push(result.samplesRecord);
  }

  result(): AppendResult {
    const rejected = this.#rejected;
    return {
      records: [...this.#seriesRecords, ...this.#samplesRecords],
      outOfOrderRecords: [],
      samplesAppended: this.#samplesAppended,
      seriesCreated: this.#seriesCreated,
      rejected,
      hasRejections: rejectionNames.some((name) => rejected[name] > 0),
    };
  }
}

/** Replaces the records from `first` on by copies; returns how many there are. */
function copyFrom(records: Uint8Array[], first: number): number {
  for (let i = first; i < records.length; i += 1) records[i] = records[i]!.slice();
  return records.length;
}
