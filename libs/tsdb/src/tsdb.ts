import { invariant, messageOf, OperationalError } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import { noRejections, type Head, type Rejections } from '@gauntlet/head';
import { createIntake, HeadBrokenError, type ScannedBatch } from '@gauntlet/kernel';
import { createUlid } from '@gauntlet/model';
import type { WalWriter } from '@gauntlet/wal';
import { deleteBlock, loadBlocks } from './block-directory.js';
import { isCutDue, isCutLeft, nextCut, nextFlush, type CutRange, type HeadBounds } from './cut-plan.js';
import { bytesBelow } from './disk-usage.js';
import { Engine } from './engine.js';
import { workInThread, type HeavyWork } from './heavy-work.js';
import { judgeUnseen } from './judge-unseen.js';
import { Journal } from './journal.js';
import { writeOutOfOrderBlocks } from './out-of-order-blocks.js';
import { headChunksDir, walDir, wblDir } from './replay-head.js';
import { planRetention } from './retention.js';
import { inSlices, yieldNow } from './slices.js';
import type { TsdbOptions } from './tsdb-options.js';
import { TurnLock } from './turn-lock.js';

/**
 * Timestamps beyond these are out of bounds. A JavaScript number cannot tell neighbours apart there, so that no block's range could be
 * trusted to hold them; 285,000 years are enough.
 */
const timestampMsMax = Number.MAX_SAFE_INTEGER - 1;
const timestampMsMin = -timestampMsMax;

/** A log shorter than this is replayed before the database is handed out: that takes milliseconds. */
const briefReplayBytesMaxDefault = 1024 * 1024;
/** Requests that wait for the end of a replay may take so much of the disk. */
const journalBytesMax = 1024 * 1024 * 1024;
/** The largest request that the journal can hold, decompressed. */
const messageBytesMax = 512 * 1024 * 1024;
const retryMsMin = 1000;
const retryMsMax = 60_000;

type UnavailableCode = 'LOG_FAILING' | 'LOG_BEHIND' | 'TSDB_CLOSED' | 'TSDB_RECOVERING';

/** A write cannot be taken now. */
export class TsdbUnavailableError extends OperationalError {
  readonly code: UnavailableCode;
  readonly kind: 'unavailable' | 'overloaded';

  constructor(code: UnavailableCode, message: string) {
    super(message);
    this.code = code;
    this.kind = code === 'LOG_BEHIND' ? 'overloaded' : 'unavailable';
  }
}

/** What became of one tenant's part of a write. */
export interface AppendOutcome {
  readonly rejected: Rejections;
  readonly hasRejections: boolean;
  /** While the log is replayed: those that were taken, whatever becomes of them later. */
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
  outOfOrderBlocks: number;
  blocksDeleted: number;
  /** Those of them that were beyond the retention size. */
  blocksDeletedForSize: number;
  /** Over a limit at the last look, and kept because they are not in the bucket. */
  blocksHeldBack: number;
  checkpoints: number;
  checkpointFailures: number;
  replays: number;
  replayFailures: number;
  /** Seconds that the last replay took. */
  replaySeconds: number;
  /** Samples taken while a log was replayed, and those of them that were dropped afterwards as out of order, duplicate or too old. */
  journaledSamples: number;
  journaledDropped: number;
  /** Times that the head had to be built anew from its log because its kernel had failed. */
  recoveries: number;
  /** Damage found, by where: what was before it is kept, the files are set aside. */
  damagedHeadChunks: number;
  damagedCheckpoints: number;
  damagedSegments: number;
  damagedOutOfOrderSegments: number;
  damagedBlocks: number;
}

const noStats = (): TsdbStats => ({
  cuts: 0,
  cutFailures: 0,
  cutSeconds: 0,
  outOfOrderBlocks: 0,
  blocksDeleted: 0,
  blocksDeletedForSize: 0,
  blocksHeldBack: 0,
  checkpoints: 0,
  checkpointFailures: 0,
  replays: 0,
  replayFailures: 0,
  replaySeconds: 0,
  journaledSamples: 0,
  journaledDropped: 0,
  recoveries: 0,
  damagedHeadChunks: 0,
  damagedCheckpoints: 0,
  damagedSegments: 0,
  damagedOutOfOrderSegments: 0,
  damagedBlocks: 0,
});

/**
 * One tenant's database in Prometheus' own formats (spec/tsdb.md): head, write-ahead logs, head chunks and blocks.
 *
 * States: `replaying` (writes go to a journal, and into the head once the log has been replayed) -> `open` -> `closed`; from `open` back to
 * `replaying` when the head's kernel has failed.
 *
 * Appends are synchronous. Everything else (cutting, flushing, moving chunks, retention, closing) runs one after another, in slices between which
 * appends go on.
 */
export class Tsdb {
  readonly stats = noStats();
  /** Samples refused since the database was opened, by class. */
  readonly rejections: Rejections = noRejections();
  readonly #options: TsdbOptions;
  readonly #heavyWork: HeavyWork;
  readonly #maintenance = new TurnLock();
  readonly #closing = new AbortController();
  #state: 'replaying' | 'open' | 'closed' = 'replaying';
  #engine: Engine | undefined;
  /** The one that is being filled, or the engine's. */
  #head: Head | undefined;
  #journal: Journal | undefined;
  #replayed: Promise<void> = Promise.resolve();
  #replayAttempted: Promise<void> = Promise.resolve();
  #blocks: BlockMeta[];
  #minValidTimeMs: number;
  /** Everything older is in blocks. */
  #coveredMs = timestampMsMin;
  #bytesOnDisk = 0;

  private constructor(options: TsdbOptions, blocks: BlockMeta[], minValidTimeMs: number) {
    this.#options = options;
    this.#heavyWork = options.heavyWork ?? workInThread(options.vfs, options.clock);
    this.#blocks = blocks;
    this.#minValidTimeMs = Math.max(minValidTimeMs, timestampMsMin);
  }

  /**
   * Opens or creates the database. Resolves as soon as writes can be taken: a long log is replayed behind that.
   * @throws when the directory cannot be used, or a short log cannot be replayed
   */
  static async open(options: TsdbOptions): Promise<Tsdb> {
    const { vfs, dir, log, briefReplayBytesMax = briefReplayBytesMaxDefault } = options;
    await vfs.makeDir(dir);
    // The log makes its own name durable; without this one it could not be found after a loss of power.
    await vfs.syncDir(`${dir}/..`);
    const { blocks, minValidTimeMs, damaged } = await loadBlocks(vfs, dir, log);
    const database = new Tsdb(options, blocks, minValidTimeMs);
    database.stats.damagedBlocks = damaged.length;
    if ((await database.#logBytes()) <= briefReplayBytesMax && !(await Journal.exists(vfs, dir)))
      await database.#replay();
    else {
      await database.#openJournal();
      database.#replayBehind();
    }
    await database.#measure();
    return database;
  }

  get state(): 'replaying' | 'open' | 'closed' {
    return this.#state;
  }

  /** Resolves when the log has been replayed, and what came meanwhile is in the head. Rejects when the database was closed before. */
  get replayed(): Promise<void> {
    return this.#replayed;
  }

  /** Resolves when the replay that is under way has ended, well or not. */
  get replayAttempted(): Promise<void> {
    return this.#replayAttempted;
  }

  /** Samples at and above this time may be missing from the head while a replay runs; `Infinity` when all are there. */
  get incompleteFromMs(): number {
    return this.#state === 'replaying' ? this.#minValidTimeMs : Infinity;
  }

  /** The series in memory. While `replaying` it is still being filled, and there is none before its turn: ask for it when `open`. */
  get head(): Head {
    invariant(this.#head !== undefined, 'a head is made with the database');
    return this.#head;
  }

  /** What writes go to: the log, or the journal during a replay. */
  get wal(): Pick<WalWriter, 'state' | 'stats' | 'segment'> {
    const wal = this.#engine?.wal ?? this.#journal?.wal;
    return wal ?? closedLog;
  }

  /** Blocks on disk, oldest first. */
  get blocks(): readonly BlockMeta[] {
    return this.#blocks;
  }

  /** Bytes of logs, head chunks and blocks when they were last looked at: after cuts, deletions and `maintain`. */
  bytesOnDisk(): number {
    return this.#bytesOnDisk;
  }

  /**
   * Stores what can be stored of one tenant group of a scanned request.
   * @throws TsdbUnavailableError before anything is changed
   */
  append(batch: ScannedBatch, group: number): AppendOutcome {
    const engine = this.#engine;
    if (engine === undefined) return this.#journalAppend(batch, group);
    if (!engine.isLogOpen) throw new TsdbUnavailableError('LOG_FAILING', 'Cannot append: the log cannot be written');
    refuseIfBehind(engine.pendingBytes, this.#options.pendingBytesMax);
    try {
      const result = engine.head.append(batch, group, { timestampMsMax: this.#timestampMsMax() });
      const { rejected, hasRejections, samplesAppended } = result;
      if (hasRejections) this.#count(rejected);
      return { rejected, hasRejections, samplesAppended, committed: engine.log(result) };
    } catch (error) {
      if (error instanceof HeadBrokenError) this.#recover(engine, error);
      throw error;
    }
  }

  /** Cuts blocks while the head's oldest sample is more than one and a half ranges old (spec/receive.md 7.4). Resolves with their ids. */
  cutIfDue(): Promise<string[]> {
    return this.#maintain(async (engine) => {
      const { clock, blockRangeMs: rangeMs } = this.#options;
      if (!isCutDue(boundsOf(engine.head), { nowMs: clock.nowMs(), rangeMs })) return [];
      const ids: string[] = [];
      let end: number;
      do {
        const range = nextCut(engine.head.minTimeMs, rangeMs);
        end = range.maxTimeMs;
        ids.push(...(await this.#cut(engine, range)));
      } while (this.#isOpen(engine) && isCutLeft(boundsOf(engine.head), rangeMs));
      await this.#truncateLog(engine, end);
      ids.push(...(await this.#compactOutOfOrder(engine)));
      await this.#measure();
      return ids;
    });
  }

  /**
   * Cuts all that the head holds into blocks. Meant for the end: what is appended meanwhile may be refused as out of bounds. A log that is still
   * being replayed stays as it is.
   */
  flush(): Promise<string[]> {
    return this.#maintain(async (engine) => {
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
      ids.push(...(await this.#compactOutOfOrder(engine)));
      if (end !== undefined) await this.#truncateLog(engine, end);
      await this.#measure();
      return ids;
    });
  }

  /** Writes what came out of order into blocks of its own, as cuts and flushes do behind theirs. Resolves with their ids. */
  compactOutOfOrder(): Promise<string[]> {
    return this.#maintain((engine) => this.#compactOutOfOrder(engine));
  }

  /** Moves finished chunks from memory to files. Meant to be called once a minute, and when memory is short. */
  async maintain(): Promise<void> {
    await this.#maintain(async (engine) => {
      await engine.spill();
      await this.#measure();
      return [];
    });
  }

  /**
   * Deletes blocks that are over the retention time, or beyond the retention size. Resolves with their ids.
   * @param uploaded ids of the blocks in the bucket; undefined when there is no bucket to wait for
   */
  applyRetention(uploaded: ReadonlySet<string> | undefined): Promise<string[]> {
    return this.#maintenance.run(async () => {
      const { vfs, dir, clock, retentionMs, retentionBytesMax = 0 } = this.#options;
      const blocks = [];
      for (const { ulid, minTime, maxTime, compaction } of this.#blocks) {
        const bytes = retentionBytesMax > 0 ? await bytesBelow(vfs, `${dir}/${ulid}`) : 0;
        const deletable = compaction.deletable ?? false;
        blocks.push({ id: ulid, minTimeMs: minTime, maxTimeMs: maxTime, deletable, bytes });
      }
      const otherBytes = retentionBytesMax > 0 ? await this.#logBytes() : 0;
      const policy = { retentionMs, retentionBytesMax, otherBytes, nowMs: clock.nowMs(), uploaded };
      const { doomed, heldBack } = planRetention(blocks, policy);
      this.stats.blocksHeldBack = heldBack.length;
      const ids: string[] = [];
      for (const { id, reason } of doomed) {
        await deleteBlock(vfs, dir, id);
        this.#blocks = this.#blocks.filter(({ ulid }) => ulid !== id);
        this.stats.blocksDeleted += 1;
        if (reason === 'size') this.stats.blocksDeletedForSize += 1;
        ids.push(id);
      }
      if (ids.length > 0) await this.#measure();
      return ids;
    });
  }

  /** Syncs and closes the logs. What the head holds is in them, and comes back with the next opening. */
  close(): Promise<void> {
    this.#state = 'closed';
    this.#closing.abort(new TsdbUnavailableError('TSDB_CLOSED', 'Cannot go on: the database is closed'));
    return this.#maintenance.run(async () => {
      await this.#replayed.catch(() => {});
      await this.#journal?.close();
      await this.#engine?.close();
    });
  }

  /** Work on an open database, one piece after another; nothing while a replay runs. */
  #maintain(work: (engine: Engine) => Promise<string[]>): Promise<string[]> {
    return this.#maintenance.run(async () => {
      const engine = this.#engine;
      if (engine === undefined || this.#state !== 'open') return [];
      try {
        return await work(engine);
      } catch (error) {
        if (error instanceof HeadBrokenError) this.#recover(engine, error);
        throw error;
      }
    });
  }

  #isOpen(engine: Engine): boolean {
    return this.#state === 'open' && this.#engine === engine;
  }

  #timestampMsMax(): number {
    const { clock, futureWindowMs } = this.#options;
    return futureWindowMs > 0 ? Math.min(clock.nowMs() + futureWindowMs, timestampMsMax) : timestampMsMax;
  }

  #count(rejected: Rejections): void {
    for (const name of Object.keys(rejected) as (keyof Rejections)[]) this.rejections[name] += rejected[name];
  }

  #journalAppend(batch: ScannedBatch, group: number): AppendOutcome {
    const journal = this.#journal;
    if (this.#state === 'closed')
      throw new TsdbUnavailableError('TSDB_CLOSED', 'Cannot append: the database is closed');
    if (journal === undefined)
      throw new TsdbUnavailableError('TSDB_RECOVERING', 'Cannot append: the database is being built anew from its log');
    if (journal.wal.state !== 'open')
      throw new TsdbUnavailableError('LOG_FAILING', 'Cannot append: the journal cannot be written');
    refuseIfBehind(journal.wal.stats.pendingBytes, this.#options.pendingBytesMax);
    if (journal.bytes > journalBytesMax)
      throw new TsdbUnavailableError('LOG_BEHIND', `Cannot append: ${journal.bytes} bytes wait for the log's replay`);
    const { rejected, hasRejections, samples } = judgeUnseen(batch, group, {
      minTimeMs: (this.#options.outOfOrderWindowMs ?? 0) > 0 ? timestampMsMin : this.#minValidTimeMs,
      maxTimeMs: this.#timestampMsMax(),
    });
    if (hasRejections) this.#count(rejected);
    this.stats.journaledSamples += samples;
    const committed = samples > 0 ? journal.append(batch, group) : Promise.resolve();
    return { rejected, hasRejections, samplesAppended: samples, committed };
  }

  async #openJournal(): Promise<void> {
    const { vfs, dir, wal } = this.#options;
    this.#journal = await Journal.open(vfs, dir, wal);
  }

  /** Replays in the background, again and again until it works or the database is closed: the journal takes the writes meanwhile. */
  #replayBehind(): void {
    const { log, dir, clock } = this.#options;
    const signal = this.#closing.signal;
    const run = async (): Promise<void> => {
      for (let retryMs = retryMsMin; ; retryMs = Math.min(2 * retryMs, retryMsMax)) {
        try {
          const attempt = this.#replay();
          this.#replayAttempted = attempt.catch(() => {});
          await attempt;
          return;
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          this.stats.replayFailures += 1;
          log.error('log cannot be replayed, it will be tried again', { dir, error: messageOf(error), retryMs });
          await clock.sleep(retryMs, signal);
        }
      }
    };
    this.#replayed = run();
    this.#replayed.catch(() => {}); // Whoever waits for it is told; nobody has to.
  }

  async #replay(): Promise<void> {
    const { clock, replayGate } = this.#options;
    const startMs = clock.monotonicMs();
    const open = (): ReturnType<typeof Engine.open> =>
      Engine.open(this.#options, {
        signal: this.#closing.signal,
        minValidTimeMs: this.#minValidTimeMs,
        onHead: (head) => (this.#head = head),
      });
    // Without a journal the database is handed out only after this: it must not wait behind the long replays of others.
    const waits = replayGate !== undefined && this.#journal !== undefined;
    const { engine, damage } = await (waits ? replayGate.run(open) : open());
    this.stats.damagedHeadChunks += damage.headChunks;
    this.stats.damagedCheckpoints += damage.checkpoints;
    this.stats.damagedSegments += damage.segments;
    this.stats.damagedOutOfOrderSegments += damage.outOfOrderSegments;
    try {
      await this.#drain(engine);
    } catch (error) {
      await engine.close().catch(() => {});
      throw error;
    }
    this.stats.replays += 1;
    this.stats.replaySeconds = (clock.monotonicMs() - startMs) / 1000;
  }

  /** Takes over what came during the replay; from its end on, writes go to the engine. */
  async #drain(engine: Engine): Promise<void> {
    const journal = this.#journal;
    const begin = (): void => {
      this.#engine = engine;
      this.#journal = undefined;
      if (this.#state !== 'closed') this.#state = 'open';
    };
    if (journal === undefined) {
      begin();
      return;
    }
    const intake = createIntake({ messageBytesMax });
    const { pendingBytesMax } = this.#options;
    await journal.drain(
      (record) => {
        const batch = intake.scan(record, 'identity', { kind: 'prometheus', tenant: '' });
        const result = engine.head.append(batch, 0, { timestampMsMax: this.#timestampMsMax() });
        // Whoever waits is answered by the journal; a log that fails is found below.
        engine.log(result).catch(() => {});
        for (const count of Object.values(result.rejected)) this.stats.journaledDropped += count;
      },
      async () => {
        this.#closing.signal.throwIfAborted();
        if (engine.pendingBytes > pendingBytesMax / 2) await engine.sync();
      },
      begin,
    );
    // What waits in the journal goes only when it is in the log. Should the log fail just now, the journal stays for the next opening.
    await engine
      .sync()
      .then(() => journal.remove())
      .catch(async (error: unknown) => {
        this.#options.log.warn('journal is kept until the next start', {
          dir: this.#options.dir,
          error: messageOf(error),
        });
        await journal.close().catch(() => {});
      });
  }

  /** The head's kernel has failed, and with it what is in memory: builds it anew from the log, as a start does. */
  #recover(broken: Engine, error: unknown): void {
    if (this.#engine !== broken || this.#state !== 'open') return;
    const { log, dir } = this.#options;
    log.error('head has failed and is built anew from its log', { dir, error: messageOf(error) });
    this.stats.recoveries += 1;
    this.#engine = undefined;
    this.#state = 'replaying';
    this.#replayed = (async () => {
      await broken.close().catch(() => {});
      await yieldNow();
      await this.#openJournal();
      this.#replayBehind();
      await this.#replayed;
    })();
    this.#replayed.catch((failure: unknown) =>
      log.error('database cannot be built anew', { dir, error: messageOf(failure) }),
    );
  }

  /** Writes one block and drops from the head what it covers. */
  async #cut(engine: Engine, range: CutRange): Promise<string[]> {
    const { clock, log, dir } = this.#options;
    const { head } = engine;
    const startMs = clock.monotonicMs();
    try {
      // What an earlier cut could not finish: its block is there, the samples still are in the head.
      await inSlices((budgetMs) => head.truncate(this.#coveredMs, budgetMs));
      const meta = await this.#cutRefusingOlder(engine, range);
      this.#coveredMs = range.maxTimeMs;
      this.#minValidTimeMs = Math.max(this.#minValidTimeMs, range.maxTimeMs);
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
      await inSlices((budgetMs) => head.truncate(range.maxTimeMs, budgetMs));
      await engine.truncateChunks();
      this.stats.cuts += 1;
      return meta === undefined ? [] : [meta.ulid];
    } catch (error) {
      this.stats.cutFailures += 1;
      throw error;
    } finally {
      this.stats.cutSeconds += (clock.monotonicMs() - startMs) / 1000;
    }
  }

  /** Writes the block. From the first moment nothing older is accepted: a sample that came after its series was gathered would be in no block. */
  async #cutRefusingOlder(engine: Engine, range: CutRange): Promise<BlockMeta | undefined> {
    const { clock, dir, randomBytes } = this.#options;
    const { head, chunks } = engine;
    const minValidBefore = head.minValidTimeMs;
    head.minValidTimeMs = Math.max(minValidBefore, range.maxTimeMs);
    const builder = head.snapshot(range.minTimeMs, range.maxTimeMs - 1);
    try {
      await inSlices((budgetMs) => builder.prepare(budgetMs));
      // Chunks that wait for their file are found there by whoever writes the block.
      await chunks.flush();
      const ulid = createUlid(clock.nowMs(), randomBytes(10));
      return await this.#heavyWork.cutBlock({ dir, ulid, ...range, snapshot: builder.description() });
    } catch (error) {
      // There is no block, so that what is older may come again.
      head.minValidTimeMs = minValidBefore;
      throw error;
    } finally {
      builder.close();
    }
  }

  /** Writes what came out of order into blocks of its own, and empties its log (spec/tsdb.md 5.9). */
  async #compactOutOfOrder(engine: Engine): Promise<string[]> {
    if (engine.head.outOfOrder.seriesCount === 0) return [];
    const { log, dir } = this.#options;
    const segment = await engine.rollOutOfOrderLog();
    const snapshot = engine.head.outOfOrderSnapshot();
    await engine.chunks.flush();
    const metas = await writeOutOfOrderBlocks(this.#options, snapshot);
    for (const meta of metas) {
      this.#blocks.push(meta);
      this.stats.outOfOrderBlocks += 1;
      log.info('block of out-of-order samples is written', {
        dir,
        block: meta.ulid,
        minTime: meta.minTime,
        maxTime: meta.maxTime,
        samples: meta.stats.numSamples ?? 0,
      });
    }
    snapshot.drop();
    await inSlices((budgetMs) => engine.head.truncate(this.#coveredMs, budgetMs));
    if (segment !== undefined) await engine.truncateOutOfOrderLog(segment);
    await engine.truncateChunks();
    return metas.map(({ ulid }) => ulid);
  }

  /** Replaces the log's old segments by a checkpoint. A failure costs disk, not data, and is tried again after the next cut. */
  async #truncateLog(engine: Engine, minTimeMs: number): Promise<void> {
    try {
      if (await engine.truncateLog(minTimeMs, this.#heavyWork)) this.stats.checkpoints += 1;
    } catch (error) {
      this.stats.checkpointFailures += 1;
      this.#options.log.error('log could not be truncated', {
        dir: this.#options.dir,
        error: messageOf(error),
      });
    }
  }

  /** Bytes of what a start replays. */
  async #logBytes(): Promise<number> {
    const { vfs, dir } = this.#options;
    const parts = [walDir(dir), wblDir(dir), headChunksDir(dir)];
    return (await Promise.all(parts.map((part) => bytesBelow(vfs, part)))).reduce((sum, bytes) => sum + bytes, 0);
  }

  async #measure(): Promise<void> {
    const { vfs, dir } = this.#options;
    this.#bytesOnDisk = await bytesBelow(vfs, dir).catch(() => this.#bytesOnDisk);
  }
}

/** The head keeps its times when it has been emptied; a head without series has nothing to cut. */
function boundsOf(head: Head): HeadBounds {
  return head.seriesCount === 0 ? { minTimeMs: Infinity, maxTimeMs: -Infinity } : head;
}

function refuseIfBehind(pendingBytes: number, pendingBytesMax: number): void {
  if (pendingBytes > pendingBytesMax)
    throw new TsdbUnavailableError('LOG_BEHIND', `Cannot append: ${pendingBytes} bytes wait for the log's disk`);
}

const closedLog: Pick<WalWriter, 'state' | 'stats' | 'segment'> = {
  state: 'closed',
  segment: 0,
  stats: { bytesWritten: 0, syncs: 0, failures: 0, pendingBytes: 0 },
};
