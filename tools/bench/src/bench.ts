import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '@gauntlet/base/testing';
import {
  BadArgument,
  binaryBytes,
  Load,
  measure,
  prepareBodies,
  readProcessUsage,
  wholeNumber,
  type LoadOptions,
  type MeasuredProcess,
  type Measurement,
} from '@gauntlet/loadgen-tool';
import { OrphanGuard } from '@gauntlet/stack-tool';
import { type BenchArguments, type Maker } from './bench-arguments.js';
import { benchTable, medianCell, type Cell } from './bench-table.js';
import { startFleet, type Fleet } from './fleet.js';

// The load of every cell: 2,000 series of 14 labels and one sample each in a request.
const shape = { labelsPerSeries: 14, seriesPerRequest: 2000, samplesPerSeries: 1 };
const connections = 4;

export async function runBench(args: BenchArguments, appsDir: string, signal: AbortSignal): Promise<number> {
  if (!readProcessUsage(process.pid))
    throw new BadArgument('Cannot measure here: processor time is read from /proc, which only Linux has');
  const makers = args.makers.filter((maker) => isThere(maker, appsDir));
  if (makers.length === 0) throw new BadArgument('Cannot measure anything: nothing that is asked for is there');
  const guard = new OrphanGuard('KILL');
  const cells: Cell[] = [];
  for (const replicationFactor of args.replicationFactors) {
    for (const series of args.sizes) {
      const repeats = new Map<Maker, Cell[]>(makers.map((maker) => [maker, []]));
      for (let round = 0; round < args.rounds; round++) {
        for (const maker of makers) {
          if (signal.aborted) break;
          const cell = await measureFleet({
            maker,
            series,
            replicationFactor,
            durationMs: args.durationMs,
            appsDir,
            guard,
            signal,
          });
          if (signal.aborted) break;
          repeats.get(maker)?.push(cell);
          console.error(
            `RF ${replicationFactor}, ${wholeNumber(series)} series, ${maker}: router ${wholeNumber(cell.routerPerCpuSecond)}, ingester ${wholeNumber(cell.ingesterPerCpuSecond)} samples/CPU s, ` +
              `${wholeNumber(cell.ingesterBytesPerSeries)} bytes/series, p99 ${cell.p99Ms.toFixed(1)} ms`,
          );
        }
      }
      for (const measured of repeats.values()) if (measured.length > 0) cells.push(medianCell(measured));
    }
  }
  const table = benchTable(cells, machineText());
  console.log(table);
  if (args.output !== undefined) writeFileSync(args.output, `${table}\n`);
  return signal.aborted ? 130 : 0;
}

interface FleetMeasurement {
  readonly maker: Maker;
  readonly series: number;
  readonly replicationFactor: number;
  readonly durationMs: number;
  readonly appsDir: string;
  readonly guard: OrphanGuard;
  readonly signal: AbortSignal;
}

async function measureFleet({
  maker,
  series,
  replicationFactor,
  durationMs,
  appsDir,
  guard,
  signal,
}: FleetMeasurement): Promise<Cell> {
  const bodies = prepareBodies({ series, ...shape });
  const dir = mkdtempSync(join(tmpdir(), 'gauntlet-bench-'));
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet({ maker, replicationFactor, dir, appsDir, guard });
    const { url } = fleet;
    const processes: MeasuredProcess[] = [
      { name: 'router', pid: fleet.router.pid },
      ...fleet.ingesters.map(({ name, pid }) => ({ name, pid })),
    ];
    const run = (until: LoadOptions['until']): Promise<Measurement> =>
      measure(processes, series, () =>
        new Load({ url, headers: {}, connections, tenants: [], bodies, until, signal }).run(),
      );
    const created = await run({ rounds: 1 });
    await run({ rounds: Math.min(3, Math.ceil(200_000 / series)) }); // Warm, but not counted.
    const loaded = await run({ durationMs });
    return toCell({ maker, series, replicationFactor }, created, loaded);
  } finally {
    await fleet?.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function toCell(
  key: Pick<Cell, 'maker' | 'series' | 'replicationFactor'>,
  created: Measurement,
  { result, costs }: Measurement,
): Cell {
  const router = costs.filter(({ name }) => name === 'router');
  const ingesters = costs.filter(({ name }) => name !== 'router');
  const cpuOf = (list: readonly { cpuSeconds: number }[]): number =>
    list.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const accepted = result.samplesAccepted;
  return {
    ...key,
    samplesPerSecond: accepted / (result.elapsedMs / 1000),
    failedRequests: [...result.statuses].reduce((sum, [code, count]) => sum + (code.startsWith('2') ? 0 : count), 0),
    routerPerCpuSecond: accepted / cpuOf(router),
    ingesterPerCpuSecond: (accepted * ingesters.length) / cpuOf(ingesters),
    fleetPerCpuSecond: accepted / cpuOf(costs),
    newSeriesPerCpuSecond:
      (created.result.samplesAccepted * ingesters.length) /
      cpuOf(created.costs.filter(({ name }) => name !== 'router')),
    ingesterBytesPerSeries:
      ingesters.reduce((sum, { residentBytesPerSeries }) => sum + residentBytesPerSeries, 0) / ingesters.length,
    p50Ms: result.latency.quantileMs(0.5),
    p99Ms: result.latency.quantileMs(0.99),
  };
}

function isThere(maker: Maker, appsDir: string): boolean {
  const found =
    maker === 'thanos'
      ? findPeer('thanos') !== undefined
      : ['router', 'ingester'].every((app) => existsSync(join(appsDir, app, 'main.js')));
  if (!found)
    console.error(
      maker === 'thanos'
        ? 'thanos is neither in PEERS_DIR nor in PATH: only ours is measured'
        : `Our apps are not in ${appsDir}: npm run build makes them`,
    );
  return found;
}

function machineText(): string {
  const processors = cpus();
  return `${processors[0]?.model.trim() || 'unknown processor'}, ${processors.length} cores, ${binaryBytes(totalmem())} memory, ${process.platform} ${process.arch}, Node.js ${process.version}. One sample of each of 2,000 series of 14 labels in a request, ${connections} connections; the load generator shares the machine.`;
}
