import type { Clock } from '@gauntlet/base';
import type { Codec } from './codec.js';

/** Where a record or a damage lies. */
export interface WalPosition {
  readonly segment: number;
  /** Byte offset in the segment; for a record, behind its end. */
  readonly offset: number;
}

export interface WalOptions {
  /** 128 MiB by default; a multiple of 32 KiB. */
  readonly segmentBytesMax?: number;
  /** Compresses records with snappy's block format, as Prometheus does by default. */
  readonly compress?: boolean;
  /**
   * When an append counts as committed: `sync` once fdatasync returned (group commit: all records that arrived while one sync ran share
   * the next), `write` once it is written to the file, as Prometheus does.
   */
  readonly durability?: 'sync' | 'write';
  /** Bytes that may wait for the disk; beyond it `append` throws WalOverloadedError. */
  readonly pendingBytesMax?: number;
  /**
   * A log that this one's records build on. They are written only once that one has all it was given before them, so that a crash in between leaves
   * none that makes no sense; while it fails, they are not held up.
   */
  readonly follows?: Pick<WalWriter, 'commit'>;
  /** Times the retries; the machine's clock by default. */
  readonly clock?: Clock;
  /** Checksums and compression, for tests. */
  readonly codec?: Codec;
}

/**
 * The write side of a write-ahead log (spec/tsdb.md 2.1, 2.2). Opening always begins a new segment.
 *
 * States: `open` -> `failing` (a write or sync failed: commits are refused with kind `unavailable`, the bytes that were not
 * synced stay queued and are written again to a new segment until that works) -> `open`; any -> `closed`.
 */
export interface WalWriter {
  readonly state: 'open' | 'failing' | 'closed';
  /** Takes records in order; copies them, so the caller may reuse the buffers. All records of one call lie in the log without others between them. */
  append(records: readonly Uint8Array[]): void;
  /** Resolves when everything appended so far is durable; rejects with kind `unavailable` when the log fails meanwhile. */
  commit(): Promise<void>;
  /** Ends the current segment and begins the next; resolves with the new segment's number once the old one is durable. */
  roll(): Promise<number>;
  /** Number of the segment being written. */
  readonly segment: number;
  /** Bytes and syncs so far, for metrics. */
  readonly stats: {
    readonly bytesWritten: number;
    readonly syncs: number;
    readonly failures: number;
    readonly pendingBytes: number;
  };
  /** Flushes, syncs, closes. */
  close(): Promise<void>;
}
