/**
 * Appends the scrape of many series over and over: `npx esbuild --bundle --platform=node libs/head/src/head.bench.ts --outfile=...`, then
 * `node ... [series] [value length] [series per shard]`. Prints creation, further scrapes, replay, sorting for a block, truncation, and memory. Rates
 * are of CPU seconds, which other work on the machine changes little; only slices are measured by the clock.
 */
import { groupBytes, rowBytes, sampleBytes, xxh64Twin, type ScannedBatch } from '@gauntlet/kernel';
import { createHead } from './index.js';

const seriesTotal = Number(process.argv[2] ?? 10_000);
const labelPadding = Number(process.argv[3] ?? 20);
const shardSeriesMax = Number(process.argv[4] ?? 2 ** 19);
const batchSeries = 2000;
const scrapes = Math.max(4, Math.min(300, Math.ceil(4_000_000 / seriesTotal)));
const t0 = 1_700_006_400_000;

const fixed = [
  '__name__',
  'cluster',
  'container',
  'endpoint',
  'environment',
  'instance',
  'job',
  'namespace',
  'node',
  'pod',
  'region',
  'service',
  'team',
  'zone',
];

function field(tag: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(tag, text.length), Buffer.from(text)]);
}

/** A batch of the same shape for all series numbers from `first`; samples are filled in for each scrape. */
function batchOf(first: number, count: number): ScannedBatch {
  const rows = Buffer.alloc(count * rowBytes);
  const bodies: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    const n = first + i;
    const labels = fixed.map((name, l): [string, string] => {
      if (l === 0) return [name, `http_requests_metric_${String(n % 500)}`];
      if (l === 5) return [name, `10.0.${String((n >> 8) & 255)}.${String(n & 255)}:9100`];
      if (l === 9) return [name, `pod-${String(n).padStart(10, '0')}`];
      return [name, `${name}-value`.padEnd(labelPadding, 'x')];
    });
    const canonical = Buffer.concat(
      labels.map(([name, value]) => {
        const inner = Buffer.concat([field(0x0a, name), field(0x12, value)]);
        return Buffer.concat([Buffer.of(0x0a, inner.length), inner]);
      }),
    );
    // Any spread-out number does for a hash, as long as the labels are unique.
    rows.writeBigUInt64LE(xxh64Twin(Buffer.from(String(n))), i * rowBytes);
    rows.writeUInt32LE(at, i * rowBytes + 16);
    rows.writeUInt32LE(canonical.length, i * rowBytes + 20);
    rows.writeUInt32LE(i, i * rowBytes + 24);
    rows.writeUInt32LE(1, i * rowBytes + 28);
    rows.writeUInt32LE(labels.length, i * rowBytes + 52);
    bodies.push(canonical);
    at += canonical.length;
  }
  const groups = Buffer.alloc(groupBytes);
  groups.writeUInt32LE(count, 12);
  return {
    body: Buffer.concat(bodies),
    rows,
    rowCount: count,
    samples: Buffer.alloc(count * sampleBytes),
    sampleCount: count,
    groups,
    groupCount: 1,
    histogramCount: 0,
    exemplarCount: 0,
    metadataCount: 0,
    replica: 0,
  };
}

function fill(batch: ScannedBatch, scrape: number, batchIndex: number): void {
  const view = new DataView(batch.samples.buffer, batch.samples.byteOffset, batch.samples.byteLength);
  for (let i = 0; i < batch.sampleCount; i += 1) {
    view.setBigInt64(i * sampleBytes, BigInt(t0 + scrape * 15_000 + ((batchIndex * 7) % 15) * 100), true);
    // A third constant, a third counters, a third with noise.
    const value = i % 3 === 0 ? 42 : i % 3 === 1 ? scrape * (i % 17) : Math.random() * 100;
    view.setFloat64(i * sampleBytes + 8, value, true);
  }
}

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
  const batch = batchOf(first, Math.min(batchSeries, seriesTotal - first));
  labelBytes += batch.body.length;
  fill(batch, 0, first / batchSeries);
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
    fill(batch, scrape, i);
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
while (timed(() => head.truncate(t0 + scrapes * 15_000 + 10_000, 2)));
console.log(
  `truncated       to ${String(head.seriesCount)} series in ${(cpuMs() - start).toFixed(0)} ms of CPU, longest slice ${longest.toFixed(1)} ms`,
);
