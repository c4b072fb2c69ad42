import type { Clock } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import { hasRef, openHeadSnapshot, type HeadSnapshotDescription, type RefPages } from '@gauntlet/head';
import type { Vfs } from '@gauntlet/vfs';
import { writeCheckpoint, type SegmentRange } from '@gauntlet/wal';
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

/** A checkpoint to write; can be posted to another thread. */
export interface CheckpointJob extends SegmentRange {
  /** Of the log. */
  readonly dir: string;
  /** Samples before it stay behind. */
  readonly minTimeMs: number;
  /** The series that stay. */
  readonly refs: RefPages;
  readonly compress: boolean;
}

/** What a database does beside its appends and takes seconds of a processor, in whatever thread. */
export interface HeavyWork {
  /** Writes a block from a snapshot. Resolves with undefined, and leaves nothing behind, when the range holds no sample. */
  cutBlock(job: CutJob): Promise<BlockMeta | undefined>;
  /** Writes a checkpoint, and removes nothing of what it replaces. */
  writeCheckpoint(job: CheckpointJob): Promise<void>;
}

/** Works in the calling thread, in slices between which everything else has its turn. */
export function workInThread(vfs: Vfs, clock: Clock): HeavyWork {
  return {
    cutBlock: async ({ snapshot, ...block }) => {
      const cursor = openHeadSnapshot(snapshot);
      try {
        await inSlices((budgetMs) => cursor.prepare(budgetMs));
        return await writeBlockDirectory(vfs, clock, block, readableSeries(vfs, block.dir, cursor));
      } finally {
        cursor.close();
      }
    },
    writeCheckpoint: async ({ dir, refs, ...checkpoint }) => {
      await writeCheckpoint(vfs, dir, { ...checkpoint, clock, keep: (ref) => hasRef(refs, ref) });
    },
  };
}
