/** What retention looks at. */
export interface RetainedBlock {
  readonly id: string;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Marked in meta.json as having no samples left. */
  readonly deletable: boolean;
  /** All files of the block. */
  readonly bytes: number;
}

export interface RetentionPolicy {
  /** 0 keeps everything. */
  readonly retentionMs: number;
  /** For blocks and everything else of the database; 0 is no limit. */
  readonly retentionBytesMax: number;
  /** What is there besides blocks and counts first: the log and the head's chunks. */
  readonly otherBytes: number;
  readonly nowMs: number;
  /** Ids of the blocks that are in the bucket; undefined when no bucket is configured, so that nothing has to wait. */
  readonly uploaded: ReadonlySet<string> | undefined;
}

export type RetentionReason = 'time' | 'size' | 'deletable';

export interface RetentionPlan {
  /** Oldest first, so that what is left after a crash in the middle is the newest part. */
  readonly doomed: readonly { readonly id: string; readonly reason: RetentionReason }[];
  /** Over a limit, and kept because they are not in the bucket yet. */
  readonly heldBack: readonly { readonly id: string; readonly reason: RetentionReason }[];
}

/**
 * Which blocks to delete (spec/tsdb.md 7.6):
 *
 * 1. Those that `meta.json` marks as having no samples left.
 * 2. Those that ended `retentionMs` before the newest block's end. Time is counted from the newest block, not from the clock: an idle
 *    tenant loses nothing. The clock bounds it, though: one sample of a sender whose clock is years ahead must not make all other blocks old.
 * 3. The first block, counting from the newest, with which the database exceeds `retentionBytesMax`, and all older ones.
 *
 * While a bucket is configured, a block that is not in it stays, whatever the limits say.
 */
export function planRetention(
  blocks: readonly RetainedBlock[],
  { retentionMs, retentionBytesMax, otherBytes, nowMs, uploaded }: RetentionPolicy,
): RetentionPlan {
  const newestFirst = [...blocks].sort((a, b) => b.maxTimeMs - a.maxTimeMs || (a.id < b.id ? 1 : -1));
  const newestMs = Math.min(nowMs, newestFirst[0]?.maxTimeMs ?? nowMs);
  let bytes = otherBytes;
  const over = newestFirst.flatMap((block) => {
    bytes += block.bytes;
    const reason = reasonOf(block, {
      isOld: retentionMs > 0 && newestMs - block.maxTimeMs >= retentionMs,
      isTooMuch: retentionBytesMax > 0 && bytes > retentionBytesMax,
    });
    return reason === undefined ? [] : [{ id: block.id, reason }];
  });
  const oldestFirst = over.reverse();
  const mayGo = ({ id }: { id: string }): boolean => uploaded?.has(id) ?? true;
  return { doomed: oldestFirst.filter(mayGo), heldBack: oldestFirst.filter((block) => !mayGo(block)) };
}

function reasonOf(
  { deletable }: RetainedBlock,
  { isOld, isTooMuch }: { isOld: boolean; isTooMuch: boolean },
): RetentionReason | undefined {
  if (deletable) return 'deletable';
  if (isOld) return 'time';
  return isTooMuch ? 'size' : undefined;
}
