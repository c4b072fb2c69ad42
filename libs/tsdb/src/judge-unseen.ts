import { noRejections, type Rejections } from '@gauntlet/head';
import { readGroup, rowBytes, rowField, RowVerdict, sampleBytes, type ScannedBatch } from '@gauntlet/kernel';

const verdictNames = {
  [RowVerdict.emptyLabel]: 'emptyLabel',
  [RowVerdict.duplicateLabel]: 'duplicateLabel',
  [RowVerdict.unsortedLabel]: 'unsortedLabel',
} as const;

/**
 * What can be said of a group while its series are not known yet: bad labels, and floats outside the bounds. The rest is taken as good.
 */
export function judgeUnseen(
  batch: ScannedBatch,
  group: number,
  { minTimeMs, maxTimeMs }: { readonly minTimeMs: number; readonly maxTimeMs: number },
): { readonly rejected: Rejections; readonly hasRejections: boolean; readonly samples: number } {
  const rejected = noRejections();
  const { firstRow, rowCount } = readGroup(batch, group);
  const rows = new DataView(batch.rows.buffer, batch.rows.byteOffset + firstRow * rowBytes, rowCount * rowBytes);
  const times = new DataView(batch.samples.buffer, batch.samples.byteOffset, batch.samples.byteLength);
  let samples = 0;
  for (let at = 0; at < rows.byteLength; at += rowBytes) {
    const verdict = rows.getUint8(at + rowField.verdict) as RowVerdict;
    if (verdict !== RowVerdict.ok) {
      rejected[verdictNames[verdict]] += 1;
      continue;
    }
    samples += rows.getUint32(at + rowField.histogramCount, true);
    const first = rows.getUint32(at + rowField.firstSample, true) * sampleBytes;
    const end = first + rows.getUint32(at + rowField.sampleCount, true) * sampleBytes;
    for (let sample = first; sample < end; sample += sampleBytes) {
      const timeMs = Number(times.getBigInt64(sample, true));
      if (timeMs < minTimeMs || timeMs > maxTimeMs) rejected.outOfBounds += 1;
      else samples += 1;
    }
  }
  return { rejected, hasRejections: Object.values(rejected).some((count) => count > 0), samples };
}
