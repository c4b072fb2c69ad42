import type { LabelBytes, ScannedBatch } from '@gauntlet/kernel';
import type { TenantId } from '@gauntlet/model';
import type { ItemCounts } from './write-target.js';

/** Applies relabelling rules; undefined drops the series. */
export type Relabel = (labels: readonly LabelBytes[]) => readonly LabelBytes[] | undefined;

export interface RewriteRules {
  readonly relabel?: Relabel | undefined;
  /** Names the tenant of each series that has it. */
  readonly splitLabel?: string | undefined;
}

export interface RewrittenRequest {
  /** thanos.WriteRequest, with a tuple for each tenant. */
  readonly message: Buffer;
  readonly rowCount: number;
  /** What the rules have dropped. */
  readonly dropped: ItemCounts;
}

export function rewriteRequest(
  _batch: ScannedBatch,
  _tenant: TenantId,
  _rules: RewriteRules,
): RewrittenRequest | undefined {
  return undefined;
}

export function addItems(a: ItemCounts, b: ItemCounts): ItemCounts {
  return {
    samples: a.samples + b.samples,
    histograms: a.histograms + b.histograms,
    exemplars: a.exemplars + b.exemplars,
  };
}
