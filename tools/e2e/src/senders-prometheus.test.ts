import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { textDifferences, textsOf } from './every-sample.js';
import { endToEnd, waitFor, type Lab } from './lab.js';
import { readExemplars, remoteRead } from './prometheus-read.js';
import { everyKind } from './senders/every-kind.js';
import { serveScrapes } from './senders/scrape-target.js';
import { sentCounts } from './senders/sent-counts.js';
import { replicaLabel, storedExemplars, storedSamples } from './senders/stored-series.js';
import { startIngester, startPrometheus, startRouter, targetsAtOnce } from './servers.js';

const rounds = 24;
const interval = '200ms';

/** Each has its tenant, and a target that counts for it alone. */
const senders = [
  {
    job: 'v1',
    message: 'prometheus.WriteRequest',
    // Of the time since when a counter counts a sender of 1.0 can make a sample, zero; one of 2.0 can send it.
    features: ['exemplar-storage', 'created-timestamp-zero-ingestion'],
    // No histograms with buckets of their own: 1.0 does not carry them.
    scrape: {},
    // 2.0 has them beside the samples.
    metadata: { send: true, send_interval: '1s' },
  },
  {
    job: 'v2',
    message: 'io.prometheus.write.v2.Request',
    features: ['exemplar-storage', 'metadata-wal-records', 'st-storage', 'xor2-encoding'],
    scrape: { convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true },
    metadata: { send: false },
  },
] as const;
type Sender = (typeof senders)[number];

endToEnd(
  'what a Prometheus holds is what every ingester holds, whether it is sent by remote write 1.0 or 2.0: floats, histograms, stale markers, exemplars',
  { needs: ['prometheus'], timeoutMs: 60_000 },
  async (lab) => {
    const target = await serveScrapes(everyKind);
    try {
      const ingesters = await Promise.all(
        ['one', 'two', 'three'].map((name) =>
          startIngester(lab, { name, replicaLabel, flags: ['--tsdb.max-exemplars=10000'] }),
        ),
      );
      const router = await startRouter(lab, { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 });
      await Promise.all(
        senders.map(async (sender) => {
          const prometheus = await startSender(lab, sender, { target: target.address, url: router.remoteWriteUrl });
          await waitFor(() => target.rounds(`/${sender.job}`) >= rounds, { timeoutMs: 30_000, what: 'scrapes' });
          prometheus.stopScrapes();
          const counts = await waitFor(
            async () => {
              const hasEnded = await prometheus.hasEnded();
              const found = await sentCounts(prometheus);
              const [queue] = found.queues;
              return (
                hasEnded &&
                queue?.sent === found.appended &&
                queue.exemplars === found.exemplarsAppended &&
                (queue.metadata > 0 || !sender.metadata.send) &&
                found
              );
            },
            { timeoutMs: 20_000, what: `${sender.job} to have sent all it has` },
          );
          expect(counts.queues).toMatchObject([{ failures: [], filtered: 0 }]);
          expect(complaints(lab, sender)).toEqual([]);

          const samples = textsOf(await remoteRead(prometheus, sender.job));
          const exemplars = await readExemplars(prometheus, sender.job);
          expect(samples).toHaveLength(counts.appended);
          expect(kindsMissing(samples, sender)).toEqual([]);
          expect(exemplars.length).toBeGreaterThanOrEqual(3 * rounds);
          for (const ingester of ingesters) {
            // A write is acknowledged by two of three; the last of them may be a moment late.
            const found = await waitFor(
              async () => {
                const stored = await storedSamples(ingester, sender.job);
                return stored.length >= samples.length && stored;
              },
              { timeoutMs: 10_000, what: `all samples of ${sender.job} on ${ingester.child.name}` },
            );
            expect(textDifferences(samples, found)).toEqual([]);
            expect(textDifferences(exemplars, await storedExemplars(ingester, sender.job))).toEqual([]);
          }
        }),
      );
    } finally {
      await target.close();
    }
  },
);

async function startSender(
  lab: Lab,
  { job, message, features, scrape, metadata }: Sender,
  { target, url }: { target: string; url: string },
) {
  const remote = {
    global: { scrape_interval: interval, scrape_timeout: interval, external_labels: {} },
    remote_write: [
      {
        url,
        protobuf_message: message,
        headers: { 'THANOS-TENANT': job },
        send_exemplars: true,
        send_native_histograms: true,
        queue_config: { batch_send_deadline: '250ms' },
        metadata_config: metadata,
      },
    ],
    storage: { exemplars: { max_exemplars: 10_000 } },
  };
  const configOf = (targets: readonly string[]): object => ({
    ...remote,
    scrape_configs: [
      {
        job_name: job,
        metrics_path: `/${job}`,
        scrape_protocols: ['PrometheusProto'],
        scrape_native_histograms: true,
        ...scrape,
        static_configs: [{ targets }],
      },
    ],
  });
  const server = await startPrometheus(lab, {
    name: job,
    dataDir: lab.folder(`${job}-data`),
    config: configOf([target]),
    flags: [targetsAtOnce, `--enable-feature=${features.join(',')}`],
  });
  return {
    ...server,
    /** Every series ends with a stale marker then. */
    stopScrapes: () => server.reload(configOf([])),
    /** Whether the last sample of `up` is such a marker. */
    hasEnded: async () => {
      const up = textsOf(await remoteRead(server, job)).filter((text) => text.startsWith('{__name__="up"'));
      return up.at(-1)?.endsWith(' stale') === true;
    },
  };
}

/** What the log says against the receiver. */
const complaints = (lab: Lab, { job }: Sender): string[] =>
  readFileSync(join(lab.dir, `${job}.log`), 'utf8')
    .split('\n')
    .filter((line) => /level=(WARN|ERROR)/i.test(line) && /component=remote/.test(line));

/** That all kinds were really there: a comparison of nothing with nothing would pass as well. */
function kindsMissing(samples: readonly string[], { job }: Sender): string[] {
  const kinds: Readonly<Record<string, RegExp>> = {
    'not a number': /celsius".* NaN\/7ff8/,
    'positive infinity': /celsius".* Infinity\//,
    'negative infinity': /celsius".* -Infinity\//,
    'smallest number': /celsius".* 5e-324\/1$/,
    zero: /celsius".* 0\/0$/,
    'a name in UTF-8': /"sent\.größe"/,
    'a stale float': /sent_passing", .* stale$/,
    'a stale histogram': /sent_passing_seconds".* stale integer histogram$/,
    'a histogram': /sent_native_seconds".* counter integer schema 3 /,
    'another schema': /sent_native_seconds".* counter integer schema 1 /,
    'a histogram of floats': /sent_float_seconds".* float schema 0 /,
    'a gauge histogram': /sent_gauge_seconds".* gauge integer /,
    ...(job === 'v1'
      ? { 'a zero at the creation of a counter': /sent_requests_total".* 0\/0$/ }
      : { 'buckets of its own': /sent_classic_seconds".* bounds 0\.1,1$/ }),
  };
  return Object.keys(kinds).filter((kind) => !samples.some((text) => kinds[kind]?.test(text)));
}
