import { wholeNumber, type RemoteWriteVersion } from '@gauntlet/loadgen-tool';
import { type Maker } from './bench-arguments.js';
import { markdownTable } from './markdown-table.js';

/** What one window of load cost in one version. */
export interface VersionWindow {
  readonly samples: number;
  /** Undefined where no router is on the way. */
  readonly routerCpuSeconds: number | undefined;
  /** Of all ingesters together. */
  readonly ingesterCpuSeconds: number;
  readonly bytesPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failedRequests: number;
  /** Of the last minute, when the window ended. */
  readonly loadAverage: number;
}

/** The same load in both versions, window by window in turn: those of one index were neighbours in time. */
export interface VersionsRow {
  readonly maker: Maker;
  readonly sentTo: 'router' | 'ingester';
  readonly replicationFactor: number;
  readonly ingesters: number;
  readonly series: number;
  readonly windows: Readonly<Record<RemoteWriteVersion, readonly VersionWindow[]>>;
}

/** Every figure is the median of its windows; ratios are the median of those of neighbours, which noise that lasts leaves alone. */
export function versionsTable(rows: readonly VersionsRow[], machine: string): string {
  const columns = [
    { words: 'sent to' },
    'series',
    { words: 'of' },
    'remote write',
    'router samples/CPU s',
    'ingester samples/CPU s',
    'all together',
    'router CPU to 1.0',
    'ingester CPU to 1.0',
    'all CPU to 1.0',
    'bytes/request',
    'p50 ms',
    'p99 ms',
    'failed',
    'load average',
  ];
  return markdownTable(
    machine,
    columns,
    rows.flatMap((row) => (['1.0', '2.0'] as const).map((version) => cellsOf(row, version))),
  );
}

/** The middle one, or the mean of both in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

function cellsOf(
  { maker, sentTo, replicationFactor, ingesters, series, windows }: VersionsRow,
  version: RemoteWriteVersion,
): string[] {
  const own = windows[version];
  const middle = (of: (window: VersionWindow) => number): number => median(own.map(of));
  const speed = (cost: Cost, copies: number): string =>
    rate(middle((window) => (window.samples * copies) / cost(window)));
  const toFirst = (cost: Cost): string => {
    const ratios = own.flatMap((window, k) => {
      const first = windows['1.0'][k];
      return first === undefined ? [] : [cost(window) / window.samples / (cost(first) / first.samples)];
    });
    return version === '1.0' ? '1.00' : ratio(median(ratios));
  };
  return [
    sentTo === 'router' ? `router, RF ${replicationFactor}` : 'ingester',
    wholeNumber(series),
    maker,
    version,
    speed(routerCost, 1),
    speed(ingesterCost, ingesters),
    speed(totalCost, 1),
    sentTo === 'router' ? toFirst(routerCost) : '-',
    toFirst(ingesterCost),
    toFirst(totalCost),
    wholeNumber(middle(({ bytesPerRequest }) => bytesPerRequest)),
    middle(({ p50Ms }) => p50Ms).toFixed(1),
    middle(({ p99Ms }) => p99Ms).toFixed(1),
    wholeNumber(own.reduce((sum, { failedRequests }) => sum + failedRequests, 0)),
    middle(({ loadAverage }) => loadAverage).toFixed(1),
  ];
}

type Cost = (window: VersionWindow) => number;
const routerCost: Cost = ({ routerCpuSeconds }) => routerCpuSeconds ?? NaN;
const ingesterCost: Cost = ({ ingesterCpuSeconds }) => ingesterCpuSeconds;
const totalCost: Cost = ({ routerCpuSeconds = 0, ingesterCpuSeconds }) => routerCpuSeconds + ingesterCpuSeconds;

const rate = (value: number): string => (Number.isFinite(value) ? wholeNumber(value) : '-');
const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '-');
