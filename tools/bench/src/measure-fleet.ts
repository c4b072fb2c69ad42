import {
  isSuccess,
  Load,
  measure,
  prepareBodies,
  wholeNumber,
  type LoadOptions,
  type MeasuredProcess,
  type Measurement,
} from '@gauntlet/loadgen-tool';
import { type FleetArguments, type Maker } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { benchTable, medianCell, type Cell } from './bench-table.js';
import { startFleet } from './fleet.js';
import { machineText } from './machine.js';
import { requestConnections, requestShape, requestText } from './request-shape.js';

/** Samples by CPU second, memory by series and latency of every size and replication factor. */
export async function measureFleets(args: FleetArguments, context: BenchContext): Promise<string> {
  const { makers, signal } = context;
  const cells: Cell[] = [];
  for (const replicationFactor of args.replicationFactors) {
    for (const series of args.sizes) {
      const repeats = new Map<Maker, Cell[]>(makers.map((maker) => [maker, []]));
      for (let round = 0; round < args.rounds; round++) {
        for (const maker of makers) {
          if (signal.aborted) break;
          const cell = await measureFleet({ maker, series, replicationFactor, durationMs: args.durationMs }, context);
          if (signal.aborted) break;
          repeats.get(maker)?.push(cell);
          console.error(
            `RF ${replicationFactor}, ${wholeNumber(series)} series, ${maker}: router ${wholeNumber(cell.routerPerCpuSecond)}, ingester ${wholeNumber(cell.ingesterPerCpuSecond)} samples/CPU s, ` +
              `${wholeNumber(cell.newSeriesPerCpuSecond)} new series/CPU s, ${wholeNumber(cell.ingesterBytesPerSeries)} bytes/series, p99 ${cell.p99Ms.toFixed(1)} ms`,
          );
        }
      }
      for (const measured of repeats.values()) if (measured.length > 0) cells.push(medianCell(measured));
    }
  }
  return benchTable(cells, machineText(requestText));
}

interface FleetMeasurement {
  readonly maker: Maker;
  readonly series: number;
  readonly replicationFactor: number;
  readonly durationMs: number;
}

function measureFleet(
  { maker, series, replicationFactor, durationMs }: FleetMeasurement,
  { inDirectory, appsDir, guard, signal }: BenchContext,
): Promise<Cell> {
  const bodies = prepareBodies({ series, ...requestShape });
  return inDirectory(async (dir) => {
    const fleet = await startFleet({ maker, replicationFactor, dir, appsDir, guard });
    try {
      const { url } = fleet;
      const processes: MeasuredProcess[] = [
        { name: 'router', pid: fleet.router.pid },
        ...fleet.ingesters.map(({ name, pid }) => ({ name, pid })),
      ];
      const run = (until: LoadOptions['until']): Promise<Measurement> =>
        measure(processes, series, () =>
          new Load({ url, headers: {}, connections: requestConnections, tenants: [], bodies, until, signal }).run(),
        );
      const created = await run({ rounds: 1 });
      await run({ rounds: Math.min(3, Math.ceil(200_000 / series)) }); // Warm, but not counted.
      const loaded = await run({ durationMs });
      return toCell({ maker, series, replicationFactor }, created, loaded);
    } finally {
      await fleet.stop();
    }
  });
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
    failedRequests: [...result.statuses].reduce((sum, [code, count]) => sum + (isSuccess(code) ? 0 : count), 0),
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
