import { invariant, messageOf, OperationalError } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import { createHead, noRejections, type AppendResult, type Head, type Rejections } from '@gauntlet/head';
import type { ScannedBatch } from '@gauntlet/kernel';
import type { WalWriter } from '@gauntlet/wal';
import { deleteBlock, loadBlocks } from './block-directory.js';
import { cutBlock } from './cut-block.js';
import { isCutDue, isCutLeft, nextCut, nextFlush, type CutRange, type HeadBounds } from './cut-plan.js';
import { blocksToDelete } from './retention.js';
import { inSlices } from './slices.js';
import type { TsdbOptions } from './tsdb-options.js';
import { TurnLock } from './turn-lock.js';
import { openLog, truncateLog } from './log-files.js';

/**
 * Timestamps beyond these are out of bounds. A JavaScript number cannot tell neighbours apart there, so that no block's range could be
 * trusted to hold them; 285,000 years are enough.
 */
const timestampMsMax = Number.MAX_SAFE_INTEGER - 1;
const timestampMsMin = -timestampMsMax;

/** A write cannot be taken now. */
export class TsdbUnavailableError extends OperationalError {
  readonly code: 'LOG_FAILING' | 'LOG_BEHIND' | 'TSDB_CLOSED';
  readonly kind: 'unavailable' | 'overloaded';

  constructor(code: TsdbUnavailableError['code'], message: string) {
    super(message);
    this.code = code;
    this.kind = code === 'LOG_BEHIND' ? 'overloaded' : 'unavailable';
  }
}

/** What became of one tenant's part of a write. */
export interface AppendOutcome {
  readonly rejected: Rejections;
  readonly hasRejections: boolean;
  readonly samplesAppended: number;
  /** Resolves when the accepted samples, and all before them, are durable; rejects with kind `unavailable` when the log fails first. */
  readonly committed: Promise<void>;
}

/** Counters since the database was opened. */
export interface TsdbStats {
  cuts: number;
  cutFailures: number;
  /** Seconds spent cutting. */
  cutSeconds: number;
  blocksDeleted: number;
  checkpoints: number;
  checkpointFailures: number;
}

/**
 * One tenant's database in Prometheus' own formats (spec/tsdb.md): head, write-ahead log and blocks.
 *
 * Appends are synchronous. Cutting, flushing, retention and closing run one after another, in slices between which appends go on.
 */
export class Tsdb {
  readonly head: Head;
  readonly wal: WalWriter;
  readonly stats: TsdbStats = {
    cuts: 0,
    cutFailures: 0,
    cutSeconds: 0,
    blocksDeleted: 0,
    checkpoints: 0,
    checkpointFailures: 0,
  };
  /** Samples refused since the database was opened, by class. */
  readonly rejections: Rejections = noRejections();
  readonly #options: TsdbOptions;
  readonly #maintenance = new TurnLock();
  #blocks: BlockMeta[];
  /** Everything older is in blocks. */
  #coveredMs = timestampMsMin;
  #closed = false;

  private constructor(options: TsdbOptions, head: Head, wal: WalWriter, blocks: BlockMeta[]) {
    this.#options = options;
    this.head = head;
    this.wal = wal;
    this.#blocks = blocks;
  }

  /**
   * Opens or creates the database: removes what was left half done, reads the blocks, replays the log up to its first damage.
   * @throws an error of kind `corrupt` when a checkpoint is damaged, or the log holds records that this version would lose
   */
  static async open(options: TsdbOptions): Promise<Tsdb> {
    const { vfs, dir, log, clock, chunkRangeMs } = options;
    await vfs.makeDir(dir);
    // The log makes its own name durable; without this one it could not be found after a loss of power.
    await vfs.syncDir(`${dir}/..`);
    const { blocks, minValidTimeMs } = await loadBlocks(vfs, dir, log);
    const head = createHead({ chunkRangeMs, clock });
    head.minValidTimeMs = Math.max(minValidTimeMs, timestampMsMin);
    const wal = await openLog(options, head);
    return new Tsdb(options, head, wal, blocks);
  }

  /** Blocks on disk, oldest first. */
  get blocks(): readonly BlockMeta[] {
    return this.#blocks;
  }

  /**
   * Stores what can be stored of one tenant group of a scanned request.
   * @throws TsdbUnavailableError before anything is changed
   */
  append(batch: ScannedBatch, group: number): AppendOutcome {
    if (this.#closed) throw new TsdbUnavailableError('TSDB_CLOSED', 'Cannot append: the database is closed');
    if (this.wal.state !== 'open')
      throw new TsdbUnavailableError('LOG_FAILING', 'Cannot append: the log cannot be written');
    if (this.wal.stats.pendingBytes > this.#options.pendingBytesMax) {
      throw new TsdbUnavailableError(
        'LOG_BEHIND',
        `Cannot append: ${this.wal.stats.pendingBytes} bytes wait for the log's disk`,
      );
    }
    const { records, rejected, hasRejections, samplesAppended }: AppendResult = this.head.append(batch, group, {
      timestampMsMax: this.#timestampMsMax(),
    });
    if (hasRejections) this.#count(rejected);
    if (records.length === 0) return { rejected, hasRejections, samplesAppended, committed: Promise.resolve() };
    // The records are views into the head's memory: the log copies them in this turn.
    this.wal.append(records);
    return { rejected, hasRejections, samplesAppended, committed: this.wal.commit() };
  }

  #timestampMsMax(): number {
    const { clock, futureWindowMs } = this.#options;
    return futureWindowMs > 0 ? Math.min(clock.nowMs() + futureWindowMs, timestampMsMax) : timestampMsMax;
  }

  #count(rejected: Rejections): void {
    for (const name of Object.keys(rejected) as (keyof Rejections)[]) this.rejections[name] += rejected[name];
  }

  /** Cuts blocks while the head's oldest sample is more than one and a half ranges old (spec/receive.md 7.4). Resolves with their ids. */
  cutIfDue(): Promise<string[]> {
    return this.#maintenance.run(async () => {
      const { clock, blockRangeMs: rangeMs } = this.#options;
      const ids: string[] = [];
      if (this.#closed || !isCutDue(this.#bounds(), { nowMs: clock.nowMs(), rangeMs })) return ids;
      let end: number;
      do {
        const range = nextCut(this.head.minTimeMs, rangeMs);
        end = range.maxTimeMs;
        ids.push(...(await this.#cut(range)));
      } while (!this.#closed && isCutLeft(this.#bounds(), rangeMs));
      await this.#truncateLog(end);
      return ids;
    });
  }

  /** Cuts all that the head holds into blocks. Meant for the end: what is appended meanwhile may be refused as out of bounds. */
  flush(): Promise<string[]> {
    return this.#maintenance.run(async () => {
      const ids: string[] = [];
      // Planned anew for each block: the head's oldest sample may be years behind the next one.
      const next = (): CutRange | undefined => nextFlush(this.#bounds(), this.#options.blockRangeMs);
      let end: number | undefined;
      for (let range = next(); range !== undefined; range = next()) {
        ids.push(...(await this.#cut(range)));
        end = range.maxTimeMs;
      }
      if (end !== undefined) await this.#truncateLog(end);
      return ids;
    });
  }

  /**
   * Deletes blocks that are over the retention time. Resolves with their ids.
   * @param uploaded ids of the blocks in the bucket; undefined when there is no bucket to wait for
   */
  applyRetention(uploaded: ReadonlySet<string> | undefined): Promise<string[]> {
    return this.#maintenance.run(async () => {
      const { vfs, dir, clock, retentionMs } = this.#options;
      const blocks = this.#blocks.map(({ ulid, minTime, maxTime, compaction }) => ({
        id: ulid,
        minTimeMs: minTime,
        maxTimeMs: maxTime,
        deletable: compaction.deletable ?? false,
      }));
      const ids: string[] = [];
      for (const { id } of blocksToDelete(blocks, { retentionMs, nowMs: clock.nowMs(), uploaded })) {
        await deleteBlock(vfs, dir, id);
        this.#blocks = this.#blocks.filter(({ ulid }) => ulid !== id);
        this.stats.blocksDeleted += 1;
        ids.push(id);
      }
      return ids;
    });
  }

  /** Syncs and closes the log. What the head holds is in it, and comes back with the next opening. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#maintenance.run(() => this.wal.close());
  }

  /** The head keeps its times when it has been emptied; a head without series has nothing to cut. */
  #bounds(): HeadBounds {
    return this.head.seriesCount === 0 ? { minTimeMs: Infinity, maxTimeMs: -Infinity } : this.head;
  }

  /** Writes one block and drops from the head what it covers. */
  async #cut(range: CutRange): Promise<string[]> {
    const { clock, log, dir } = this.#options;
    const startMs = clock.monotonicMs();
    try {
      // What an earlier cut could not finish: its block is there, the samples still are in the head.
      await inSlices((budgetMs) => this.head.truncate(this.#coveredMs, budgetMs));
      const meta = await this.#cutRefusingOlder(range);
      this.#coveredMs = range.maxTimeMs;
      if (meta !== undefined) {
        this.#blocks.push(meta);
        log.info('block is cut', {
          dir,
          block: meta.ulid,
          minTime: meta.minTime,
          maxTime: meta.maxTime,
          series: meta.stats.numSeries ?? 0,
          samples: meta.stats.numSamples ?? 0,
          seconds: (clock.monotonicMs() - startMs) / 1000,
        });
      }
      await inSlices((budgetMs) => this.head.truncate(range.maxTimeMs, budgetMs));
      invariant(this.head.seriesCount === 0 || this.head.minTimeMs >= range.maxTimeMs, 'a cut empties its range');
      this.stats.cuts += 1;
      return meta === undefined ? [] : [meta.ulid];
    } catch (error) {
      this.stats.cutFailures += 1;
      throw error;
    } finally {
      this.stats.cutSeconds += (clock.monotonicMs() - startMs) / 1000;
    }
  }

  /** Writes the block. From the first moment nothing older is accepted: a sample that came after the cursor had passed its series would be in no block. */
  async #cutRefusingOlder(range: CutRange): Promise<BlockMeta | undefined> {
    const minValidBefore = this.head.minValidTimeMs;
    this.head.minValidTimeMs = Math.max(minValidBefore, range.maxTimeMs);
    try {
      return await cutBlock(this.#options, this.head, range);
    } catch (error) {
      // There is no block, so that what is older may come again.
      this.head.minValidTimeMs = minValidBefore;
      throw error;
    }
  }

  /** Replaces the log's old segments by a checkpoint. A failure costs disk, not data, and is tried again after the next cut. */
  async #truncateLog(minTimeMs: number): Promise<void> {
    try {
      if (await truncateLog(this.#options, this.head, this.wal, minTimeMs)) this.stats.checkpoints += 1;
    } catch (error) {
      this.stats.checkpointFailures += 1;
      this.#options.log.error('log could not be truncated', {
        dir: this.#options.dir,
        error: messageOf(error),
      });
    }
  }
}
