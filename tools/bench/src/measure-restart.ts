import { setTimeout as sleep } from 'node:timers/promises';
import {
  binaryBytes,
  Load,
  patchBody,
  prepareBodies,
  readProcessUsage,
  wholeNumber,
  type LoadBody,
  type ProcessUsage,
} from '@gauntlet/loadgen-tool';
import { parseTextFormat, sumOf } from '@gauntlet/stack-tool';
import { type Maker, type RestartArguments } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { bytesBelow } from './disk-bytes.js';
import { isReady, startFleet, type Member } from './fleet.js';
import { IngesterClient, toIngesterRequest } from './ingester-client.js';
import { findLogLines } from './log-file.js';
import { machineText } from './machine.js';
import { markdownTable } from './markdown-table.js';
import { requestConnections, requestShape } from './request-shape.js';
import { until } from './until.js';

/** What one ingester did after it was killed. Times count from the start of the process. */
export interface RestartRow {
  readonly maker: Maker;
  readonly series: number;
  readonly samples: number;
  readonly logBytes: number;
  readonly readyMs: number;
  /** To the ingester itself. */
  readonly firstWriteMs: number;
  /** By remote write to the router, which was there all the time. */
  readonly routedWriteMs: number;
  readonly replayedMs: number;
  readonly replayedCpuSeconds: number;
  readonly residentBytes: number;
  readonly residentBytesPeak: number;
  readonly seriesAfter: number;
}

const tenant = 'default-tenant';
/** How often a write is sent until the log is replayed. */
const writeEveryMs = 1000;
const replayMsMax = 600_000;
const settleMs = 3000;

export async function measureRestarts(args: RestartArguments, context: BenchContext): Promise<string> {
  const rows = await context.forEachMaker(async (maker) => [await measureRestart(maker, args, context)]);
  return restartTable(
    rows,
    machineText(
      'SIGKILL of the ingester, and a start on its directory; 2,000 samples a second are written to it meanwhile. Processor time is that of the whole process since its start.',
    ),
  );
}

function measureRestart(
  maker: Maker,
  { series, samplesPerSeries }: RestartArguments,
  { inDirectory, appsDir, guard, signal }: BenchContext,
): Promise<RestartRow> {
  const bodies = prepareBodies({ series, ...requestShape });
  return inDirectory(async (dir) => {
    const fleet = await startFleet({ maker, replicationFactor: 1, dir, appsDir, guard });
    try {
      const ingester = fleet.ingesters[0] as Member;
      const { url } = fleet;
      const send = (some: readonly LoadBody[], rounds: number): ReturnType<Load['run']> =>
        new Load({
          url,
          headers: {},
          connections: requestConnections,
          tenants: [],
          bodies: some,
          until: { rounds },
          signal,
        }).run();
      const { samplesAccepted } = await send(bodies, samplesPerSeries);
      await ingester.stop({ signal: 'SIGKILL' });
      const logBytes = bytesBelow(ingester.dataDir);

      const restarted = await restart(maker, { ingester, url, bodies, signal });
      return { maker, series, samples: samplesAccepted, logBytes, ...restarted };
    } finally {
      await fleet.stop();
    }
  });
}

interface Restart {
  readonly ingester: Member;
  readonly url: URL;
  readonly bodies: readonly LoadBody[];
  readonly signal: AbortSignal;
}

async function restart(
  maker: Maker,
  { ingester, url, bodies, signal }: Restart,
): Promise<Omit<RestartRow, 'maker' | 'series' | 'samples' | 'logBytes'>> {
  const over = new AbortController();
  const limit = AbortSignal.any([signal, over.signal, AbortSignal.timeout(replayMsMax)]);
  const startedMs = performance.now();
  const since = (): number => performance.now() - startedMs;
  const client = new IngesterClient(ingester.grpcPort);
  const { body } = bodies[0] as LoadBody;
  const request = (): Buffer => {
    patchBody(body, { timestampMs: Date.now(), round: 0 });
    return toIngesterRequest(body.bytes, tenant);
  };
  ingester.start();
  try {
    const [readyMs, firstWriteMs, routedWriteMs, replayed] = await Promise.all([
      until(() => isReady(ingester.httpPort), { everyMs: 10, signal: limit }).then(since),
      client.writeUntilTaken(request, limit).then(() => {
        const atMs = since();
        void writeOnAndOn(client, request, limit);
        return atMs;
      }),
      until(() => isTaken(url, bodies.at(-1) as LoadBody), { everyMs: 50, signal: limit }).then(since),
      untilReplayed(maker, ingester, limit).then(() => ({
        atMs: since(),
        cpuSeconds: usageOf(ingester).cpuSeconds,
      })),
    ]);
    await sleep(settleMs);
    const { residentBytes, residentBytesPeak } = usageOf(ingester);
    return {
      readyMs,
      firstWriteMs,
      routedWriteMs,
      replayedMs: replayed.atMs,
      replayedCpuSeconds: replayed.cpuSeconds,
      residentBytes,
      residentBytesPeak,
      seriesAfter: sumOf(parseTextFormat(await ingester.metrics()), 'prometheus_tsdb_head_series') ?? 0,
    };
  } finally {
    over.abort();
    client.close();
  }
}

async function writeOnAndOn(client: IngesterClient, request: () => Buffer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(writeEveryMs, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await client.write(request()).catch(() => undefined);
  }
}

/** Ours says so in the log once it holds all that was in its own and what came meanwhile; Thanos is ready then, and not before. */
async function untilReplayed(maker: Maker, ingester: Member, signal: AbortSignal): Promise<void> {
  const isReplayed = async (): Promise<boolean> =>
    maker === 'thanos'
      ? isReady(ingester.httpPort)
      : findLogLines(ingester.logFile, 'database is open').some(({ fields }) => fields['tenant'] === tenant);
  await until(isReplayed, { everyMs: 20, signal });
}

async function isTaken(url: URL, { body }: LoadBody): Promise<boolean> {
  patchBody(body, { timestampMs: Date.now(), round: 0 });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' },
    body: new Uint8Array(body.bytes),
    signal: AbortSignal.timeout(replayMsMax),
  }).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok ?? false;
}

function usageOf({ name, pid, child }: Member): ProcessUsage {
  const usage = readProcessUsage(pid);
  if (usage === undefined) throw new Error(`Cannot measure ${name}: it has ended\n${child.lastLogLines(10)}`);
  return usage;
}

export function restartTable(rows: readonly RestartRow[], machine: string): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  return markdownTable(
    machine,
    [
      { words: 'of' },
      'series',
      'samples',
      'directory',
      'ready, s',
      'first write, s',
      'first write through the router, s',
      'log replayed, s',
      'CPU s until then',
      'RSS after',
      'RSS peak',
      'series after',
    ],
    rows.map((row) => [
      row.maker,
      wholeNumber(row.series),
      wholeNumber(row.samples),
      binaryBytes(row.logBytes),
      seconds(row.readyMs),
      seconds(row.firstWriteMs),
      seconds(row.routedWriteMs),
      seconds(row.replayedMs),
      row.replayedCpuSeconds.toFixed(2),
      binaryBytes(row.residentBytes),
      binaryBytes(row.residentBytesPeak),
      wholeNumber(row.seriesAfter),
    ]),
  );
}
