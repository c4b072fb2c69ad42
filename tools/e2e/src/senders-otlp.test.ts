import { join } from 'node:path';
import { bundleApp } from '@gauntlet/base/testing';
import { textDifferences, textsOf } from './every-sample.js';
import { endToEnd, waitFor } from './lab.js';
import { remoteRead } from './prometheus-read.js';
import type { OtelPlan, OtlpDestination } from './senders/otel-process.js';
import { replicaLabel, storedSamples } from './senders/stored-series.js';
import { startIngester, startPrometheus, startRouter } from './servers.js';

const variants = (['protobuf', 'json'] as const).flatMap((format) =>
  (['gzip', 'none'] as const).map((compression) => ({ format, compression, tenant: `${format}-${compression}` })),
);
const rounds = 3;
const promoted = 'deployment.environment.name';

/** All series of the process, and what each has in the last round. */
const lastRound: Readonly<Record<string, string>> = {
  'bytes_sent_total{}': '4500000000000',
  'cache_hits_ratio{}': '0.2',
  'http_server_request_duration_seconds_bucket{http_route="/a/{id}", le="+Inf"}': '12',
  'http_server_request_duration_seconds_bucket{http_route="/a/{id}", le="0.125"}': '6',
  'http_server_request_duration_seconds_bucket{http_route="/a/{id}", le="1"}': '9',
  'http_server_request_duration_seconds_count{http_route="/a/{id}"}': '12',
  'http_server_request_duration_seconds_sum{http_route="/a/{id}"}': '20.0625',
  'orders_placed_total{payment_method="card", retry="true"}': '6',
  'orders_placed_total{payment_method="cash", retry="false", tries="3"}': '3',
  'process_uptime_seconds{list="["a","b"]"}': '0.75',
  'queue_depth{queue_name="späte"}': '1',
  'room_temperature_celsius{room="attic"}': '0.5',
  'rpc_latency_milliseconds{}': 'counter integer schema 2 count 123',
  'target_info{host_name="küche "1"\\", process_pid="17"}': '1',
};

endToEnd(
  'what the SDK of OpenTelemetry exports is what is stored, in protobuf and JSON, and what a Prometheus makes of it',
  { needs: ['prometheus'], timeoutMs: 60_000 },
  async (lab) => {
    const ingesters = await Promise.all(
      ['one', 'two', 'three'].map((name) => startIngester(lab, { name, replicaLabel })),
    );
    const [router, prometheus] = await Promise.all([
      startRouter(lab, {
        ingesters: ingesters.map(({ grpc }) => grpc),
        replicationFactor: 3,
        flags: [`--receive.otlp-promote-resource-attributes=${promoted}`],
      }),
      startPrometheus(lab, {
        dataDir: lab.folder('prometheus-data'),
        config: {
          otlp: { translation_strategy: 'UnderscoreEscapingWithSuffixes', promote_resource_attributes: [promoted] },
        },
        flags: ['--web.enable-otlp-receiver'],
      }),
    ]);
    const url = router.remoteWriteUrl.replace('receive', 'otlp');
    exportAll([
      { format: 'protobuf', compression: 'none', url: `http://${prometheus.http}/api/v1/otlp/v1/metrics` },
      ...variants.map(({ tenant, ...how }) => ({ ...how, url, headers: { 'THANOS-TENANT': tenant } })),
    ]);

    const expected = textsOf(await remoteRead(prometheus, 'team/shop'));
    for (const ingester of ingesters)
      for (const { tenant } of variants) {
        const found = await waitFor(
          async () => {
            const stored = await storedSamples(ingester, tenant);
            return stored.length >= expected.length && stored;
          },
          { timeoutMs: 10_000, what: `all samples of ${tenant} on ${ingester.child.name}` },
        );
        expect([tenant, textDifferences(expected, found)]).toEqual([tenant, []]);
      }
    expect(lastValues(expected)).toEqual(lastRound);
  },
);

/** Runs the process that is measured, bundled: the SDK loads parts of itself in a way that Jest does not know. */
function exportAll(destinations: readonly OtlpDestination[]): void {
  const app = bundleApp(join(__dirname, 'senders/otel-process.ts'));
  try {
    const { status, stderr } = app.run(JSON.stringify({ rounds, destinations } satisfies OtelPlan));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  } finally {
    app.remove();
  }
}

/** By series, without the labels that all have, the newest value. */
function lastValues(samples: readonly string[]): Record<string, string> {
  const common = /(, |(?<=\{))(deployment_environment_name="test"|instance="one-1"|job="team\/shop")/g;
  const values = samples.map((text) => {
    const [, name = '', labels = '', value = ''] =
      /^\{__name__="(\w+)",? ?(.*)\} \d+ (\S+(?: integer schema \S+ count \d+)?)/.exec(text) ?? [];
    const own = `{${labels}`.replace(common, '').replace('{, ', '{');
    return [`${name}${own}}`, value.replace(/\/.*/, '')] as const;
  });
  // Sorted, the newest comes last.
  return Object.fromEntries(values);
}
