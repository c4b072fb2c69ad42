import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationType,
  MeterProvider,
  MetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

/** Where the measurements go, and how. */
export interface OtlpDestination {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly format: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'none';
}

/** Given as JSON in the first argument. In each round the same work is done, and what is measured by then goes to all destinations. */
export interface OtelPlan {
  readonly rounds: number;
  readonly destinations: readonly OtlpDestination[];
}

/** Something that is measured with the SDK. */
class Shop {
  readonly #reader = new Collector();
  readonly #provider = new MeterProvider({
    readers: [this.#reader],
    resource: resourceFromAttributes({
      'service.namespace': 'team',
      'service.name': 'shop',
      'service.instance.id': 'one-1',
      'deployment.environment.name': 'test',
      'host.name': 'küche "1"\\',
      'process.pid': 17,
    }),
    views: [{ instrumentName: 'rpc.latency', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  readonly #instruments = instrumentsOf(this.#provider);
  #round = 0;

  work(): void {
    const round = (this.#round += 1);
    const { orders, sent, depth, temperature, hits, duration, latency, uptime } = this.#instruments;
    orders.add(2, { 'payment.method': 'card', retry: true });
    orders.add(1, { 'payment.method': 'cash', retry: false, tries: 3 });
    sent.add(1_500_000_000_000);
    depth.add(round % 2 === 0 ? -5 : 3, { 'queue-name': 'späte' });
    temperature.record(-2.5 + round, { room: 'attic' });
    hits.record(1 / (round + 2));
    uptime.value = round * 0.25;
    for (const seconds of [0.0625, 0.125, 0.5, 3 * round]) duration.record(seconds, { 'http.route': '/a/{id}' });
    for (let index = 0; index < 40; index++) latency.record(0.3 * 1.5 ** index * round);
    latency.record(0);
  }

  /** What has been measured by now. */
  async collect(): Promise<ResourceMetrics> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'Cannot collect');
    return resourceMetrics;
  }

  stop(): Promise<void> {
    return this.#provider.shutdown();
  }
}

async function run({ rounds, destinations }: OtelPlan): Promise<void> {
  const shop = new Shop();
  const exporters = destinations.map(exporterOf);
  for (let round = 0; round < rounds; round++) {
    shop.work();
    const metrics = await shop.collect();
    for (const exporter of exporters) await exportTo(exporter, metrics);
    await sleep(5); // Two rounds have times of their own.
  }
  await Promise.all([...exporters.map((exporter) => exporter.shutdown()), shop.stop()]);
}

function exporterOf({ url, headers = {}, format, compression }: OtlpDestination): PushMetricExporter {
  const Exporter = format === 'json' ? JsonExporter : ProtobufExporter;
  type Config = NonNullable<ConstructorParameters<typeof Exporter>[0]>;
  return new Exporter({
    url,
    headers: { ...headers },
    timeoutMillis: 5000,
    compression: compression as NonNullable<Config['compression']>,
  });
}

/** Resolves when the receiver has taken all of it. */
async function exportTo(exporter: PushMetricExporter, metrics: ResourceMetrics): Promise<void> {
  const { code, error } = await new Promise<{ code: number; error?: Error }>((resolve) =>
    exporter.export(metrics, resolve),
  );
  if (code !== 0) throw error ?? new Error('Cannot export: no reason given');
}

class Collector extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

function instrumentsOf(provider: MeterProvider) {
  const meter = provider.getMeter('shop', '1.2.3');
  const uptime = { value: 0 };
  meter
    .createObservableGauge('process.uptime', { unit: 's' })
    .addCallback((result) => result.observe(uptime.value, { list: ['a', 'b'] }));
  return {
    orders: meter.createCounter('orders.placed', { unit: '{order}', description: 'Orders, "placed".' }),
    sent: meter.createCounter('bytes.sent', { unit: 'By' }),
    depth: meter.createUpDownCounter('queue.depth'),
    temperature: meter.createGauge('room.temperature', { unit: 'Cel' }),
    hits: meter.createGauge('cache.hits', { unit: '1' }),
    duration: meter.createHistogram('http.server.request.duration', {
      unit: 's',
      advice: { explicitBucketBoundaries: [0.125, 1] },
    }),
    latency: meter.createHistogram('rpc.latency', { unit: 'ms' }),
    uptime,
  };
}

void run(JSON.parse(process.argv[2] ?? '') as OtelPlan).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
