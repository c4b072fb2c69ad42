import { readGroup, readRowSummary, RowVerdict, type ScannedBatch } from '@gauntlet/kernel';
import { reasonOfVerdict, RejectionList } from '@gauntlet/remote-write';

/** What a database would say of a group that holds nothing it could store. */
export interface Refusal {
  readonly rejections: RejectionList;
  readonly exemplarsAccepted: number;
  readonly committed: Promise<void>;
}

/** Whether a tenant's group has a sample or histogram in a series with good labels: for anything less no database is made. */
export function isAnyStorable(batch: ScannedBatch, group: number): boolean {
  const { firstRow, rowCount } = readGroup(batch, group);
  for (let row = firstRow; row < firstRow + rowCount; row += 1) {
    const { verdict, sampleCount, histogramCount } = readRowSummary(batch, row);
    if (verdict === RowVerdict.ok && sampleCount + histogramCount > 0) return true;
  }
  return false;
}

/**
 * The answer to a group of which nothing is storable, the same as that of an open database.
 * @param keepsExemplars whether databases keep them; otherwise they are passed over
 */
export function refuseGroup(
  batch: ScannedBatch,
  group: number,
  { keepsExemplars }: { readonly keepsExemplars: boolean },
): Refusal {
  const rejections = new RejectionList();
  const { firstRow, rowCount } = readGroup(batch, group);
  for (let row = firstRow; row < firstRow + rowCount; row += 1) {
    const { verdict, exemplarCount } = readRowSummary(batch, row);
    if (verdict !== RowVerdict.ok) rejections.add(row, 'series', reasonOfVerdict(verdict));
    else if (keepsExemplars && exemplarCount > 0)
      rejections.add(row, 'exemplar', 'exemplarWithoutSeries', 0, exemplarCount);
  }
  return { rejections, exemplarsAccepted: 0, committed: Promise.resolve() };
}
