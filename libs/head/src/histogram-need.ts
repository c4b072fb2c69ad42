import { readGroup, rowBytes, rowField, type GroupNeed, type ScannedBatch } from '@gauntlet/kernel';

/** What a sample counts for in a need. */
const sampleNeedBytes = 80;
/** A row's histograms finish the open chunk of their series, which is about this long at most. */
const openChunkBytesMax = 3072;

/**
 * Adds to a group's need what its histograms may take as finished chunks, and the series of rows that have nothing else. Histograms take about as much in a
 * chunk as in a request.
 */
export function histogramNeed(batch: ScannedBatch, group: number, need: GroupNeed): GroupNeed {
  const { firstRow, rowCount: groupRows } = readGroup(batch, group);
  const rows = new DataView(batch.rows.buffer, batch.rows.byteOffset, batch.rows.byteLength);
  const end = firstRow + groupRows;
  let { rows: rowCount, samples, seriesBytes, seriesRunBytes } = need;
  for (let at = firstRow * rowBytes; at < end * rowBytes; at += rowBytes) {
    if (rows.getUint32(at + rowField.histogramCount, true) === 0) continue;
    samples += Math.ceil((openChunkBytesMax + 2 * rows.getUint32(at + rowField.seriesLength, true)) / sampleNeedBytes);
    if (rows.getUint32(at + rowField.sampleCount, true) > 0) continue;
    const labels = rows.getUint32(at + rowField.labelsLength, true);
    rowCount += 1;
    seriesBytes += labels + 96;
    if (labels > 1920) seriesRunBytes += labels + 32_768;
  }
  return { ...need, rows: rowCount, samples, seriesBytes, seriesRunBytes };
}
