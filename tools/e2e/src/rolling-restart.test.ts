import { NumberedTraffic } from './chaos/numbered-traffic.js';
import { readStored } from './chaos/stored-samples.js';
import { broken, failuresOf, summaryOf } from './chaos/write-invariants.js';
import { sumOf } from '@gauntlet/stack-tool';
import { endToEnd, waitFor } from './lab.js';
import { readMetrics, startIngester, startRouter, type Ingester, type Router } from './servers.js';

const isLong = process.env['GAUNTLET_LONG'] === '1';
const rounds = isLong ? 10 : 1;
/** After it was found unavailable, a router leaves a peer alone for at most so long: 5 s unless told otherwise. */
const backoff = isLong ? '5s' : '1s';
const shareMsMax = 10_000;

endToEnd(
  'three ingesters and two routers restarted one after the other under load: no write fails, nothing is lost, nothing is there twice',
  { needs: [], timeoutMs: 60_000 + rounds * 60_000 },
  async (lab) => {
    const ingesters: Ingester[] = await Promise.all(
      ['one', 'two', 'three'].map((name) => startIngester(lab, { name })),
    );
    const routers: Router[] = await Promise.all(
      ['front', 'side'].map((name) =>
        startRouter(lab, {
          name,
          ingesters: ingesters.map(({ grpc }) => grpc),
          replicationFactor: 3,
          flags: [`--receive-forward-max-backoff=${backoff}`],
        }),
      ),
    );
    const awayMs: number[] = [];
    const traffic = new NumberedTraffic({
      urls: routers.map(({ remoteWriteUrl }) => remoteWriteUrl),
      senders: 4,
      seriesPerSender: 25,
      batchesPerSecond: 20,
      retries: 'never',
      seed: 1,
    });
    try {
      const underLoad = async (batches: number): Promise<void> => {
        const before = traffic.records.length;
        await waitFor(() => traffic.records.length >= before + batches, {
          timeoutMs: 20_000,
          what: `${batches} more batches`,
        });
      };
      const takesItsShare = async (ingester: Ingester): Promise<boolean> => {
        const [samples, records] = [await samplesOf(ingester), traffic.records.length];
        await underLoad(20);
        const expected = (traffic.records.length - records) * traffic.seriesPerSender;
        return (await samplesOf(ingester)) - samples > 0.8 * expected;
      };
      await underLoad(40);
      for (let round = 0; round < rounds; round++) {
        for (let at = 0; at < ingesters.length; at++) {
          const { child, restart } = ingesters[at] as Ingester;
          expect(await child.stop()).toEqual({ code: 0, signal: null });
          await underLoad(20);
          const again = (ingesters[at] = await restart());
          // The next one is not stopped before this one takes its share again: as long as routers leave it alone, two would be away.
          const readyMs = Date.now();
          await waitFor(() => takesItsShare(again), {
            timeoutMs: shareMsMax,
            what: `${again.child.name} to be written to`,
          });
          awayMs.push(Date.now() - readyMs);
        }
        expect(failuresOf(traffic)).toEqual([]);
        for (let at = 0; at < routers.length; at++) {
          const { child, restart } = routers[at] as Router;
          expect(await child.stop()).toEqual({ code: 0, signal: null });
          await underLoad(20);
          routers[at] = await restart();
          await underLoad(40);
        }
      }
    } finally {
      await traffic.stop();
    }
    const summary = summaryOf(traffic);
    process.stderr.write(`Rolling restart: ${JSON.stringify({ ...summary, awayMs })}\n`);
    expect(failuresOf(traffic)).toEqual([]);
    expect(summary).toMatchObject({ failures: {}, refused: 0, givenUp: 0 });
    expect(traffic.refusedConnections).toBeGreaterThan(0);
    expect(broken(traffic, await Promise.all(ingesters.map(readStored)), 2)).toEqual([]);
  },
);

const samplesOf = async (ingester: Ingester): Promise<number> =>
  sumOf(await readMetrics(ingester), 'prometheus_tsdb_head_samples_appended_total') ?? 0;
