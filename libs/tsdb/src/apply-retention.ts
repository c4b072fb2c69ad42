import type { BlockMeta } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { deleteBlock } from './block-directory.js';
import { bytesBelow } from './disk-usage.js';
import { planRetention, type RetainedBlock, type RetentionPlan, type RetentionPolicy } from './retention.js';

/** Carries out the plan for the blocks of a tenant's directory. Resolves with it when the last doomed block is deleted. */
export async function applyRetention(
  { vfs, dir }: { readonly vfs: Vfs; readonly dir: string },
  metas: readonly BlockMeta[],
  policy: RetentionPolicy,
  onDeleted: (block: RetentionPlan['doomed'][number]) => void,
): Promise<RetentionPlan> {
  const blocks: RetainedBlock[] = [];
  for (const { ulid, minTime, maxTime, compaction } of metas) {
    // Sizes are asked for only where they decide.
    const bytes = policy.retentionBytesMax > 0 ? await bytesBelow(vfs, `${dir}/${ulid}`) : 0;
    const deletable = compaction.deletable ?? false;
    blocks.push({ id: ulid, minTimeMs: minTime, maxTimeMs: maxTime, deletable, bytes });
  }
  const plan = planRetention(blocks, policy);
  for (const block of plan.doomed) {
    await deleteBlock(vfs, dir, block.id);
    onDeleted(block);
  }
  return plan;
}
