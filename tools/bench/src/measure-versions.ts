import { loadavg } from 'node:os';
import { join } from 'node:path';
import {
  isSuccess,
  Load,
  measure,
  prepareBodies,
  wholeNumber,
  type LoadBody,
  type LoadOptions,
  type Measurement,
  type RemoteWriteVersion,
} from '@gauntlet/loadgen-tool';
import { type Maker, type VersionsArguments } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { startFleet, type Fleet, type Member } from './fleet.js';
import { machineText } from './machine.js';
import { requestConnections, requestShape, requestText } from './request-shape.js';
import { median, versionsTable, type VersionsRow, type VersionWindow } from './versions-table.js';

/**
 * Processor time of the same load in remote write 1.0 and in 2.0. Each version has router and ingesters of its own, so that neither runs code that the
 * other has warmed or spoilt; both stand at once and are sent to in turn, for short windows, so that noise of the machine meets both.
 */
export async function measureVersions(args: VersionsArguments, context: BenchContext): Promise<string> {
  const rows: VersionsRow[] = [];
  for (const [k, replicationFactor] of args.replicationFactors.entries()) {
    for (const series of args.sizes) {
      const measured = await context.forEachMaker((maker) =>
        // An ingester that is sent to directly does not know of others: once is enough.
        measurePair({ maker, series, replicationFactor, alsoDirect: k === 0, args }, context),
      );
      rows.push(...measured);
    }
  }
  return versionsTable(rows, machineText(requestText));
}

interface PairMeasurement {
  readonly maker: Maker;
  readonly series: number;
  readonly replicationFactor: number;
  readonly alsoDirect: boolean;
  readonly args: VersionsArguments;
}

/** One version: its processes and its bodies. */
interface Side {
  readonly version: RemoteWriteVersion;
  readonly fleet: Fleet;
  readonly bodies: LoadBody[];
}

function measurePair(
  { maker, series, replicationFactor, alsoDirect, args }: PairMeasurement,
  { inDirectory, appsDir, guard, signal }: BenchContext,
): Promise<VersionsRow[]> {
  return inDirectory(async (dir) => {
    const sides: Side[] = [];
    try {
      for (const version of ['1.0', '2.0'] as const) {
        const fleet = await startFleet({ maker, replicationFactor, dir: join(dir, version), appsDir, guard });
        sides.push({ version, fleet, bodies: prepareBodies({ series, ...requestShape, version }) });
      }
      const rows: VersionsRow[] = [];
      for (const sentTo of alsoDirect ? (['router', 'ingester'] as const) : (['router'] as const)) {
        const windows = await measureInTurn(sides, { sentTo, series, args, signal });
        if (signal.aborted) break;
        const ingesters = sentTo === 'router' ? replicationFactor : 1;
        const row: VersionsRow = { maker, sentTo, replicationFactor, ingesters, series, windows };
        console.error(progressText(row));
        rows.push(row);
      }
      return rows;
    } finally {
      await Promise.all(sides.map(({ fleet }) => fleet.stop()));
    }
  });
}

interface TurnPlan {
  readonly sentTo: VersionsRow['sentTo'];
  readonly series: number;
  readonly args: VersionsArguments;
  readonly signal: AbortSignal;
}

async function measureInTurn(
  sides: readonly Side[],
  { sentTo, series, args, signal }: TurnPlan,
): Promise<Record<RemoteWriteVersion, VersionWindow[]>> {
  const windows: Record<RemoteWriteVersion, VersionWindow[]> = { '1.0': [], '2.0': [] };
  const run = (side: Side, until: LoadOptions['until']): Promise<Measurement> => {
    const { url, processes } = targetOf(side.fleet, sentTo);
    return measure(processes, series, () =>
      new Load({
        url,
        headers: {},
        connections: requestConnections,
        tenants: [],
        bodies: side.bodies,
        until,
        signal,
      }).run(),
    );
  };
  for (const side of sides) {
    await run(side, { rounds: 1 }); // Every series is there.
    await run(side, { durationMs: args.durationMs / args.rounds }); // Warm, but not counted.
  }
  for (let round = 0; round < args.rounds && !signal.aborted; round++) {
    // Who goes first changes, so that load which rises or falls favours nobody.
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const measured = await run(side, { durationMs: args.durationMs / args.rounds });
      windows[side.version].push(toWindow(measured));
    }
  }
  return windows;
}

function targetOf(fleet: Fleet, sentTo: VersionsRow['sentTo']): { url: URL; processes: Member[] } {
  if (sentTo === 'router') return { url: fleet.url, processes: [fleet.router, ...fleet.ingesters] };
  return { url: fleet.ingesterUrls[0] as URL, processes: fleet.ingesters.slice(0, 1) };
}

function toWindow({ result, costs }: Measurement): VersionWindow {
  const cpuOf = (list: Measurement['costs']): number => list.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const router = costs.filter(({ name }) => name === 'router');
  return {
    samples: result.samplesAccepted,
    routerCpuSeconds: router.length > 0 ? cpuOf(router) : undefined,
    ingesterCpuSeconds: cpuOf(costs.filter(({ name }) => name !== 'router')),
    bytesPerRequest: result.bytesSent / Math.max(1, result.requests),
    p50Ms: result.latency.quantileMs(0.5),
    p99Ms: result.latency.quantileMs(0.99),
    failedRequests: [...result.statuses].reduce((sum, [code, count]) => sum + (isSuccess(code) ? 0 : count), 0),
    loadAverage: loadavg()[0] as number,
  };
}

function progressText({ maker, sentTo, replicationFactor, series, windows }: VersionsRow): string {
  const microseconds = (version: RemoteWriteVersion, cost: (window: VersionWindow) => number): string =>
    median(windows[version].map((window) => (cost(window) / window.samples) * 1e6)).toFixed(2);
  const both = (cost: (window: VersionWindow) => number): string =>
    `${microseconds('1.0', cost)} and ${microseconds('2.0', cost)}`;
  const router = sentTo === 'router' ? `router ${both((window) => window.routerCpuSeconds ?? NaN)}, ` : '';
  return `RF ${replicationFactor}, ${wholeNumber(series)} series, ${maker}, sent to ${sentTo}: ${router}ingesters ${both((window) => window.ingesterCpuSeconds)} CPU us/sample in 1.0 and 2.0`;
}
