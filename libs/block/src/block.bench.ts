/**
 * Writes a block of a million series with 14 labels and one chunk each into sinks that drop the bytes.
 * Run: npx esbuild libs/block/src/block.bench.ts --bundle --platform=node --outfile=dist/block.bench.cjs
 *      node --expose-gc dist/block.bench.cjs [series]
 */
import { writeBlock, type BlockSeries, type SeriesCursor } from './write-block.js';

const seriesCount = Number(process.argv[2] ?? 1_000_000);

/** Label values as in a cluster: pods and ids differ, the rest repeats. In label order, each series made anew in one buffer. */
function makeCursor(): SeriesCursor {
  const data = Buffer.alloc(110, 7);
  let index = 0;
  const metrics = 500;
  const perMetric = Math.ceil(seriesCount / metrics);
  const six = (value: number): string => String(value).padStart(6, '0');
  return {
    next: (): BlockSeries | undefined => {
      if (index === seriesCount) return undefined;
      const metric = Math.floor(index / perMetric);
      const pod = index % perMetric;
      index += 1;
      const labels = encodeLabels([
        ['__name__', `container_metric_name_${six(metric)}_total`],
        ['cluster', 'production-eu-west-1'],
        ['container', `app-${six(pod)}`],
        ['endpoint', 'https-metrics'],
        // Symbols do not arrive sorted.
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
      ]);
      return {
        labels,
        chunks: [
          { minTimeMs: 1_700_000_000_000 + pod, maxTimeMs: 1_700_007_000_000, encoding: 1, sampleCount: 120, data },
        ],
      };
    },
  };
}

const scratch = Buffer.alloc(1024);

/** All lengths here are below 128. */
function encodeLabels(labels: readonly (readonly [string, string])[]): Uint8Array {
  let at = 0;
  for (const [name, value] of labels) {
    scratch[at] = 0x0a;
    scratch[at + 1] = name.length + value.length + 4;
    at = putString(at + 2, 0x0a, name);
    at = putString(at, 0x12, value);
  }
  return scratch.subarray(0, at);
}

function putString(at: number, tag: number, text: string): number {
  scratch[at++] = tag;
  scratch[at++] = text.length;
  for (let index = 0; index < text.length; index += 1) scratch[at++] = text.charCodeAt(index);
  return at;
}

async function main(): Promise<void> {
  let inputMs = performance.now();
  for (const cursor = makeCursor(); cursor.next() !== undefined;);
  inputMs = performance.now() - inputMs;

  let bytes = 0;
  let peakBytes = 0;
  const measure = (): void => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    peakBytes = Math.max(peakBytes, heapUsed + arrayBuffers);
  };
  const sink = {
    write: (piece: Uint8Array) => {
      bytes += piece.length;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  let turnMs = performance.now();
  let longestMs = 0;
  let yields = 0;
  const yieldNow = async (): Promise<void> => {
    longestMs = Math.max(longestMs, performance.now() - turnMs);
    yields += 1;
    if (yields % 20 === 0) measure();
    await new Promise((resolve) => setImmediate(resolve));
    turnMs = performance.now();
  };
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  const stats = await writeBlock(
    makeCursor(),
    { openIndex: () => Promise.resolve(sink), openSegment: () => Promise.resolve(sink) },
    { yieldNow },
  );
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  console.log({
    series: stats.numSeries,
    wallSeconds: wallMs / 1000,
    cpuSeconds: (user + system) / 1e6,
    makingInputSeconds: inputMs / 1000,
    outputMB: bytes / 1e6,
    peakMB: (peakBytes - heapUsed - arrayBuffers) / 1e6,
    longestTurnMs: longestMs,
    yields,
  });
}

void main();
