import type { Clock, Log } from '@gauntlet/base';
import type { Vfs } from '@gauntlet/vfs';
import type { WalOptions } from '@gauntlet/wal';

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
  /** 0 keeps everything. */
  readonly retentionMs: number;
  readonly wal: Omit<WalOptions, 'pendingBytesMax'>;
  /** Samples newer than now and this are out of bounds; 0 takes any. */
  readonly futureWindowMs: number;
  /** Ends an opening early. */
  readonly signal?: AbortSignal;
  /** Bytes that may wait for the log's disk before writes are refused as `overloaded`. */
  readonly pendingBytesMax: number;
}
