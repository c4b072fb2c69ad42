import { wholeNumber } from '@gauntlet/loadgen-tool';
import { type Maker } from './bench-arguments.js';
import { markdownTable } from './markdown-table.js';

/** Calls of one kind to one ingester. */
export interface ReadRow {
  readonly maker: Maker;
  readonly call: string;
  /** Series, names or values of one answer. */
  readonly items: number;
  readonly bytes: number;
  readonly calls: number;
  /** Of the ingester, for one call. */
  readonly cpuSeconds: number;
  readonly firstMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The most that was resident during the calls, over what was before them. */
  readonly extraBytes: number;
}

/** Of fewer calls there is no p99. */
export const callsOfP99Min = 100;

/** Of repeats, the one in the middle by processor time. */
export function medianReadRow(rows: readonly ReadRow[]): ReadRow {
  const sorted = [...rows].sort((a, b) => a.cpuSeconds - b.cpuSeconds);
  return sorted[Math.floor(sorted.length / 2)] as ReadRow;
}

/** The rows of one kind of call stand together. */
export function readTable(rows: readonly ReadRow[], machine: string): string {
  const kinds = [...new Set(rows.map(({ call }) => call))];
  return markdownTable(
    machine,
    [
      { words: 'call' },
      { words: 'of' },
      'answered',
      'MB',
      'calls',
      'answered/CPU s',
      'CPU ms a call',
      'first message, ms',
      'p50 ms',
      'p99 ms',
      'RSS peak more, MB',
    ],
    kinds
      .flatMap((kind) => rows.filter(({ call }) => call === kind))
      .map((row) => [
        row.call,
        row.maker,
        wholeNumber(row.items),
        (row.bytes / 1e6).toFixed(row.bytes < 1e7 ? 2 : 1),
        wholeNumber(row.calls),
        // Processor time comes in units of 10 ms: less cannot be told.
        row.cpuSeconds > 0 ? wholeNumber(row.items / row.cpuSeconds) : '-',
        (row.cpuSeconds * 1000).toFixed(row.cpuSeconds < 0.1 ? 2 : 0),
        row.firstMs.toFixed(1),
        row.p50Ms.toFixed(1),
        row.calls < callsOfP99Min ? '-' : row.p99Ms.toFixed(1),
        (row.extraBytes / 1e6).toFixed(1),
      ]),
  );
}
