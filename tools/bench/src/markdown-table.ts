/** A column: its head, and whether it holds words, which stand to the left. */
export type Column = string | { readonly words: string };

/** A table in markdown below the description of the machine. */
export function markdownTable(
  machine: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  return [
    machine,
    '',
    line(columns.map((column) => (typeof column === 'string' ? column : column.words))),
    line(columns.map((column) => (typeof column === 'string' ? '---:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}
