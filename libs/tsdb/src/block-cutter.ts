import { messageOf, secondMs } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import type { Head } from '@gauntlet/head';
import { createUlid, ulidRandomBytes } from '@gauntlet/model';
import { isCutDue, isCutLeft, nextCut, nextFlush, type CutRange, type HeadBounds } from './cut-plan.js';
import type { Engine } from './engine.js';
import type { HeavyWork } from './heavy-work.js';
import type { LocalBlocks } from './local-blocks.js';
import { writeOutOfOrderBlocks } from './out-of-order-blocks.js';
import { inSlices } from './slices.js';
import { ReadInterruptedError } from './tsdb-error.js';
import type { TsdbOptions } from './tsdb-options.js';
import type { TsdbStats } from './tsdb-stats.js';
import { discardBlock } from './write-block-directory.js';

const readersWaitMsMaxDefault = 30 * secondMs;
const readersPollMs = 50;

export interface BlockCutterParts {
  readonly options: TsdbOptions;
  readonly heavyWork: HeavyWork;
  readonly blocks: LocalBlocks;
  readonly stats: TsdbStats;
}

/**
 * Moves samples from a head to blocks, and then truncates what held them: the head, its chunk files and its logs. A sample leaves those only
 * when a durable block has it. Pieces of this work must not overlap; appends go on between their slices.
 */
export class BlockCutter {
  readonly #options: TsdbOptions;
  readonly #heavyWork: HeavyWork;
  readonly #blocks: LocalBlocks;
  readonly #stats: TsdbStats;

  constructor({ options, heavyWork, blocks, stats }: BlockCutterParts) {
    this.#options = options;
    this.#heavyWork = heavyWork;
    this.#blocks = blocks;
    this.#stats = stats;
  }

  isCutDue({ head }: Engine): boolean {
    const { clock, blockRangeMs: rangeMs } = this.#options;
    return isCutDue(boundsOf(head), { nowMs: clock.nowMs(), rangeMs });
  }

  /** Cuts block after block until the head spans at most one and a half ranges, or `mayGoOn` says no. Resolves with their ids. */
  async cutDue(engine: Engine, mayGoOn: () => boolean): Promise<string[]> {
    const { blockRangeMs } = this.#options;
    const ids: string[] = [];
    let end: number;
    do {
      const range = nextCut(engine.head.minTimeMs, blockRangeMs);
      end = range.maxTimeMs;
      ids.push(...(await this.#cut(engine, range)));
    } while (mayGoOn() && isCutLeft(boundsOf(engine.head), blockRangeMs));
    await this.#truncateLog(engine, end);
    ids.push(...(await this.compactOutOfOrder(engine)));
    return ids;
  }

  /** Cuts all that the head holds. Resolves with the blocks' ids. */
  async cutAll(engine: Engine): Promise<string[]> {
    const ids: string[] = [];
    // Planned anew for each block: the head's oldest sample may be years behind the next one.
    const next = (): CutRange | undefined => nextFlush(boundsOf(engine.head), this.#options.blockRangeMs);
    let end: number | undefined;
    for (let range = next(); range !== undefined; range = next()) {
      const isLast = range.maxTimeMs > engine.head.maxTimeMs;
      const cut = await this.#cut(engine, range);
      ids.push(...cut);
      end = range.maxTimeMs;
      // The series that are left have nothing in order, only what came out of order.
      if (isLast && cut.length === 0) break;
    }
    ids.push(...(await this.compactOutOfOrder(engine)));
    if (end !== undefined) await this.#truncateLog(engine, end);
    return ids;
  }

  /** Writes what came out of order into blocks of its own, and empties its log (spec/tsdb.md 5.9). Resolves with their ids. */
  async compactOutOfOrder(engine: Engine): Promise<string[]> {
    if (engine.head.outOfOrder.seriesCount === 0) return [];
    const { log, dir } = this.#options;
    const segment = await engine.rollOutOfOrderLog();
    const snapshot = engine.head.outOfOrderSnapshot();
    await engine.chunks.flush();
    const metas = await writeOutOfOrderBlocks(this.#options, snapshot);
    for (const meta of metas) {
      this.#blocks.add(meta);
      this.#stats.outOfOrderBlocks += 1;
      log.info('block of out-of-order samples is written', {
        dir,
        block: meta.ulid,
        minTime: meta.minTime,
        maxTime: meta.maxTime,
        samples: meta.stats.numSamples ?? 0,
      });
    }
    await this.#readersGone(engine.head, Infinity);
    snapshot.drop();
    await inSlices((budgetMs) => engine.head.truncate(this.#blocks.coveredMs, budgetMs));
    if (segment !== undefined) await engine.truncateOutOfOrderLog(segment);
    await engine.truncateChunks();
    return metas.map(({ ulid }) => ulid);
  }

  /** Writes one block and drops from the head what it covers. */
  async #cut(engine: Engine, range: CutRange): Promise<string[]> {
    const { clock, log, dir } = this.#options;
    const { head } = engine;
    const startMs = clock.monotonicMs();
    try {
      // What an earlier cut could not finish: its block is there, the samples still are in the head.
      await this.#readersGone(head, this.#blocks.coveredMs);
      await inSlices((budgetMs) => head.truncate(this.#blocks.coveredMs, budgetMs));
      const meta = await this.#writeRefusingOlder(engine, range);
      this.#blocks.coverUntil(range.maxTimeMs);
      if (meta !== undefined) {
        this.#blocks.add(meta);
        log.info('block is cut', {
          dir,
          block: meta.ulid,
          minTime: meta.minTime,
          maxTime: meta.maxTime,
          series: meta.stats.numSeries ?? 0,
          samples: meta.stats.numSamples ?? 0,
          seconds: (clock.monotonicMs() - startMs) / secondMs,
        });
      }
      await this.#readersGone(head, range.maxTimeMs);
      await inSlices((budgetMs) => head.truncate(range.maxTimeMs, budgetMs));
      await engine.truncateChunks();
      this.#stats.cuts += 1;
      return meta === undefined ? [] : [meta.ulid];
    } catch (error) {
      this.#stats.cutFailures += 1;
      throw error;
    } finally {
      this.#stats.cutSeconds += (clock.monotonicMs() - startMs) / secondMs;
    }
  }

  /** Writes the block. From the first moment nothing older is accepted: a sample that came after its series was gathered would be in no block. */
  async #writeRefusingOlder({ head, chunks }: Engine, range: CutRange): Promise<BlockMeta | undefined> {
    const { vfs, clock, dir, randomBytes } = this.#options;
    let ulid: string | undefined;
    const minValidBefore = head.minValidTimeMs;
    head.minValidTimeMs = Math.max(minValidBefore, range.maxTimeMs);
    const builder = head.snapshot(range.minTimeMs, range.maxTimeMs - 1);
    try {
      await inSlices((budgetMs) => builder.prepare(budgetMs));
      // Chunks that wait for their file are found there by whoever writes the block.
      await chunks.flush();
      ulid = createUlid(clock.nowMs(), randomBytes(ulidRandomBytes));
      return await this.#heavyWork.cutBlock({ dir, ulid, ...range, snapshot: builder.description() });
    } catch (error) {
      // A thread that has died leaves what it had written, all of the block perhaps. The next cut writes the samples again, elsewhere.
      if (ulid !== undefined) await discardBlock(vfs, dir, ulid).catch(() => {});
      // There is no block, so that what is older may come again.
      head.minValidTimeMs = minValidBefore;
      throw error;
    } finally {
      builder.close();
    }
  }

  /**
   * Nothing goes from under its readers at once: those that began before its samples were in a block may finish, for a while. Later ones read the block, and are
   * not waited for: where many read, there is always one.
   */
  async #readersGone(head: Head, beforeMs: number): Promise<void> {
    const { clock, readersWaitMsMax = readersWaitMsMaxDefault } = this.#options;
    const opened = head.selectionsOpened;
    for (let waitedMs = 0; head.openSelections(beforeMs, opened) > 0; waitedMs += readersPollMs) {
      if (waitedMs >= readersWaitMsMax) {
        head.abortSelections(
          beforeMs,
          new ReadInterruptedError(
            `Cannot read on: the samples have moved to a block, and the reader took longer than ${readersWaitMsMax / secondMs} s`,
          ),
          opened,
        );
        return;
      }
      await clock.sleep(readersPollMs);
    }
  }

  /** Replaces the log's old segments by a checkpoint. A failure costs disk, not data, and is tried again after the next cut. */
  async #truncateLog(engine: Engine, minTimeMs: number): Promise<void> {
    try {
      if (await engine.truncateLog(minTimeMs, this.#heavyWork)) this.#stats.checkpoints += 1;
    } catch (error) {
      this.#stats.checkpointFailures += 1;
      this.#options.log.error('log could not be truncated', {
        dir: this.#options.dir,
        error: messageOf(error),
      });
    }
  }
}

/** The head keeps its times when it has been emptied; a head without series has nothing to cut. */
function boundsOf(head: Head): HeadBounds {
  return head.seriesCount === 0 ? { minTimeMs: Infinity, maxTimeMs: -Infinity } : head;
}
