import { noRejections, type Rejections } from '@gauntlet/head';
import { readGroup, readRowSummary, RowVerdict, type ScannedBatch } from '@gauntlet/kernel';

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
/** Whether a tenant's group has a sample or histogram in a series with good labels: for anything less no database is made. */
export function isAnyStorable(batch: ScannedBatch, group: number): boolean {
  return rowsOf(batch, group).some(
    ({ verdict, sampleCount, histogramCount }) => verdict === RowVerdict.ok && sampleCount + histogramCount > 0,
  );
}

/** The answer to a group of which nothing is storable, the same as that of an open database. */
export function refuseGroup(batch: ScannedBatch, group: number): Refusal {
  const rejected: Rejections = noRejections();
  // Exemplars of a series that nobody knows are dropped without a word.
  for (const { verdict } of rowsOf(batch, group)) if (verdict !== RowVerdict.ok) rejected[verdictNames[verdict]] += 1;
  return { rejected, hasRejections: Object.values(rejected).some((count) => count > 0), committed: Promise.resolve() };
}

function rowsOf(batch: ScannedBatch, group: number): ReturnType<typeof readRowSummary>[] {
  const { firstRow, rowCount } = readGroup(batch, group);
  return Array.from({ length: rowCount }, (_, i) => readRowSummary(batch, firstRow + i));
}
