import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '@gauntlet/base';
import { HostileClients, mixedConnections } from './chaos/hostile.js';
import { NumberedTraffic } from './chaos/numbered-traffic.js';
import { readStored } from './chaos/stored-samples.js';
import { broken, failuresOf, summaryOf } from './chaos/write-invariants.js';
import { endToEnd, waitFor } from './lab.js';
import { startIngester, startRouter, type Server } from './servers.js';

const isLong = process.env['GAUNTLET_LONG'] === '1';
const connections = 1000;
const attackMs = isLong ? 120_000 : 8_000;

/**
 * What a router may hold, whatever its clients do: 256 MiB of bodies in flight in buffers that are up to twice as large, 64 MiB of
 * buffers for later, and as much again as it has at rest with the kernel's memory.
 */
const residentBytesMax = (2 * 256 + 64 + 192) * MiB;

/** The others may be waited for, for as long as a request may take. */
const answeredKinds = ['hugeLength', ...(isLong ? ['endless', 'slowBody', 'slowHeaders'] : []), 'declaredBomb', 'trueBomb', 'lyingBomb', 'garbage', 'garbageBody'];

endToEnd(
  'a thousand hostile connections get nothing but refusals, and cost an honest client little and the router no more memory than it may hold',
  { needs: [], timeoutMs: 90_000 + attackMs },
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
    const hostile = new HostileClients({
      url: router.remoteWriteUrl,
      connections: mixedConnections(connections),
      seed: 4,
    });
    let peakBytes = 0;
    const loop = monitorEventLoopDelay();
    loop.enable();
    const cpuFromMs = cpuMs(router);
    const fromMs = Date.now();
    const watch = setInterval(() => (peakBytes = Math.max(peakBytes, residentBytes(router))), 100);
    try {
      await waitFor(() => hostile.openMax > 0.9 * connections, { timeoutMs: 20_000, what: 'the connections' });
      await sleep(attackMs);
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
      peakMiB: Math.round(peakBytes / MiB), openMax: hostile.openMax, honest: summary };
    process.stderr.write(`Hostile clients: ${JSON.stringify(figures)}; ${hostile.describe()}\n`);
    for (const kind of hostile.kinds) {
      // A series with 10,000 labels is a bad idea and no error.
      const isRefusal = (status: number): boolean =>
        status === 503 || (status >= 400 && status < 500) || (kind === 'manyLabels' && status < 300);
      expect([kind, hostile.statusesOf(kind).filter((status) => !isRefusal(status))]).toEqual([kind, []]);
    }
    expect(hostile.kinds).toEqual(expect.arrayContaining(answeredKinds));
    expect(peakBytes).toBeLessThan(residentBytesMax);
    expect(failuresOf(honest)).toEqual([]);
    expect(summary.batches).toBeGreaterThan(attackMs / 1000);
    expect(summary.p99Ms).toBeLessThan(2000);
    expect(router.child.ending).toBeUndefined();
    expect(broken(honest, [await readStored(ingester)], 1)).toEqual([]);
  },
);

function residentBytes({ child }: Server): number {
  const [, pages] = readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}

/** Time of processors that it has used. */
function cpuMs({ child }: Server): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
