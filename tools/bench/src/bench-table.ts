import { wholeNumber } from '@gauntlet/loadgen-tool';
import { type Maker } from './bench-arguments.js';
import { markdownTable } from './markdown-table.js';

/** One measurement of one fleet. Figures of ingesters are of one of them: the mean. */
export interface Cell {
  readonly maker: Maker;
  readonly series: number;
  readonly replicationFactor: number;
  readonly samplesPerSecond: number;
  readonly failedRequests: number;
  readonly routerPerCpuSecond: number;
  readonly ingesterPerCpuSecond: number;
  /** Router and all ingesters together. */
  readonly fleetPerCpuSecond: number;
  readonly newSeriesPerCpuSecond: number;
  readonly ingesterBytesPerSeries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Of repeats of one measurement, the one in the middle by what counts most. */
export function medianCell(cells: readonly Cell[]): Cell {
  const sorted = [...cells].sort((a, b) => a.ingesterPerCpuSecond - b.ingesterPerCpuSecond);
  return sorted[Math.floor(sorted.length / 2)] as Cell;
}

export function benchTable(cells: readonly Cell[], machine: string): string {
  const columns = [
    'RF',
    'series',
    { words: 'of' },
    'router samples/CPU s',
    'ingester samples/CPU s',
    'all together',
    'new series/CPU s, ingester',
    'RSS bytes/series, ingester',
    'p50 ms',
    'p99 ms',
    'samples/s',
    'failed',
  ];
  const rows = cells.map((cell) => [
    String(cell.replicationFactor),
    wholeNumber(cell.series),
    cell.maker,
    wholeNumber(cell.routerPerCpuSecond),
    wholeNumber(cell.ingesterPerCpuSecond),
    wholeNumber(cell.fleetPerCpuSecond),
    wholeNumber(cell.newSeriesPerCpuSecond),
    wholeNumber(cell.ingesterBytesPerSeries),
    cell.p50Ms.toFixed(1),
    cell.p99Ms.toFixed(1),
    wholeNumber(cell.samplesPerSecond),
    wholeNumber(cell.failedRequests),
  ]);
  return markdownTable(machine, columns, rows);
}
