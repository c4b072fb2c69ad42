/** A range of time that becomes a block: `[minTimeMs, maxTimeMs)`. */
export interface CutRange {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/** What of the head decides about cutting; `Infinity` and `-Infinity` while it holds nothing. */
export interface HeadBounds {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/**
 * True once the head's oldest sample is more than one and a half block ranges old (spec/receive.md 7.4). Upstream never cuts a head that begins
 * before 1970; it would grow for ever.
 */
export function isCutDue(head: HeadBounds, { nowMs, rangeMs }: { nowMs: number; rangeMs: number }): boolean {
  return isFilled(head) && nowMs - head.minTimeMs > 1.5 * rangeMs;
}

/** True while a cut that has begun goes on with the next range: until the head spans at most one and a half ranges. */
export function isCutLeft(head: HeadBounds, rangeMs: number): boolean {
  return isFilled(head) && head.maxTimeMs - head.minTimeMs > 1.5 * rangeMs;
}

/** The next block to cut: from the oldest sample to the end of the aligned range that holds it. */
export function nextCut(minTimeMs: number, rangeMs: number): CutRange {
  return { minTimeMs, maxTimeMs: (Math.floor(minTimeMs / rangeMs) + 1) * rangeMs };
}

/**
 * The next block of a flush, which empties the head at shutdown one aligned range after another; the last one ends right behind the newest
 * sample. Undefined once the head is empty. (Upstream leaves the newest sample in the WAL; where the disk is not kept that loses it:
 * spec/receive.md S21.)
 */
export function nextFlush(head: HeadBounds, rangeMs: number): CutRange | undefined {
  if (!isFilled(head)) return undefined;
  const { minTimeMs, maxTimeMs } = nextCut(head.minTimeMs, rangeMs);
  return { minTimeMs, maxTimeMs: Math.min(maxTimeMs, head.maxTimeMs + 1) };
}

function isFilled(head: HeadBounds): boolean {
  return head.minTimeMs <= head.maxTimeMs;
}
