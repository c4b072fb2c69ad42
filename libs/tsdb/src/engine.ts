import { MiB } from '@gauntlet/base';
import { createHead, type AppendResult, type Head } from '@gauntlet/head';
import { openHeadChunks, type HeadChunkFiles } from '@gauntlet/head-chunks';
import { listWal, openWal, planCheckpoint, segmentName, truncateWal, type WalWriter } from '@gauntlet/wal';
import type { Vfs } from '@gauntlet/vfs';
import { headChunksDir, walDir, wblDir } from './database-layout.js';
import type { HeavyWork } from './heavy-work.js';
import { attachHeadChunks, replayLogs, type ReplayDamage } from './replay-head.js';
import { inSlices } from './slices.js';
import type { TsdbOptions } from './tsdb-options.js';

/** Bytes of chunks that may wait for their file; the head keeps the rest. */
const chunkBytesPendingMax = 8 * MiB;

/** A head and the files behind it, as they are once the logs have been replayed. */
export class Engine {
  readonly head: Head;
  readonly wal: WalWriter;
  readonly chunks: HeadChunkFiles;
  /** The log of out-of-order samples; undefined when there are none and none can come. */
  readonly wbl: WalWriter | undefined;
  readonly #options: TsdbOptions;

  private constructor(
    options: TsdbOptions,
    parts: { head: Head; wal: WalWriter; chunks: HeadChunkFiles; wbl: WalWriter | undefined },
  ) {
    this.#options = options;
    this.head = parts.head;
    this.wal = parts.wal;
    this.chunks = parts.chunks;
    this.wbl = parts.wbl;
  }

  /** Replays what a directory holds, sets aside what is damaged, and opens the logs for writing. */
  static async open(
    options: TsdbOptions,
    { minValidTimeMs, signal, onHead }: { minValidTimeMs: number; signal: AbortSignal; onHead?: (head: Head) => void },
  ): Promise<{ readonly engine: Engine; readonly damage: ReplayDamage }> {
    const { vfs, dir, chunkRangeMs, clock, outOfOrderWindowMs = 0, outOfOrderCapMax = 32, exemplarsMax = 0 } = options;
    // Its files are opened once those that are damaged have been set aside.
    const files: { open?: HeadChunkFiles } = {};
    const damage: ReplayDamage = { headChunks: 0, checkpoints: 0, segments: 0, outOfOrderSegments: 0 };
    const makeHead = (): Head => {
      const head = createHead({
        chunkRangeMs,
        clock,
        outOfOrderWindowMs,
        outOfOrderCapMax,
        exemplarsMax,
        chunkSink: {
          append: (chunk) => files.open!.append(chunk),
          get hasRoom() {
            return files.open !== undefined && files.open.pendingBytes < chunkBytesPendingMax;
          },
        },
        chunkSource: {
          read: (chunks, into) =>
            files.open!.readAll(
              chunks.map(({ file, offset, dataLength }) => ({ position: { file, offset }, dataLength })),
              into,
            ),
        },
      });
      head.minValidTimeMs = minValidTimeMs;
      onHead?.(head);
      return head;
    };
    const head = await attachHeadChunks({ ...options, signal }, makeHead, damage);
    const chunks = await openHeadChunks(vfs, headChunksDir(dir));
    files.open = chunks;
    await replayLogs({ ...options, signal }, head, damage);
    // The bound is kept before the head is changed: once it is, the log must take the records.
    const log = { ...options.wal, pendingBytesMax: Infinity };
    const hasOutOfOrder = outOfOrderWindowMs > 0 || (await hasSegments(vfs, wblDir(dir)));
    const wal = await openWal(vfs, walDir(dir), log);
    if (!hasOutOfOrder) return { engine: new Engine(options, { head, wal, chunks, wbl: undefined }), damage };
    // Its samples are of series that the first one names.
    const wbl = await openWal(vfs, wblDir(dir), { ...log, follows: wal }).catch(async (error: unknown) => {
      await wal.close().catch(() => {});
      throw error;
    });
    return { engine: new Engine(options, { head, wal, chunks, wbl }), damage };
  }

  get isLogOpen(): boolean {
    return this.wal.state === 'open' && (this.wbl === undefined || this.wbl.state === 'open');
  }

  get pendingBytes(): number {
    return this.wal.stats.pendingBytes + (this.wbl?.stats.pendingBytes ?? 0);
  }

  /** Hands what an append has left to the logs, in the turn of the append: the records are views. Resolves once all of it is durable. */
  log({ records, outOfOrderRecords }: Pick<AppendResult, 'records' | 'outOfOrderRecords'>): Promise<void> {
    if (records.length > 0) this.wal.append(records);
    if (outOfOrderRecords.length > 0) this.wbl!.append(outOfOrderRecords);
    if (records.length === 0 && outOfOrderRecords.length === 0) return Promise.resolve();
    // A repeated sample that came out of order leaves no record in its log, where the one before it may still be on its way.
    return this.sync();
  }

  /** Resolves once everything logged so far is durable. */
  async sync(): Promise<void> {
    await Promise.all([this.wal.commit(), this.wbl?.commit()]);
  }

  /** Moves finished chunks to their files. While the log fails, what the head holds may not be in it, and stays in memory. */
  async spill(): Promise<void> {
    do {
      if (this.wal.state !== 'open') return;
      await inSlices((budgetMs) => this.head.spill(budgetMs));
      await this.chunks.flush();
    } while (this.head.spill(0));
  }

  /** Deletes the chunk files that nothing in the head needs any more. */
  truncateChunks(): Promise<void> {
    return this.chunks.truncateBefore(this.head.oldestChunkFile);
  }

  /**
   * After a cut: replaces about two thirds of the log's old segments by a checkpoint (spec/tsdb.md 2.6). Returns whether it did; there may be too few of them.
   * @param minTimeMs samples before it are in blocks
   */
  async truncateLog(minTimeMs: number, heavyWork: Pick<HeavyWork, 'writeCheckpoint'>): Promise<boolean> {
    const { vfs, dir } = this.#options;
    const { wal, head } = this;
    // A log that fails, for want of space perhaps, cannot be rolled; its complete segments are those before the current one.
    const isOpen = wal.state === 'open';
    const lastComplete = isOpen ? wal.segment : wal.segment - 1;
    if (isOpen) await wal.roll();
    const plan = await planCheckpoint(vfs, walDir(dir), lastComplete);
    if (plan === undefined) return false;
    await heavyWork.writeCheckpoint({
      ...plan,
      dir: walDir(dir),
      minTimeMs,
      refs: head.refsForCheckpoint(minTimeMs),
      compress: this.#options.wal.compress ?? false,
    });
    await truncateWal(vfs, walDir(dir), plan.to);
    return true;
  }

  /** Begins a new segment of the out-of-order log; what is before it can go once its samples are in blocks. */
  async rollOutOfOrderLog(): Promise<number | undefined> {
    return this.wbl?.roll();
  }

  async truncateOutOfOrderLog(before: number): Promise<void> {
    const { vfs, dir } = this.#options;
    const { segments } = await listWal(vfs, wblDir(dir));
    for (const segment of segments) {
      if (segment < before) await vfs.remove(`${wblDir(dir)}/${segmentName(segment)}`);
    }
    await vfs.syncDir(wblDir(dir));
  }

  /** Syncs and closes the logs; everything the head holds is in them. */
  async close(): Promise<void> {
    const results = await Promise.allSettled([
      this.wal.close(),
      this.wbl?.close(),
      this.chunks.close().catch(() => undefined), // A copy of what the log holds.
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

async function hasSegments(vfs: Vfs, dir: string): Promise<boolean> {
  if ((await vfs.stat(dir)) === undefined) return false;
  const { segments } = await listWal(vfs, dir);
  for (const segment of segments) {
    if (((await vfs.stat(`${dir}/${segmentName(segment)}`))?.size ?? 0) > 0) return true;
  }
  return false;
}
