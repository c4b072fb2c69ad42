import { readRowSummary, type ScannedBatch } from '@gauntlet/kernel';
import type { ItemCounts } from './write-target.js';

/** How many items of each kind a row holds. */
export function rowItems(batch: ScannedBatch, index: number): ItemCounts {
  const { sampleCount, histogramCount, exemplarCount } = readRowSummary(batch, index);
  return { samples: sampleCount, histograms: histogramCount, exemplars: exemplarCount };
}
