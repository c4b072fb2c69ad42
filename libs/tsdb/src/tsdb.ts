import { GiB, invariant, messageOf, MiB, minuteMs, secondMs } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import { countRejections, noRejections, type Head, type Rejections } from '@gauntlet/head';
import { createIntake, HeadBrokenError, type ScannedBatch } from '@gauntlet/kernel';
import type { RejectionList } from '@gauntlet/remote-write';
import type { WalWriter } from '@gauntlet/wal';
import { applyRetention } from './apply-retention.js';
import { createBlockReaders, type BlockReaders } from '@gauntlet/block-reader';
import type { SeriesStore } from '@gauntlet/select';
import { BlockCutter } from './block-cutter.js';
import { DatabaseReader } from './database-reader.js';
import { loadBlocks } from './block-directory.js';
import { headChunksDir, walDir, wblDir } from './database-layout.js';
import { bytesBelow } from './disk-usage.js';
import { Engine } from './engine.js';
import { workInThread } from './heavy-work.js';
import { Journal } from './journal.js';
import { judgeUnseen } from './judge-unseen.js';
import { LocalBlocks } from './local-blocks.js';
import { yieldNow } from './slices.js';
import { timestampMsMax, timestampMsMin } from './timestamp-bounds.js';
import { TsdbUnavailableError } from './tsdb-error.js';
import type { TsdbOptions } from './tsdb-options.js';
import { noStats } from './tsdb-stats.js';
import { TurnLock } from './turn-lock.js';

/** A log shorter than this is replayed before the database is handed out: that takes milliseconds. */
const briefReplayBytesMaxDefault = MiB;
/** Requests that wait for the end of a replay may take so much of the disk. */
const journalBytesMax = GiB;
/** The largest request that the journal can hold, decompressed. */
const messageBytesMax = 512 * MiB;
/** Between two tries of a replay that fails. */
const retryMsMin = secondMs;
const retryMsMax = minuteMs;

/** What became of one tenant's part of a write. */
export interface AppendOutcome {
  readonly rejected: Rejections;
  readonly hasRejections: boolean;
  /** What `rejected` counts, item by item, with the rows of the batch. */
  readonly rejections: RejectionList;
  /** While the log is replayed: those that were taken, whatever becomes of them later. */
  readonly samplesAppended: number;
  /** Taken, those that are there already included. */
  readonly exemplarsAccepted: number;
  /** Resolves when the accepted samples, and all before them, are durable; rejects with kind `unavailable` when the log fails first. */
  readonly committed: Promise<void>;
}

/** `replaying` -> `open` -> `closed`; from `open` back to `replaying` when the head's kernel has failed. */
export type TsdbState = 'replaying' | 'open' | 'closed';

/**
 * One tenant's database in Prometheus' own formats (spec/tsdb.md): head, write-ahead logs, head chunks and blocks.
 *
 * While `replaying`, writes go to a journal, and into the head once the log has been replayed.
 *
 * Appends are synchronous. Everything else (cutting, flushing, moving chunks, retention, closing) runs one after another, in slices between which
 * appends go on.
 */
export class Tsdb {
  readonly stats = noStats();
  /** Samples refused since the database was opened, by class. */
  readonly rejections: Rejections = noRejections();
  readonly #options: TsdbOptions;
  readonly #blocks: LocalBlocks;
  readonly #cutter: BlockCutter;
  readonly #blockReaders: BlockReaders;
  readonly #reader: DatabaseReader;
  readonly #maintenance = new TurnLock();
  readonly #closing = new AbortController();
  #state: TsdbState = 'replaying';
  #engine: Engine | undefined;
  /** The one that is being filled, or the engine's. */
  #head: Head | undefined;
  #journal: Journal | undefined;
  #replayed: Promise<void> = Promise.resolve();
  #replayAttempted: Promise<void> = Promise.resolve();
  #bytesOnDisk = 0;

  private constructor(options: TsdbOptions, blocks: LocalBlocks) {
    this.#options = options;
    this.#blocks = blocks;
    const heavyWork = options.heavyWork ?? workInThread(options.vfs, options.clock);
    this.#cutter = new BlockCutter({ options, heavyWork, blocks, stats: this.stats });
    this.#blockReaders = options.blockReaders ?? createBlockReaders(options.vfs);
    this.#reader = new DatabaseReader({
      dir: options.dir,
      blocks,
      blockReaders: this.#blockReaders,
      head: () => (this.#state === 'replaying' ? undefined : this.#engine?.head),
    });
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
    const database = new Tsdb(options, new LocalBlocks(blocks, Math.max(minValidTimeMs, timestampMsMin)));
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

  get state(): TsdbState {
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
    return this.#state === 'replaying' ? this.#blocks.coveredMs : Infinity;
  }

  /** The series in memory. While `replaying` it is still being filled, and there is none before its turn: ask for it when `open`. */
  get head(): Head {
    invariant(this.#head !== undefined, 'a head is made with the database');
    return this.#head;
  }

  /** All that is stored, to be read: blocks, and the head unless a replay is still filling it (`incompleteFromMs`). */
  get reader(): SeriesStore {
    return this.#reader;
  }

  /** What writes go to: the log, or the journal during a replay. */
  get wal(): Pick<WalWriter, 'state' | 'stats' | 'segment'> {
    const wal = this.#engine?.wal ?? this.#journal?.wal;
    return wal ?? closedLog;
  }

  /** Blocks on disk, by start. */
  get blocks(): readonly BlockMeta[] {
    return this.#blocks.metas;
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
      const seriesMax = this.#options.activeSeriesMax?.() ?? 0;
      const result = engine.head.append(batch, group, { timestampMsMax: this.#timestampMsMax(), seriesMax });
      const { rejected, hasRejections, rejections, samplesAppended, exemplarsAccepted } = result;
      if (hasRejections) this.#count(rejected, rejections);
      const committed = engine.log(result);
      return { rejected, hasRejections, rejections, samplesAppended, exemplarsAccepted, committed };
    } catch (error) {
      if (error instanceof HeadBrokenError) this.#recover(engine, error);
      throw error;
    }
  }

  /** Cuts blocks while the head's oldest sample is more than one and a half ranges old (spec/receive.md 7.4). Resolves with their ids. */
  cutIfDue(): Promise<string[]> {
    return this.#maintain(async (engine) => {
      if (!this.#cutter.isCutDue(engine)) return [];
      const ids = await this.#cutter.cutDue(engine, () => this.#isOpen(engine));
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
      const ids = await this.#cutter.cutAll(engine);
      await this.#measure();
      return ids;
    });
  }

  /** Writes what came out of order into blocks of its own, as cuts and flushes do behind theirs. Resolves with their ids. */
  compactOutOfOrder(): Promise<string[]> {
    return this.#maintain(async (engine) => {
      const ids = await this.#cutter.compactOutOfOrder(engine);
      if (ids.length > 0) await this.#measure();
      return ids;
    });
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
      const { clock, retentionMs, retentionBytesMax = 0 } = this.#options;
      const otherBytes = retentionBytesMax > 0 ? await this.#logBytes() : 0;
      const policy = { retentionMs, retentionBytesMax, otherBytes, nowMs: clock.nowMs(), uploaded };
      const { doomed, heldBack } = await applyRetention(this.#options, this.blocks, policy, ({ id, reason }) => {
        this.#blocks.remove(id);
        this.#blockReaders.forget(`${this.#options.dir}/${id}`);
        this.stats.blocksDeleted += 1;
        if (reason === 'size') this.stats.blocksDeletedForSize += 1;
      });
      this.stats.blocksHeldBack = heldBack.length;
      if (doomed.length > 0) await this.#measure();
      return doomed.map(({ id }) => id);
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
      if (this.#options.blockReaders === undefined) await this.#blockReaders.close();
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
        if (error instanceof HeadBrokenError || isChunkLost(error)) this.#recover(engine, error);
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

  #count(rejected: Rejections, { limitedSeries }: RejectionList): void {
    this.stats.seriesLimited += limitedSeries;
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
    const { rejections, samples, exemplars } = judgeUnseen(batch, group, {
      minTimeMs: (this.#options.outOfOrderWindowMs ?? 0) > 0 ? timestampMsMin : this.#blocks.coveredMs,
      maxTimeMs: this.#timestampMsMax(),
      takesExemplars: (this.#options.exemplarsMax ?? 0) > 0,
    });
    const rejected = countRejections(rejections);
    const hasRejections = rejections.length > 0;
    if (hasRejections) this.#count(rejected, rejections);
    this.stats.journaledSamples += samples;
    const isTaken = samples > 0;
    const committed = isTaken ? journal.append(batch, group) : Promise.resolve();
    const exemplarsAccepted = isTaken ? exemplars : 0;
    return { rejected, hasRejections, rejections, samplesAppended: samples, exemplarsAccepted, committed };
  }

  async #openJournal(): Promise<void> {
    const { vfs, dir, wal } = this.#options;
    this.#journal = await Journal.open(vfs, dir, wal);
  }

  /** Replays in the background, again and again until it works or the database is closed: the journal takes the writes meanwhile. */
  #replayBehind(): void {
    this.#replayed = this.#again('log cannot be replayed, it will be tried again', () => {
      const attempt = this.#replay();
      this.#replayAttempted = attempt.catch(() => {});
      return attempt;
    });
    this.#replayed.catch(() => {}); // Whoever waits for it is told; nobody has to.
  }

  /** Does it until it works; rejects when the database is closed before. */
  async #again(failed: string, work: () => Promise<void>): Promise<void> {
    const { log, dir, clock } = this.#options;
    const signal = this.#closing.signal;
    for (let retryMs = retryMsMin; ; retryMs = Math.min(2 * retryMs, retryMsMax)) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        this.stats.replayFailures += 1;
        log.error(failed, { dir, error: messageOf(error), retryMs });
        await clock.sleep(retryMs, signal);
      }
    }
  }

  async #replay(): Promise<void> {
    const { clock, replayGate } = this.#options;
    const startMs = clock.monotonicMs();
    const open = (): ReturnType<typeof Engine.open> =>
      Engine.open(this.#options, {
        signal: this.#closing.signal,
        minValidTimeMs: this.#blocks.coveredMs,
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
    this.stats.replaySeconds = (clock.monotonicMs() - startMs) / secondMs;
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
        // Without the bound on series: what was acknowledged is not dropped for it.
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

  /** The head's kernel has failed, and with it what is in memory, or its chunk files have: builds it anew from the log, as a start does. */
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
      await this.#again('journal cannot be opened, it will be tried again', () => this.#openJournal());
      this.#replayBehind();
      await this.#replayed;
    })();
    this.#replayed.catch(() => {}); // Closed meanwhile.
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

/** A chunk file is not what was written, or gone. The log has all that it held. The error may come from another thread. */
function isChunkLost(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === 'HEAD_CHUNK_CORRUPT';
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
