/**
 * Reads a head of many series: `npx esbuild --bundle --platform=node libs/head/src/head-reading.bench.ts --outfile=...`, then `node ... [series]`. Prints
 * indexing, selecting, label values and what others wait for. Times are of CPU, which other work on the machine changes little, those of slices as well, so that the longest may have a collection of garbage in it.
 */
import { compileMatcher, createOverlay, createPace, type LabelMatcher } from '@gauntlet/select';
import { createHead, type HeadSelectionQuery } from './index.js';
import { fillScrape, scrapeBatch } from './testing/scrape-batch.js';

const seriesTotal = Number(process.argv[2] ?? 100_000);
const batchSeries = 2000;
const scrapes = 4;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

let longest = 0;
let turnBegan = 0;
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    longest = Math.max(longest, cpuMs() - turnBegan);
    setImmediate(() => {
      turnBegan = cpuMs();
      resolve();
    });
  });

function query(matchers: LabelMatcher[], removed: string[], skipChunks: boolean): HeadSelectionQuery {
  const pace = createPace({ monotonicMs: () => performance.now() }, nextTurn);
  const overlay = createOverlay(
    [
      { name: 'receive', value: 'true' },
      { name: 'replica', value: 'a' },
      { name: 'tenant_id', value: 'default-tenant' },
    ],
    removed,
  );
  return { matchers, minTimeMs: -Infinity, maxTimeMs: Infinity, limit: 0, pace, overlay, skipChunks };
}

async function measured<T>(what: string, work: () => Promise<T>, note: (result: T) => string): Promise<void> {
  globalThis.gc?.();
  const before = process.memoryUsage();
  longest = 0;
  turnBegan = cpuMs();
  const begun = cpuMs();
  const result = await work();
  const ms = cpuMs() - begun;
  const after = process.memoryUsage();
  const grown = (after.rss - before.rss) / 2 ** 20;
  console.log(
    `${what.padEnd(34)} ${ms.toFixed(1).padStart(8)} ms, ${((ms * 1000) / seriesTotal).toFixed(2)} us a series; ` +
      `longest slice ${longest.toFixed(1)} ms; memory ${grown.toFixed(0)} MiB more; ${note(result)}`,
  );
}

async function readAll(selection: HeadSelectionQuery): Promise<{ series: number; bytes: number }> {
  const source = await head.select(selection);
  let series = 0;
  let bytes = 0;
  for (let found = await source.next(); found !== undefined; found = await source.next()) {
    series += 1;
    bytes += found.labels.length + found.chunks.reduce((sum, { data }) => sum + data.length, 0);
    if (series % 64 === 0 && selection.pace.isDue) await selection.pace.rest();
  }
  source.close();
  return { series, bytes };
}

const head = createHead({ chunkRangeMs: 7_200_000 });
async function run(): Promise<void> {
  for (let first = 0; first < seriesTotal; first += batchSeries) {
    const batch = scrapeBatch(first, Math.min(batchSeries, seriesTotal - first));
    for (let scrape = 0; scrape < scrapes; scrape += 1) {
      fillScrape(batch, scrape, first / batchSeries);
      head.append(batch, 0, { timestampMsMax: Infinity });
    }
  }
  const counted = ({ series, bytes }: { series: number; bytes: number }): string =>
    `${String(series)} series, ${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const values = (all: readonly string[]): string => `${String(all.length)} values`;
  await measured(
    'index',
    () => head.labelNames(query([], [], true)),
    () => `${(head.indexBytes / seriesTotal).toFixed(0)} bytes a series`,
  );
  await measured('all series, chunks', () => readAll(query([], [], false)), counted);
  await measured('all series, labels', () => readAll(query([], [], true)), counted);
  await measured('all series, without replica', () => readAll(query([], ['replica'], false)), counted);
  await measured('all series, without pod', () => readAll(query([], ['pod'], false)), counted);
  const metric = compileMatcher('=', '__name__', 'http_requests_metric_7');
  const one = compileMatcher('=', 'pod', 'pod-0000000042');
  const some = compileMatcher('=~', 'pod', 'pod-.*77[0-9]');
  await measured('one metric', () => readAll(query([metric], [], false)), counted);
  await measured('one metric again', () => readAll(query([metric], [], false)), counted);
  await measured('one series', () => readAll(query([one], [], false)), counted);
  await measured('metric and expression', () => readAll(query([metric, some], [], false)), counted);
  await measured('an expression', () => readAll(query([some], [], false)), counted);
  await measured('values of __name__', () => head.labelValues('__name__', query([], [], true)), values);
  await measured('values of pod', () => head.labelValues('pod', query([], [], true)), values);
  await measured('values of pod for a metric', () => head.labelValues('pod', query([metric], [], true)), values);
  await measured(
    'values of __name__ for an expression',
    () => head.labelValues('__name__', query([some], [], true)),
    values,
  );
  await measured('label names for a metric', () => head.labelNames(query([metric], [], true)), values);
  await measured(
    'statistics',
    () => head.statistics(10, query([], [], true).pace),
    () => '',
  );
}

void run();
