import { NumberedTraffic } from './chaos/numbered-traffic.js';
import { readStored } from './chaos/stored-samples.js';
import { broken, failuresOf, summaryOf } from './chaos/write-invariants.js';
import { endToEnd, waitFor } from './lab.js';
import { startIngester, startRouter } from './servers.js';

const isLong = process.env['GAUNTLET_LONG'] === '1';
/** How long it hangs: longer than the routers wait for an answer, in any case. */
const hangMs = isLong ? 60_000 : 5_500;
const forwardTimeoutMs = 5_000;

endToEnd(
  'an ingester that hangs costs nothing but its replica: no write fails or takes as long as the forward timeout, and awake again it takes its share',
  { needs: [], timeoutMs: 60_000 + 2 * hangMs },
  async (lab) => {
    const ingesters = await Promise.all(['one', 'two', 'three'].map((name) => startIngester(lab, { name })));
    const router = await startRouter(lab, { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 });
    const traffic = new NumberedTraffic({
      urls: [router.remoteWriteUrl],
      senders: 4,
      seriesPerSender: 50,
      batchesPerSecond: 25,
      retries: 'never',
      seed: 2,
    });
    const batches = (count: number): Promise<unknown> => {
      const wanted = traffic.records.length + count;
      return waitFor(() => traffic.records.length >= wanted, { timeoutMs: 30_000, what: `${count} more batches` });
    };
    let hungFromMs = 0;
    let hungToMs = 0;
    const hanging = ingesters[0];
    try {
      await batches(50);
      hungFromMs = Date.now();
      hanging?.child.signal('SIGSTOP');
      await waitFor(() => Date.now() >= hungFromMs + hangMs, { timeoutMs: hangMs + 5000, what: 'the hang to last' });
      hanging?.child.signal('SIGCONT');
      hungToMs = Date.now();
      await batches(50);
      // What is written from here on is on all three.
      await waitFor(
        async () => {
          const fromMs = Date.now();
          await batches(20);
          const { records } = traffic;
          const recent = records.filter(({ attempts: [first] }) => (first?.startMs ?? 0) >= fromMs).slice(0, 10);
          const copies = await Promise.all(ingesters.map(readStored));
          return broken({ records: recent, seriesPerSender: traffic.seriesPerSender }, copies, 3).every(
            (flaw) => !flaw.startsWith('lost'),
          );
        },
        { timeoutMs: 20_000, what: 'all three to hold what is written' },
      );
    } finally {
      hanging?.child.signal('SIGCONT');
      await traffic.stop();
    }
    const whileHung = { ...traffic, records: traffic.between(hungFromMs, hungToMs), seriesPerSender: 50 };
    const summary = summaryOf(whileHung);
    process.stderr.write(`Hanging ingester: ${JSON.stringify(summary)}\n`);
    expect(failuresOf(traffic)).toEqual([]);
    expect(summary.batches).toBeGreaterThan((hangMs / 1000) * 10);
    expect(summary.p99Ms).toBeLessThan(forwardTimeoutMs / 5);
    expect(summary.slowestMs).toBeLessThan(forwardTimeoutMs);
    expect(broken(traffic, await Promise.all(ingesters.map(readStored)), 2)).toEqual([]);
  },
);
