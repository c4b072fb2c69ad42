import { RowVerdict, type LabelBytes } from '@gauntlet/kernel';

/** What an ingester says of a series' labels; the first label with a fault decides. The twin of what the kernel's scan does. */
export function judgeLabels(labels: readonly LabelBytes[]): RowVerdict {
  if (labels.length === 0) return RowVerdict.emptyLabel;
  let previous: Buffer | undefined;
  for (const [name, value] of labels) {
    if (name.length === 0 || value.length === 0) return RowVerdict.emptyLabel;
    const order = previous === undefined ? 1 : Buffer.compare(name, previous);
    if (order === 0) return RowVerdict.duplicateLabel;
    if (order < 0) return RowVerdict.unsortedLabel;
    previous = name;
  }
  return RowVerdict.ok;
}
