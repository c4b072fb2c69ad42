import type { Clock, Log } from '@gauntlet/base';
import type { BlockReaders } from '@gauntlet/block-reader';
import type { Vfs } from '@gauntlet/vfs';
import type { WalOptions } from '@gauntlet/wal';
import type { HeavyWork } from './heavy-work.js';

export interface TsdbOptions {
  readonly vfs: Vfs;
  /** The tenant's directory; made when it is not there. */
  readonly dir: string;
  readonly clock: Clock;
  /** Fills a buffer with random bytes: for block ids. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly log: Log;
  /** Length of a block, in milliseconds. */
  readonly blockRangeMs: number;
  /** No chunk crosses a multiple of it; the block range or a part of it. Samples older than half of it before the newest are refused. */
  readonly chunkRangeMs: number;
  /** Blocks that ended so long before the newest one are deleted; 0 keeps everything. */
  readonly retentionMs: number;
  /** Bytes that log, head chunks and blocks may take before the oldest blocks are deleted; 0 for no limit. */
  readonly retentionBytesMax?: number;
  readonly wal: Omit<WalOptions, 'pendingBytesMax'>;
  /** Samples newer than now and this are out of bounds; 0 takes any. */
  readonly futureWindowMs: number;
  /** How far behind the newest sample a sample may come out of order; 0 for none (spec/tsdb.md 5.9). */
  readonly outOfOrderWindowMs?: number;
  /** Out-of-order samples of a series that are kept before they become a chunk; 32. */
  readonly outOfOrderCapMax?: number;
  /** Exemplars kept; 0 for none. */
  readonly exemplarsMax?: number;
  /**
   * Series that the head may have; 0 for no bound. Asked for each append: new series beyond it are refused, and those that are there go on. Replays, and what
   * was taken during one, are not held to it.
   */
  readonly activeSeriesMax?: () => number;
  /** Bytes that may wait for the log's disk before writes are refused as `overloaded`. */
  readonly pendingBytesMax: number;
  /** Writes blocks and checkpoints; in this thread by default. */
  readonly heavyWork?: HeavyWork;
  /** A log of at most so many bytes is replayed before `open` resolves; 1 MiB. */
  readonly briefReplayBytesMax?: number;
  /** Shared by the databases of a process; by default each has its own. */
  readonly blockReaders?: BlockReaders;
  /** How long a truncation waits for those who read what it removes, before it interrupts them; 30 s. */
  readonly readersWaitMsMax?: number;
  /** Lets replays of many databases take turns. */
  readonly replayGate?: Gate;
}

/** Bounds how many pieces of work run at the same time. */
export interface Gate {
  run<T>(work: () => Promise<T>): Promise<T>;
}
