/**
 * Writes a block with 14 labels and one chunk of 110 bytes for each series into a directory, opens it and asks it.
 * Run: npx esbuild libs/block-reader/src/block-reader.bench.ts --bundle --platform=node --outfile=dist/block-reader.bench.cjs
 *      node --expose-gc dist/block-reader.bench.cjs [series] [directory]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '@gauntlet/base';
import { openIndex, writeBlock, type BlockMeta, type BlockSeries } from '@gauntlet/block';
import { labelsOf } from '@gauntlet/model';
import { compileMatcher, createOverlay, createPace, type LabelMatcher, type Selection } from '@gauntlet/select';
import { nodeVfs, type Vfs } from '@gauntlet/vfs';
import { openBlockFiles } from './block-files.js';
import { type BlockReader, openBlockReader } from './block-reader.js';

const seriesCount = Number(process.argv[2] ?? 1_000_000);
const parent = process.argv[3] ?? tmpdir();

const six = (value: number): string => String(value).padStart(6, '0');

/** Label values as in a cluster: pods and ids differ, the rest repeats; no id comes twice. */
function* makeSeries(): Generator<BlockSeries> {
  const scratch = Buffer.alloc(2048);
  const data = Buffer.alloc(110, 7);
  const perMetric = Math.ceil(seriesCount / 500);
  for (let index = 0; index < seriesCount; index += 1) {
    const metric = Math.floor(index / perMetric);
    const pod = index % perMetric;
    const labels = [
      ['__name__', `container_metric_name_${six(metric)}_total`],
      ['cluster', 'production-eu-west-1'],
      ['container', `app-${six(pod)}`],
      ['endpoint', 'https-metrics'],
      ['id', `/kubepods/burstable/pod${six((pod * 7919 + metric * 104729) % 1000003)}/${six(index)}`],
      ['image', `registry.example.com/team/app:${pod % 300}`],
      ['instance', `10.0.${(pod >> 8) & 255}.${pod & 255}:10250`],
      ['job', 'kubelet'],
      ['metrics_path', '/metrics/cadvisor'],
      ['name', `k8s_app_${six(pod % 1000)}`],
      ['namespace', `namespace-${pod % 50}`],
      ['node', `ip-10-0-${pod % 200}.internal`],
      ['pod', `deployment-${six(pod)}-x7f9c`],
      ['service', 'kubelet'],
    ] as const;
    let at = 0;
    for (const [name, value] of labels) {
      scratch[at] = 0x0a;
      scratch[at + 1] = name.length + value.length + 4;
      at = putString(scratch, at + 2, 0x0a, name);
      at = putString(scratch, at, 0x12, value);
    }
    const minTimeMs = 1_700_000_000_000 + pod;
    const chunk = { minTimeMs, maxTimeMs: 1_700_007_000_000, encoding: 1, sampleCount: 120, data };
    yield { labels: scratch.subarray(0, at), chunks: [chunk] };
  }
}

/** All lengths here are below 128. */
function putString(bytes: Buffer, at: number, tag: number, text: string): number {
  bytes[at] = tag;
  bytes[at + 1] = text.length;
  return at + 2 + bytes.write(text, at + 2, 'latin1');
}

async function writeDirectory(vfs: Vfs, dir: string): Promise<BlockMeta> {
  await vfs.makeDir(`${dir}/chunks`);
  const open = async (name: string): Promise<{ write(bytes: Uint8Array): Promise<void>; close(): Promise<void> }> => {
    const file = await vfs.open(`${dir}/${name}`, 'create');
    let at = 0;
    return {
      async write(bytes) {
        await file.write(bytes, at);
        at += bytes.length;
      },
      close: () => file.close(),
    };
  };
  const series = makeSeries();
  const cursor = { next: (): BlockSeries | undefined => series.next().value as BlockSeries | undefined };
  const sinks = { openIndex: () => open('index'), openSegment: (name: string) => open(`chunks/${name}`) };
  const { numSeries } = await writeBlock(cursor, sinks);
  const [minTime, maxTime] = [1_700_000_000_000, 1_700_007_200_000];
  return { ulid: '', minTime, maxTime, stats: { numSeries }, compaction: { level: 1 }, version: 1 };
}

function heldMB(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

async function measured<T>(
  what: string,
  work: () => Promise<T>,
  figures: (result: T, cpuMs: number) => object,
): Promise<T> {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1000;
  console.log(what, { wallMs: Math.round(wallMs), cpuMs: Math.round(cpuMs), ...figures(result, cpuMs) });
  return result;
}

function selectionOf(matchers: readonly LabelMatcher[], more: Partial<Selection> = {}): Selection {
  const pace = createPace(systemClock, () => nextTurn());
  const bounds = { minTimeMs: -Infinity, maxTimeMs: Infinity };
  return { matchers, ...bounds, limit: 0, pace, overlay: createOverlay([], []), skipChunks: false, ...more };
}

async function selectAll(block: BlockReader, selection: Selection): Promise<Counted> {
  const start = performance.now();
  const source = await block.select(selection);
  let [count, bytes, peakMB, firstMs] = [0, 0, 0, 0];
  const before = heldMB();
  for (;;) {
    const next = source.next();
    const series = next instanceof Promise ? await next : next;
    if (series === undefined) break;
    if (count === 0) firstMs = performance.now() - start;
    count += 1;
    bytes += series.labels.length;
    for (const chunk of series.chunks) bytes += chunk.data.length;
    if (count % 50_000 === 0) peakMB = Math.max(peakMB, heldMB() - before);
    if (selection.pace.isDue) await selection.pace.rest();
  }
  return { count, bytes, peakMB, firstMs };
}

interface Counted {
  readonly count: number;
  readonly bytes: number;
  readonly peakMB: number;
  readonly firstMs: number;
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(parent, 'block-'));
  try {
    const meta = await measured(
      'write',
      () => writeDirectory(nodeVfs, dir),
      () => ({}),
    );
    const before = heldMB();
    const files = await openBlockFiles(nodeVfs, dir);
    let whole: unknown = await measured(
      'open, all of it in memory',
      () => openIndex(files.index),
      () => ({ heldMB: heldMB() - before }),
    );
    whole = typeof whole;
    const beforeOpen = heldMB();
    const block = await measured(
      `open, ${String(whole)} dropped`,
      () => openBlockReader(files, meta),
      ({ bytesHeld }) => ({ bytesHeld, heldMB: heldMB() - beforeOpen }),
    );
    const perSeries = (counted: Counted, cpuMs: number): object => ({
      ...counted,
      usPerSeries: (cpuMs * 1000) / counted.count,
    });
    const job = compileMatcher('=', 'job', 'kubelet');
    const hundredth = compileMatcher('=~', 'namespace', 'namespace-(1|2|3|4|5)');
    const replica = createOverlay(labelsOf({ receive: 'true', tenant_id: 'a' }), ['node']);
    for (const [what, selection] of [
      ['select all', selectionOf([job])],
      ['select all again', selectionOf([job])],
      ['labels of all', selectionOf([job], { skipChunks: true })],
      ['select a tenth', selectionOf([job, hundredth])],
      ['all with external labels', selectionOf([job], { overlay: createOverlay(labelsOf({ tenant_id: 'a' }), []) })],
      ['all without a stored replica label', selectionOf([job], { overlay: replica })],
    ] as const)
      await measured(what, () => selectAll(block, selection), perSeries);
    for (const [what, name, matchers] of [
      ['values of pod', 'pod', []],
      ['values of id', 'id', []],
      ['values of pod in a namespace', 'pod', [compileMatcher('=', 'namespace', 'namespace-7')]],
      [
        'values of namespace by metric',
        'namespace',
        [compileMatcher('=', '__name__', 'container_metric_name_000077_total')],
      ],
      ['names by job', '', [job]],
    ] as const)
      await measured(
        what,
        () => (name === '' ? block.labelNames(selectionOf(matchers)) : block.labelValues(name, selectionOf(matchers))),
        ({ length }) => ({ length }),
      );
    const metric = (index: number): LabelMatcher =>
      compileMatcher('=', '__name__', `container_metric_name_${six(index % 500)}_total`);
    const tookMs: number[] = [];
    for (let index = 0; index < 500; index += 1) {
      const start = performance.now();
      await block.labelValues('namespace', selectionOf([metric(index)]));
      tookMs.push(performance.now() - start);
    }
    tookMs.sort((a, b) => a - b);
    console.log('values of namespace by metric, 500 times', { p50Ms: tookMs[250], p99Ms: tookMs[495] });
    await block.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
}

void main();
