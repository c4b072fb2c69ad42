/** What retention looks at. */
export interface RetainedBlock {
  readonly id: string;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Marked in meta.json as having no samples left. */
  readonly deletable: boolean;
}

export interface RetentionPolicy {
  /** 0 keeps everything. */
  readonly retentionMs: number;
  readonly nowMs: number;
  /** Ids of the blocks that are in the bucket; undefined when no bucket is configured, so that nothing has to wait. */
  readonly uploaded: ReadonlySet<string> | undefined;
}

/**
 * The blocks to delete: those that ended `retentionMs` before the newest block's end. Time is counted from the newest block, not
 * from the clock: an idle tenant loses nothing (spec/receive.md 7.6). The clock bounds it, though: one sample of a sender whose clock is years
 * ahead must not make all other blocks old. While a bucket is configured, a block that is not in it stays.
 */
export function blocksToDelete(
  blocks: readonly RetainedBlock[],
  { retentionMs, nowMs, uploaded }: RetentionPolicy,
): RetainedBlock[] {
  const newest = Math.min(nowMs, Math.max(...blocks.map((block) => block.maxTimeMs)));
  const isOver = (block: RetainedBlock) =>
    block.deletable || (retentionMs > 0 && newest - block.maxTimeMs >= retentionMs);
  return blocks.filter((block) => isOver(block) && (uploaded?.has(block.id) ?? true));
}
