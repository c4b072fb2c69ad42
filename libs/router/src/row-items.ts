import { decodeCanonicalLabels, rowBytes, rowField, type LabelBytes, type ScannedBatch } from '@gauntlet/kernel';
import type { ItemCounts } from '@gauntlet/write-http';

/** How many items of each kind a row holds. */
export function rowItems({ rows }: ScannedBatch, index: number): ItemCounts {
  const view = new DataView(rows.buffer, rows.byteOffset + index * rowBytes, rowBytes);
  return {
    samples: view.getUint32(rowField.sampleCount, true),
    histograms: view.getUint32(rowField.histogramCount, true),
    exemplars: view.getUint32(rowField.exemplarCount, true),
  };
}

/** The labels of a row alone: its samples may be millions. */
export function rowLabels({ rows, body }: ScannedBatch, index: number): readonly LabelBytes[] {
  const view = new DataView(rows.buffer, rows.byteOffset + index * rowBytes, rowBytes);
  const start = view.getUint32(rowField.labelsOffset, true);
  return decodeCanonicalLabels(body.subarray(start, start + view.getUint32(rowField.labelsLength, true)));
}
