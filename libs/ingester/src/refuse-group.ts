import { noRejections, type Rejections } from '@gauntlet/head';
import { readGroup, rowBytes, RowVerdict, type ScannedBatch } from '@gauntlet/kernel';

/** What a database would say of a group that holds nothing it could store. */
export interface Refusal {
  readonly rejected: Rejections;
  readonly hasRejections: boolean;
  readonly committed: Promise<void>;
}

const verdictNames = {
  [RowVerdict.emptyLabel]: 'emptyLabel',
  [RowVerdict.duplicateLabel]: 'duplicateLabel',
  [RowVerdict.unsortedLabel]: 'unsortedLabel',
} as const;
const histogramCountAt = 40;
const sampleCountAt = 28;
const verdictAt = 48;

/** Whether a tenant's group has a sample in a series with good labels: for anything less no database is made. */
export function isAnyStorable(batch: ScannedBatch, group: number): boolean {
  return rowsOf(batch, group).some(
    (row) => row.getUint8(verdictAt) === RowVerdict.ok && row.getUint32(sampleCountAt, true) > 0,
  );
}

/** The answer to a group of which nothing is storable, the same as that of an open database. */
export function refuseGroup(batch: ScannedBatch, group: number): Refusal {
  const rejected: Rejections = noRejections();
  for (const row of rowsOf(batch, group)) {
    const verdict = row.getUint8(verdictAt) as RowVerdict;
    if (verdict === RowVerdict.ok) rejected.unsupported += row.getUint32(histogramCountAt, true);
    else rejected[verdictNames[verdict]] += 1;
  }
  return { rejected, hasRejections: Object.values(rejected).some((count) => count > 0), committed: Promise.resolve() };
}

function rowsOf(batch: ScannedBatch, group: number): DataView[] {
  const { rows } = batch;
  const { firstRow, rowCount } = readGroup(batch, group);
  return Array.from(
    { length: rowCount },
    (_, i) => new DataView(rows.buffer, rows.byteOffset + (firstRow + i) * rowBytes, rowBytes),
  );
}
