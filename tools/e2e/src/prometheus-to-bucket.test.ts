import { sumOf } from '@gauntlet/stack-tool';
import { dumpBucket, gatherBlocks, listBucket } from './bucket-blocks.js';
import { endToEnd, waitFor } from './lab.js';
import { subject } from './peers.js';
import { countSamples, differences, promtoolDump, runPeer, type Dump } from './promtool.js';
import {
  bucketConfig,
  readMetrics,
  startIngester,
  startPrometheus,
  startRouter,
  startThanosQuery,
  startThanosStore,
  type Server,
} from './servers.js';

const names = ['one', 'two', 'three'];
const scrapeMs = 10_000;

endToEnd(
  'what a real Prometheus scrapes and writes lies in the blocks of the bucket, sample by sample, and Thanos reads it',
  { needs: ['prometheus', 'promtool', 'thanos'], timeoutMs: 100_000 },
  async (lab) => {
    const bucketDir = lab.folder('bucket');
    // Short, so that blocks are cut while data arrives and not only at the end. The real one divides by minutes and ends at once.
    const blockDuration = subject === 'thanos' ? '2h' : '5s';
    const ingesters = await Promise.all(names.map((name) => startIngester(lab, { name, bucketDir, blockDuration })));
    const router = await startRouter(lab, { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 });
    const dataDir = lab.folder('prometheus-data');
    const remote = {
      remote_write: [{ url: router.remoteWriteUrl, queue_config: { batch_send_deadline: '250ms' } }],
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
    };
    const targets = [{ targets: ['SELF', router.http, ...ingesters.map(({ http }) => http)] }];
    const prometheus = await startPrometheus(lab, {
      dataDir,
      config: { ...remote, scrape_configs: [{ job_name: 'all', static_configs: targets }] },
    });

    const scraped = Date.now() + scrapeMs;
    await waitFor(() => Date.now() > scraped, { timeoutMs: scrapeMs + 1000, what: 'some scrapes' });
    // Without targets the series end with stale markers; then everything written down has to have been sent.
    prometheus.reload({ ...remote, scrape_configs: [{ job_name: 'all', static_configs: [] }] });
    await waitFor(async () => sumOf(await readMetrics(prometheus), 'prometheus_target_scrape_pool_targets') === 0, {
      timeoutMs: 20_000,
      what: 'the scrapes to end',
    });
    const scrapes = await appendedAndSent(prometheus);
    let last = { ...scrapes, sinceMs: Date.now() };
    await waitFor(
      async () => {
        const now = await appendedAndSent(prometheus);
        if (now.appended !== last.appended) last = { ...now, sinceMs: Date.now() };
        // The markers of the last target come up to an interval after those of the first.
        return now.appended > scrapes.appended && now.sent === now.appended && Date.now() - last.sinceMs > 1500;
      },
      { timeoutMs: 20_000, what: 'Prometheus to have sent all it has' },
    );
    await prometheus.child.stop();
    await router.child.stop();
    for (const ending of await Promise.all(ingesters.map(({ child }) => child.stop())))
      expect(ending).toEqual({ code: 0, signal: null });

    const expected = await promtoolDump(dataDir);
    expect(countSamples(expected)).toBeGreaterThan(5000);
    for (const name of names) {
      const actual = await dumpBucket(
        bucketDir,
        { replica: name, tenant_id: 'default-tenant' },
        lab.folder(`from-${name}`),
      );
      expect(
        differences(
          subject === 'thanos' ? withoutNewest(expected) : expected,
          subject === 'thanos' ? withoutNewest(actual, expected) : actual,
        ),
      ).toEqual([]);
    }
    await everyBlockIsSound(bucketDir);
    await thanosReturns(expected);

    async function everyBlockIsSound(bucket: string): Promise<void> {
      const blocks = listBucket(bucket);
      expect(blocks.length).toBeGreaterThanOrEqual(names.length);
      const all = lab.folder('all-blocks');
      gatherBlocks(bucket, {}, all);
      for (const { id } of blocks) expect(await runPeer('promtool', ['tsdb', 'analyze', all, id])).toContain(id);
      await runPeer('thanos', ['tools', 'bucket', 'verify', `--objstore.config=${bucketConfig(bucket)}`]);
    }

    async function thanosReturns(dump: Dump): Promise<void> {
      const store = await startThanosStore(lab, { bucketDir });
      const query = await startThanosQuery(lab, { stores: [store.grpc] });
      const wanted = [...dump].filter(([series]) => series.startsWith('{__name__="up"'));
      expect(wanted).toHaveLength(5);
      const result = await waitFor(() => rangeOf(query.http, 'up'), {
        timeoutMs: 20_000,
        what: 'Thanos Query to return the samples',
      });
      expect(result).toHaveLength(wanted.length * names.length);
      for (const [series, samples] of wanted) {
        const instance = /instance="([^"]*)"/.exec(series)?.[1];
        const readable = samples
          .filter(([, value]) => value !== 'NaN')
          .map(([timestampMs, value]) => [timestampMs / 1000, value]);
        for (const one of result.filter(({ metric }) => metric['instance'] === instance))
          expect(one.values).toEqual(readable);
      }
    }
  },
);

async function appendedAndSent(prometheus: Server): Promise<{ appended: number; sent: number }> {
  const metrics = await readMetrics(prometheus);
  return {
    appended: sumOf(metrics, 'prometheus_tsdb_head_samples_appended_total') ?? 0,
    sent: sumOf(metrics, 'prometheus_remote_storage_samples_total') ?? 0,
  };
}

interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}
async function rangeOf(http: string, selector: string): Promise<RangeSeries[] | undefined> {
  const response = await fetch(
    `http://${http}/api/v1/query?${new URLSearchParams({ query: `${selector}[10m]`, dedup: 'false', partial_response: 'false' }).toString()}`,
  );
  const { data } = (await response.json()) as { data?: { result: RangeSeries[] } };
  return data && data.result.length > 0 ? data.result : undefined;
}

/** The real one leaves the newest sample of its head out of the last block. */
function withoutNewest(dump: Dump, reference = dump): Dump {
  const newest = Math.max(...[...reference.values()].map((samples) => samples.at(-1)?.[0] ?? 0));
  return new Map(
    [...dump]
      .map(([series, samples]) => [series, samples.filter(([timestampMs]) => timestampMs < newest)] as const)
      .filter(([, samples]) => samples.length > 0),
  );
}
