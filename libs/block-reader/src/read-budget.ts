import { KiB, MiB } from '@gauntlet/base';

/** How much a call may hold of one block. */
export interface ReadBudget {
  /** Bytes that are read ahead, of series entries and of chunks each. A series whose chunks are larger is still read. */
  readonly windowBytes: number;
  /** Labels that are sorted at a time where the order is made anew; fewer make more passes through the index. */
  readonly sortBytes: number;
}

export const windowBytesMin = 16 * KiB;
const sortBytesMin = 256 * KiB;

export const budgetDefault: ReadBudget = { windowBytes: 256 * KiB, sortBytes: 16 * MiB };

/** Shares what one call may hold among the blocks that it reads: half for windows, half for sorting, of which only few calls have any. */
export function shareBudget(callBytes: number, blockCount: number): ReadBudget {
  const share = Math.floor(callBytes / 2 / Math.max(1, blockCount));
  return {
    windowBytes: between(windowBytesMin, share / windowsPerBlock, budgetDefault.windowBytes),
    // Sorting needs as much again, and twice so while an array grows.
    sortBytes: between(sortBytesMin, share / 3, budgetDefault.sortBytes),
  };
}

/** Entries and what they are decoded to, chunks, and symbols, of which up to four windows are kept. */
const windowsPerBlock = 8;

function between(min: number, value: number, max: number): number {
  return Math.floor(Math.max(min, Math.min(max, value)));
}
