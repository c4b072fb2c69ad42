import type { Clock } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import { openHeadSnapshot, type HeadSnapshotDescription } from '@gauntlet/head';
import type { Vfs } from '@gauntlet/vfs';
import type { CutRange } from './cut-plan.js';
import { readableSeries } from './readable-series.js';
import { inSlices } from './slices.js';
import { writeBlockDirectory } from './write-block-directory.js';

/** A block to write; can be posted to another thread. */
export interface CutJob extends CutRange {
  /** The tenant's directory. */
  readonly dir: string;
  readonly ulid: string;
  /** What the head holds of the range; its memory is shared between threads. */
  readonly snapshot: HeadSnapshotDescription;
}

/** Writes blocks from snapshots of heads, in whatever thread. */
export interface BlockCutter {
  /** Resolves with undefined, and leaves nothing behind, when the range holds no sample. */
  cut(job: CutJob): Promise<BlockMeta | undefined>;
}

/** Cuts in the calling thread, in slices between which everything else has its turn. */
export function inThreadCutter(vfs: Vfs, clock: Pick<Clock, 'monotonicMs'>): BlockCutter {
  return {
    cut: async ({ snapshot, ...block }) => {
      const cursor = openHeadSnapshot(snapshot);
      try {
        await inSlices((budgetMs) => cursor.prepare(budgetMs));
        return await writeBlockDirectory(vfs, clock, block, readableSeries(vfs, block.dir, cursor));
      } finally {
        cursor.close();
      }
    },
  };
}
