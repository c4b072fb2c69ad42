import { setTimeout as sleep } from 'node:timers/promises';
import { sumOf } from '@gauntlet/stack-tool';
import { faultSchedule } from './chaos/fault-schedule.js';
import { NumberedTraffic, type TrafficPlan } from './chaos/numbered-traffic.js';
import { ChaosProxy } from './chaos/proxy.js';
import { readStored } from './chaos/stored-samples.js';
import { broken, failuresOf, summaryOf } from './chaos/write-invariants.js';
import { randomOf } from './crash/random.js';
import { endToEnd, waitFor, type Lab } from './lab.js';
import { readMetrics, startIngester, startRouter, type Ingester, type Router } from './servers.js';

const isLong = process.env['GAUNTLET_LONG'] === '1';
const seed = Number(process.env['GAUNTLET_SEED'] ?? (isLong ? Math.floor(Date.now() / 1000) : 1));
/** One after the other is the victim, for so long. */
const victims = isLong ? 9 : 1;
const victimMs = isLong ? 60_000 : 3_000;
const spellMsMax = isLong ? 8_000 : 800;
/** Both at once, for so long. */
const pairMs = isLong ? 300_000 : 3_000;
const seriesPerSender = 25;

interface Fleet {
  readonly ingesters: readonly Ingester[];
  readonly proxies: readonly ChaosProxy[];
  readonly router: Router;
  send(plan: Pick<TrafficPlan, 'retries'>): NumberedTraffic;
}

/** Three ingesters, each behind a proxy of its own, and a router that knows only these. */
async function behindProxies(lab: Lab, run: (fleet: Fleet) => Promise<void>): Promise<void> {
  const ingesters = await Promise.all(['one', 'two', 'three'].map((name) => startIngester(lab, { name })));
  const proxies = await Promise.all(
    ingesters.map(({ grpc }, index) => ChaosProxy.start({ target: grpc, seed: seed + index })),
  );
  const router = await startRouter(lab, { ingesters: proxies.map(({ address }) => address), replicationFactor: 3 });
  let traffic: NumberedTraffic | undefined;
  const send: Fleet['send'] = ({ retries }) =>
    (traffic = new NumberedTraffic({
      urls: [router.remoteWriteUrl],
      senders: 4,
      seriesPerSender,
      batchesPerSecond: 20,
      retries,
      seed,
    }));
  try {
    await run({ ingesters, proxies, router, send });
  } catch (error) {
    throw new Error(`GAUNTLET_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.heal()));
    await traffic?.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
  }
}

async function play(proxy: ChaosProxy, random: ReturnType<typeof randomOf>, totalMs: number): Promise<void> {
  for (const { fault, lastsMs } of faultSchedule(random, { totalMs, spellMsMax })) {
    await proxy.set(fault);
    await sleep(lastsMs);
  }
  await proxy.heal();
}

async function batches(traffic: NumberedTraffic, count: number): Promise<void> {
  const wanted = traffic.records.length + count;
  await waitFor(() => traffic.records.length >= wanted, { timeoutMs: 60_000, what: `${count} more batches` });
}

/** Until this one gets what is written again; as long as the router leaves it alone, another victim would be the second. */
function untilWrittenTo(ingester: Ingester, traffic: NumberedTraffic): Promise<unknown> {
  const samples = async (): Promise<number> =>
    sumOf(await readMetrics(ingester), 'prometheus_tsdb_head_samples_appended_total') ?? 0;
  return waitFor(
    async () => {
      const [samplesBefore, recordsBefore] = [await samples(), traffic.records.length];
      await batches(traffic, 20);
      return (await samples()) - samplesBefore > 0.8 * (traffic.records.length - recordsBefore) * seriesPerSender;
    },
    { timeoutMs: 20_000, what: `${ingester.child.name} to be written to` },
  );
}

/** Everything that is on its way to the third ingester has either arrived or been given up. */
const isQuiet = async (ingesters: readonly Ingester[]): Promise<void> => {
  for (let before = '', now = ''; ; before = now) {
    const counts = ingesters.map(async (one) =>
      sumOf(await readMetrics(one), 'prometheus_tsdb_head_samples_appended_total'),
    );
    now = JSON.stringify(await Promise.all(counts));
    if (now === before) return;
    await sleep(200);
  }
};

endToEnd(
  'whatever happens on the way to one of three ingesters, no write fails and nothing is lost, invented or there twice',
  { needs: [], timeoutMs: 60_000 + victims * (victimMs + 20_000) },
  (lab) =>
    behindProxies(lab, async ({ ingesters, proxies, send }) => {
      const traffic = send({ retries: 'never' });
      const random = randomOf(seed);
      await batches(traffic, 40);
      for (let turn = 0; turn < victims; turn++) {
        const at = (random.whole(0, 3) + turn) % 3;
        await play(proxies[at] as ChaosProxy, random, victimMs);
        await untilWrittenTo(ingesters[at] as Ingester, traffic);
        expect(failuresOf(traffic)).toEqual([]);
      }
      await traffic.stop();
      const summary = summaryOf(traffic);
      process.stderr.write(`Chaos on the way to one, seed ${seed}: ${JSON.stringify(summary)}\n`);
      expect(failuresOf(traffic)).toEqual([]);
      expect(summary.slowestMs).toBeLessThan(5000);
      await isQuiet(ingesters);
      expect(broken(traffic, await Promise.all(ingesters.map(readStored)), 2)).toEqual([]);
    }),
);

endToEnd(
  'whatever happens on the way to two of three, writes fail with 503 at worst, succeed again afterwards, and what succeeded is on two',
  { needs: [], timeoutMs: 90_000 + pairMs },
  (lab) =>
    behindProxies(lab, async ({ ingesters, proxies, send }) => {
      const traffic = send({ retries: 'as-prometheus' });
      const first = randomOf(seed).whole(0, 3);
      await batches(traffic, 40);
      await Promise.all(
        [first, (first + 1) % 3].map((at) => play(proxies[at] as ChaosProxy, randomOf(seed + at), pairMs)),
      );
      // As many as there are senders may still wait for another try.
      await batches(traffic, 40);
      await traffic.stop();
      const summary = summaryOf(traffic);
      process.stderr.write(`Chaos on the way to two, seed ${seed}: ${JSON.stringify(summary)}\n`);
      expect(Object.keys(summary.failures).filter((result) => result !== '503')).toEqual([]);
      expect(summary.refused).toBe(0);
      expect(summary.stored).toBeGreaterThan(80);
      await isQuiet(ingesters);
      expect(broken(traffic, await Promise.all(ingesters.map(readStored)), 2)).toEqual([]);
    }),
);
