/** Lines up columns: the first to the left, the others to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
        )
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** `1,234,567` */
export const wholeNumber = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Three digits that matter: `0.84`, `12.3`, `840`. */
export const milliseconds = (value: number): string => `${value.toFixed(value < 1 ? 2 : value < 100 ? 1 : 0)} ms`;

export function binaryBytes(value: number): string {
  if (value < 1024) return `${Math.round(value)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(Math.floor(Math.log2(value) / 10), units.length) - 1;
  const scaled = value / 1024 ** (unit + 1);
  return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)} ${units[unit]}`;
}
