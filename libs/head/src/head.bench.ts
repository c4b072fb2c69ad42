/**
 * Appends the scrape of many series over and over: `npx esbuild --bundle --platform=node libs/head/src/head.bench.ts --outfile=...`, then
 * `node ... [series] [value length] [series per shard]`. Prints creation, further scrapes, replay, sorting for a block, truncation, and memory. Rates
 * are of CPU seconds, which other work on the machine changes little; only slices are measured by the clock.
 */
import type { ScannedBatch } from '@gauntlet/kernel';
import { createHead } from './index.js';
import { fillScrape, scrapeBatch, scrapeStart } from './testing/scrape-batch.js';

const seriesTotal = Number(process.argv[2] ?? 10_000);
const labelPadding = Number(process.argv[3] ?? 20);
const shardSeriesMax = Number(process.argv[4] ?? 2 ** 19);
const batchSeries = 2000;
const scrapes = Math.max(4, Math.min(300, Math.ceil(4_000_000 / seriesTotal)));

/** CPU time of the process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function rate(count: number, ms: number): string {
  return `${(count / ms / 1000).toFixed(2)} M/s`;
}

const head = createHead({ chunkRangeMs: 7_200_000, shardSeriesMax });
/** Log of the first scrapes, for the replay. */
const logged: Uint8Array[] = [];
const log = (records: readonly Uint8Array[]): void => {
  if (seriesTotal <= 100_000) logged.push(...records.map((record) => record.slice()));
};
let labelBytes = 0;
let createMs = 0;
const keepBatches = seriesTotal <= 1_000_000;
const batches: ScannedBatch[] = [];
for (let first = 0; first < seriesTotal; first += batchSeries) {
  const batch = scrapeBatch(first, Math.min(batchSeries, seriesTotal - first), labelPadding);
  labelBytes += batch.body.length;
  fillScrape(batch, 0, first / batchSeries);
  const begun = cpuMs();
  const { records } = head.append(batch, 0, { timestampMsMax: Infinity });
  createMs += cpuMs() - begun;
  log(records);
  if (keepBatches) batches.push(batch);
}
console.log(`${String(seriesTotal)} series, ${(labelBytes / seriesTotal).toFixed(0)} label bytes each`);
console.log(`new series      ${rate(seriesTotal, createMs)}`);
let appendMs = 0;
let appended = 0;
for (let scrape = 1; scrape < scrapes; scrape += 1) {
  for (const [i, batch] of batches.entries()) {
    fillScrape(batch, scrape, i);
    const begun = cpuMs();
    const { samplesAppended, records } = head.append(batch, 0, { timestampMsMax: Infinity });
    appendMs += cpuMs() - begun;
    appended += samplesAppended;
    if (scrape <= 3) log(records);
  }
  if (scrape === 3) {
    console.log(`with 4 samples  ${(head.memoryBytes / seriesTotal).toFixed(0)} bytes per series`);
  }
}
console.log(
  `known series    ${rate(appended, appendMs)}, ${String(scrapes)} scrapes, ${(head.memoryBytes / seriesTotal).toFixed(0)} bytes per series`,
);

if (logged.length > 0) {
  const replayed = createHead({ chunkRangeMs: 7_200_000, shardSeriesMax });
  const begun = cpuMs();
  for (const record of logged) replayed.replay(record);
  const { series, samples } = replayed.replayed;
  console.log(
    `replayed        ${String(series)} series and ${String(samples)} samples in ${(cpuMs() - begun).toFixed(0)} ms of CPU`,
  );
}

let longest = 0;
const timed = <T>(work: () => T): T => {
  const start = performance.now();
  const result = work();
  longest = Math.max(longest, performance.now() - start);
  return result;
};
let start = cpuMs();
const cursor = head.cursor(-Infinity, Infinity);
while (timed(() => cursor.prepare(2)));
console.log(`sorted          in ${(cpuMs() - start).toFixed(0)} ms of CPU, longest slice ${longest.toFixed(1)} ms`);
start = cpuMs();
let chunks = 0;
for (let series = cursor.next(); series !== undefined; series = cursor.next()) chunks += series.chunks.length;
cursor.close();
console.log(`walked          ${String(chunks)} chunks in ${(cpuMs() - start).toFixed(0)} ms of CPU`);
start = cpuMs();
longest = 0;
while (timed(() => head.truncate(scrapeStart + scrapes * 15_000 + 10_000, 2)));
console.log(
  `truncated       to ${String(head.seriesCount)} series in ${(cpuMs() - start).toFixed(0)} ms of CPU, longest slice ${longest.toFixed(1)} ms`,
);
