import { readGroup, readRow, RowVerdict, type ScannedBatch } from '@gauntlet/kernel';
import { rejectionTexts } from '@gauntlet/remote-write';
import type { ItemCounts, WriteOutcome, WriteSource, WriteTarget } from '../write-target.js';

/** Series as `name=value,...`, by tenant. */
export type SeenWrite = Readonly<Record<string, readonly string[]>>;

/** A target that does as it is told, and remembers what it was given. */
export class FakeTarget implements WriteTarget {
  ready = true;
  readonly writes: SeenWrite[] = [];
  /** What becomes of writes. */
  answer: (stored: WriteOutcome, source: WriteSource) => WriteOutcome | Promise<WriteOutcome> = (stored) => stored;

  write(source: WriteSource): Promise<WriteOutcome> {
    const batch = source.scan();
    this.writes.push(readWrite(batch));
    const tenants = groupsOf(batch).map(({ tenant, rowCount, samples }) => ({ tenant, series: rowCount, samples }));
    const text = refusalOf(batch);
    const stored: WriteOutcome = {
      verdict: text === '' ? 'stored' : 'conflict',
      text,
      written: countsOf(batch),
      tenants,
    };
    return Promise.resolve().then(() => this.answer(stored, source));
  }
}

export function readWrite(batch: ScannedBatch): SeenWrite {
  return Object.fromEntries(
    groupsOf(batch).map(({ tenant, rows }) => [
      tenant,
      rows.map(({ labels }) => labels.map((pair) => pair.join('=')).join(',')),
    ]),
  );
}

/** What an ingester says of labels. */
function refusalOf(batch: ScannedBatch): string {
  const texts = { 1: rejectionTexts.emptyLabel, 2: rejectionTexts.duplicateLabel, 3: rejectionTexts.unsortedLabel };
  for (let row = 0; row < batch.rowCount; row += 1) {
    const { verdict } = readRow(batch, row);
    if (verdict !== RowVerdict.ok) return texts[verdict as keyof typeof texts] ?? `verdict ${verdict}`;
  }
  return '';
}

function countsOf({ sampleCount, histogramCount, exemplarCount }: ScannedBatch): ItemCounts {
  return { samples: sampleCount, histograms: histogramCount, exemplars: exemplarCount };
}

function groupsOf(
  batch: ScannedBatch,
): { tenant: string; rowCount: number; samples: number; rows: ReturnType<typeof readRow>[] }[] {
  return Array.from({ length: batch.groupCount }, (_, index) => {
    const { tenant, firstRow, rowCount } = readGroup(batch, index);
    const rows = Array.from({ length: rowCount }, (_unused, row) => readRow(batch, firstRow + row));
    const samples = rows.reduce((sum, row) => sum + row.samples.length, 0);
    return { tenant: tenant.toString(), rowCount, samples, rows };
  });
}
