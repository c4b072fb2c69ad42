import { setTimeout as sleep } from 'node:timers/promises';
import {
  binaryBytes,
  Load,
  prepareBodies,
  readProcessUsage,
  wholeNumber,
  type ProcessUsage,
} from '@gauntlet/loadgen-tool';
import { parseTextFormat, sumOf } from '@gauntlet/stack-tool';
import { type IdleArguments, type Maker } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { isReady, startFleet, type Member } from './fleet.js';
import { findLogLines } from './log-file.js';
import { machineText } from './machine.js';
import { markdownTable } from './markdown-table.js';
import { requestConnections, requestShape } from './request-shape.js';
import { until } from './until.js';

type Ended = 'never' | 'SIGTERM' | 'SIGKILL';

/** One start of an ingester. Times count from the start of the process. */
export interface IdleRow {
  readonly maker: Maker;
  readonly tenants: number;
  /** How it was ended before: with heads flushed to blocks, or with everything in logs. */
  readonly ended: Ended;
  readonly readyMs: number;
  /** Until every tenant was found. */
  readonly foundMs: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** More than an ingester without tenants. */
  readonly extraBytes: number;
}

const startMsMax = 300_000;
const settleMs = 10_000;
const flushMsMax = 600_000;

export async function measureIdleTenants(args: IdleArguments, context: BenchContext): Promise<string> {
  const rows = await context.forEachMaker((maker) => measureIdle(maker, args, context));
  return idleTable(
    rows,
    machineText(
      `${wholeNumber(args.seriesPerTenant)} series of 14 labels of each tenant, a sample each. Processor time and memory ${settleMs / 1000} s after all were found.`,
    ),
  );
}

function measureIdle(
  maker: Maker,
  { tenants, seriesPerTenant }: IdleArguments,
  { inDirectory, appsDir, guard, signal }: BenchContext,
): Promise<IdleRow[]> {
  return inDirectory(async (dir) => {
    const fleet = await startFleet({ maker, replicationFactor: 1, dir, appsDir, guard });
    try {
      const ingester = fleet.ingesters[0] as Member;
      const startAfter = async (signalSent: 'SIGTERM' | 'SIGKILL'): Promise<Start> => {
        await ingester.stop({ signal: signalSent, graceMs: flushMsMax });
        return start(maker, ingester, signal);
      };
      const toRow = (start: Start, count: number, ended: Ended): IdleRow => ({
        maker,
        tenants: count,
        ended,
        ...start,
        extraBytes: start.residentBytes - none.residentBytes,
      });
      const none = await startAfter('SIGTERM');
      const result = await new Load({
        url: fleet.url,
        headers: {},
        connections: requestConnections,
        tenants: Array.from({ length: tenants }, (_, index) => `tenant-${index}`),
        bodies: prepareBodies({
          ...requestShape,
          series: tenants * seriesPerTenant,
          seriesPerRequest: seriesPerTenant,
        }),
        until: { rounds: 1 },
        signal,
      }).run();
      if (result.samplesAccepted !== tenants * seriesPerTenant)
        console.error(`${maker}: not all tenants were created, ${JSON.stringify([...result.examples])}`);
      // With logs first: after the other one there are none.
      const killed = await startAfter('SIGKILL');
      const ended = await startAfter('SIGTERM');
      return [toRow(none, 0, 'never'), toRow(ended, tenants, 'SIGTERM'), toRow(killed, tenants, 'SIGKILL')];
    } finally {
      await fleet.stop();
    }
  });
}

type Start = Pick<IdleRow, 'readyMs' | 'foundMs' | 'cpuSeconds' | 'residentBytes'>;

async function start(maker: Maker, ingester: Member, signal: AbortSignal): Promise<Start> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(startMsMax)]);
  const startedMs = performance.now();
  const since = (): number => performance.now() - startedMs;
  ingester.start();
  await until(() => isReady(ingester.httpPort), { everyMs: 10, signal: limit });
  const readyMs = since();
  await until(() => areTenantsFound(maker, ingester), { everyMs: 50, signal: limit });
  const foundMs = since();
  await sleep(settleMs, undefined, { signal });
  const { cpuSeconds, residentBytes } = readProcessUsage(ingester.pid) as ProcessUsage;
  return { readyMs, foundMs, cpuSeconds, residentBytes };
}

/** Ours says so in its log when tenants are found and their logs replayed; Thanos is ready then, and not before. */
async function areTenantsFound(maker: Maker, ingester: Member): Promise<boolean> {
  if (maker === 'thanos') return isReady(ingester.httpPort);
  if (findLogLines(ingester.logFile, 'tenants are found').length === 0) return false;
  return sumOf(parseTextFormat(await ingester.metrics()), 'ingester_tenants', { state: 'replaying' }) === 0;
}

export function idleTable(rows: readonly IdleRow[], machine: string): string {
  return markdownTable(
    machine,
    [
      { words: 'of' },
      'tenants',
      { words: 'ended before by' },
      'ready, s',
      'all tenants there, s',
      'CPU s',
      'RSS',
      'more than without tenants',
    ],
    rows.map((row) => [
      row.maker,
      wholeNumber(row.tenants),
      row.ended === 'never' ? '-' : row.ended,
      (row.readyMs / 1000).toFixed(2),
      (row.foundMs / 1000).toFixed(2),
      row.cpuSeconds.toFixed(2),
      binaryBytes(row.residentBytes),
      row.tenants === 0 ? '-' : `${Math.round(row.extraBytes / 2 ** 20)} MiB`,
    ]),
  );
}
