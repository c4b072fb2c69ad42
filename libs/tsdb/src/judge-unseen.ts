import { readGroup, rowBytes, rowField, RowVerdict, sampleBytes, type ScannedBatch } from '@gauntlet/kernel';
import { reasonOfVerdict, RejectionList } from '@gauntlet/remote-write';

/**
 * What can be said of a group while its series are not known yet: bad labels, and floats outside the bounds. The rest is taken as good, new series beyond a tenant's limit too.
 */
export function judgeUnseen(
  batch: ScannedBatch,
  group: number,
  { minTimeMs, maxTimeMs }: { readonly minTimeMs: number; readonly maxTimeMs: number },
): { readonly rejections: RejectionList; readonly samples: number; readonly exemplars: number } {
  const rejections = new RejectionList();
  const { firstRow, rowCount } = readGroup(batch, group);
  const rows = new DataView(batch.rows.buffer, batch.rows.byteOffset + firstRow * rowBytes, rowCount * rowBytes);
  const times = new DataView(batch.samples.buffer, batch.samples.byteOffset, batch.samples.byteLength);
  let samples = 0;
  let exemplars = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const at = row * rowBytes;
    const verdict = rows.getUint8(at + rowField.verdict);
    if (verdict !== RowVerdict.ok) {
      rejections.add(firstRow + row, 'series', reasonOfVerdict(verdict));
      continue;
    }
    samples += rows.getUint32(at + rowField.histogramCount, true);
    exemplars += rows.getUint32(at + rowField.exemplarCount, true);
    const first = rows.getUint32(at + rowField.firstSample, true);
    const count = rows.getUint32(at + rowField.sampleCount, true);
    for (let sample = 0; sample < count; sample += 1) {
      const timeMs = Number(times.getBigInt64((first + sample) * sampleBytes, true));
      if (timeMs < minTimeMs || timeMs > maxTimeMs) rejections.add(firstRow + row, 'sample', 'outOfBounds', sample);
      else samples += 1;
    }
  }
  return { rejections, samples, exemplars };
}
