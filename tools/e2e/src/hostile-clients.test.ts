import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '@gauntlet/base';
import { HostileClients, mixedConnections, type HostileKind } from './chaos/hostile.js';
import { NumberedTraffic } from './chaos/numbered-traffic.js';
import { readStored } from './chaos/stored-samples.js';
import { broken, failuresOf, summaryOf } from './chaos/write-invariants.js';
import { endToEnd, waitFor } from './lab.js';
import { startIngester, startRouter, type Server } from './servers.js';

const isLong = process.env['GAUNTLET_LONG'] === '1';

/**
 * What a router may hold, whatever its clients do: 256 MiB of bodies in flight in buffers that are up to twice as large, 64 MiB of
 * buffers for later, and as much again as it has at rest with the kernel's memory.
 */
const residentBytesMax = (2 * 256 + 64 + 192) * MiB;

interface Attack {
  readonly says: string;
  readonly connections: Readonly<Partial<Record<HostileKind, number>>>;
  readonly lastsMs: number;
  /** Who has to be refused by then; others may be waited for as long as a request may take. */
  readonly refused: readonly HostileKind[];
}

const attacks: readonly Attack[] = [
  {
    says: 'a thousand hostile connections of every kind',
    connections: mixedConnections(1000),
    lastsMs: isLong ? 120_000 : 6_000,
    refused: [
      ...(['hugeLength', 'declaredBomb', 'trueBomb', 'lyingBomb', 'garbage', 'garbageBody'] as const),
      ...(isLong ? (['endless', 'slowHeaders', 'slowBody'] as const) : []),
    ],
  },
  {
    // As many requests as may be in flight, and then some.
    says: 'eleven hundred bodies that never end',
    connections: { slowBody: 1100 },
    lastsMs: isLong ? 120_000 : 3_000,
    refused: isLong ? ['slowBody'] : [],
  },
];

for (const { says, connections, lastsMs, refused } of attacks) {
  endToEnd(
    `${says} get nothing but refusals, and cost an honest client little and the router no more memory than it may hold`,
    { needs: [], timeoutMs: 90_000 + lastsMs },
    async (lab) => {
      const ingester = await startIngester(lab, { name: 'one' });
      const router = await startRouter(lab, { ingesters: [ingester.grpc] });
      const honest = new NumberedTraffic({
        urls: [router.remoteWriteUrl],
        senders: 2,
        seriesPerSender: 50,
        batchesPerSecond: 10,
        retries: 'as-prometheus',
        seed: 3,
      });
      const hostile = new HostileClients({ url: router.remoteWriteUrl, connections, seed: 4 });
      const total = Object.values(connections).reduce((sum, count) => sum + count, 0);
      let peakBytes = 0;
      const loop = monitorEventLoopDelay();
      loop.enable();
      const [cpuFromMs, fromMs] = [cpuMs(router), Date.now()];
      const watch = setInterval(() => (peakBytes = Math.max(peakBytes, residentBytes(router))), 100);
      try {
        await waitFor(() => hostile.openMax > 0.95 * total, { timeoutMs: 20_000, what: 'the connections' });
        await sleep(lastsMs);
        // However busy the machine is: all that can be refused is, in the end.
        const areRefused = (): boolean => refused.every((kind) => hostile.kinds.includes(kind));
        await waitFor(areRefused, { timeoutMs: 30_000, what: 'an answer to each kind' });
        await honest.stop();
      } finally {
        clearInterval(watch);
        await hostile.leave();
        await honest.stop();
      }
      const summary = summaryOf(honest);
      const figures = {
        // Of this process, in which the clients are: what it adds to the latencies of the honest one.
        loopP99Ms: Math.round(loop.percentile(99) / 1e6),
        routerCpu: Math.round(((cpuMs(router) - cpuFromMs) / (Date.now() - fromMs)) * 100) / 100,
        peakMiB: Math.round(peakBytes / MiB),
        openMax: hostile.openMax,
        honest: summary,
      };
      process.stderr.write(`Hostile clients: ${JSON.stringify(figures)}; ${hostile.describe()}\n`);
      for (const kind of hostile.kinds) {
        // A series with 10,000 labels is a bad idea and no error.
        const isRefusal = (status: number): boolean =>
          status === 503 || (status >= 400 && status < 500) || (kind === 'manyLabels' && status < 300);
        expect([kind, hostile.statusesOf(kind).filter((status) => !isRefusal(status))]).toEqual([kind, []]);
      }
      expect(hostile.kinds).toEqual(expect.arrayContaining([...refused]));
      expect(peakBytes).toBeLessThan(residentBytesMax);
      // The machine is as busy as the router: what counts is that nobody has to wait for the hostile ones to be through.
      expect(failuresOf(honest).slice(Math.ceil(summary.batches / 20))).toEqual([]);
      expect(summary).toMatchObject({ refused: 0 });
      // Each batch waits for the one before: served at all, all the time.
      expect(summary.batches).toBeGreaterThan(lastsMs / 5000);
      expect(summary.p50Ms).toBeLessThan(isLong ? 1000 : 4000);
      expect(summary.p99Ms).toBeLessThan(isLong ? 5000 : 10_000);
      expect(router.child.ending).toBeUndefined();
      expect(broken(honest, [await readStored(ingester)], 1)).toEqual([]);
    },
  );
}

function residentBytes({ child }: Server): number {
  const [, pages] = readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}

/** Time of processors that it has used. */
function cpuMs({ child }: Server): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
