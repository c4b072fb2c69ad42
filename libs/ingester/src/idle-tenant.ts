/** What tells whether an open tenant is still written to. */
export interface TenantActivity {
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** Of the last write, or of the opening. */
  readonly lastWriteMonotonicMs: number;
  /** Newest sample; `-Infinity` for none. */
  readonly headMaxTimeMs: number;
  readonly rangeMs: number;
}

/**
 * A tenant without a write for one and a half block ranges, whose newest sample is as old: all of its head is due for cutting then, so that
 * closing it cuts nothing early.
 */
export function isIdle({ nowMs, monotonicMs, lastWriteMonotonicMs, headMaxTimeMs, rangeMs }: TenantActivity): boolean {
  const idleMs = 1.5 * rangeMs;
  return monotonicMs - lastWriteMonotonicMs > idleMs && nowMs - headMaxTimeMs > idleMs;
}

/** What is known of a closed tenant's directory. */
export interface ClosedTenant {
  /** Samples may be in its log that are in no block. */
  readonly hasLog: boolean;
  /** Blocks with samples that are not in the bucket, while there is one, and damaged ones, which never will be. */
  readonly unshippedBlocks: number;
  /** End of the newest block; of a directory without blocks, when it last changed. */
  readonly newestMs: number;
}

/**
 * Whether the directory of a closed tenant may go: all of it is in the bucket, if there is one, and older than the retention time (spec/receive.md
 * 7.7, S23). Without a retention time nothing ever is.
 */
export function isRemovable(
  { hasLog, unshippedBlocks, newestMs }: ClosedTenant,
  { nowMs, retentionMs }: { nowMs: number; retentionMs: number },
): boolean {
  return retentionMs > 0 && !hasLog && unshippedBlocks === 0 && nowMs - newestMs > retentionMs;
}
