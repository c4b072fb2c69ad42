import { collectGauge, createCounter, createGauge, createHistogram, type MetricRegistry } from '@gauntlet/telemetry';
import type { RouterObserver } from './observer.js';

const seconds = [
  0.001, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.25, 0.5, 0.75, 1, 2, 3, 4, 5,
];
const bytes = Array.from({ length: 10 }, (_, power) => 64 * 2 ** power);
const amounts = [10, 50, 100, 500, 1000, 5000, 10_000];
const delays = Array.from({ length: 16 }, (_, power) => 0.001 * 2 ** power);

/** Tenants come from clients: beyond these many their numbers share one series. */
const tenantCellsMax = 2000;

/** Metrics of a router under the names that dashboards know (spec/receive.md 9). */
export function routerMetrics(
  registry: MetricRegistry,
  { replicationFactor }: { replicationFactor: number },
): RouterObserver {
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    createCounter(registry, { name, help, labelNames });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    createGauge(registry, { name, help, labelNames });
  const httpLabels = ['code', 'handler', 'method', 'tenant'];
  const ofRequest = (name: string, help: string, buckets: readonly number[]) =>
    createHistogram(registry, { name, help, labelNames: httpLabels, buckets, cellsMax: tenantCellsMax });
  const ofWrite = (name: string, help: string) =>
    createHistogram(registry, {
      name,
      help,
      labelNames: ['code', 'tenant'],
      buckets: amounts,
      cellsMax: tenantCellsMax,
    });

  const forwards = counter('thanos_receive_forward_requests_total', 'Calls to peers that ended.', ['result']);
  const replications = counter('thanos_receive_replications_total', 'Copies written by peers.', ['result']);
  for (const result of ['success', 'error']) {
    forwards.cell(result);
    replications.cell(result);
  }
  const forwardDelay = createHistogram(registry, {
    name: 'thanos_receive_forward_delay_seconds',
    help: 'Time that a call waited for a worker of its peer.',
    labelNames: ['worker'],
    buckets: delays,
  });
  const writeSeries = ofWrite('thanos_receive_write_timeseries', 'Series of a write.');
  const writeSamples = ofWrite('thanos_receive_write_samples', 'Float samples of a write.');
  const requests = createCounter(registry, {
    name: 'http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: httpLabels,
    cellsMax: tenantCellsMax,
  });
  const requestSeconds = ofRequest('http_request_duration_seconds', 'Time to the answer of an HTTP request.', seconds);
  const requestBytes = ofRequest('http_request_size_bytes', 'Bytes of an HTTP request.', bytes);
  const responseBytes = ofRequest('http_response_size_bytes', 'Bytes of an HTTP answer.', bytes);
  const inflight = createGauge(registry, {
    name: 'http_inflight_requests',
    help: 'HTTP requests in work.',
    labelNames: ['handler', 'method', 'tenant'],
    cellsMax: tenantCellsMax,
  });
  const pending = gauge('thanos_receive_pending_write_requests', 'gRPC writes in work.').cell();
  collectGauge(registry, {
    name: 'thanos_receive_replication_factor',
    help: 'Copies of each series.',
    read: () => Math.max(1, replicationFactor),
  });

  const fileReads = counter(
    'thanos_receive_hashrings_file_refreshes_total',
    'Attempts to read the hashring file.',
  ).cell();
  const fileErrors = counter(
    'thanos_receive_hashrings_file_errors_total',
    'Reads of the hashring file that failed.',
  ).cell();
  const fileChanges = counter(
    'thanos_receive_hashrings_file_changes_total',
    'Changes of the hashring file that were applied.',
  ).cell();
  const configHash = gauge('thanos_receive_config_hash', 'Hash of the hashring file in use.').cell();
  const reloadSuccessful = gauge(
    'thanos_receive_config_last_reload_successful',
    'Whether the last read of the hashring file succeeded.',
  ).cell();
  const reloadTime = gauge(
    'thanos_receive_config_last_reload_success_timestamp_seconds',
    'When the hashring file was last read with success.',
  ).cell();
  const nodes = gauge('thanos_receive_hashring_nodes', 'Endpoints of a hashring.', ['name']);
  const tenants = gauge('thanos_receive_hashring_tenants', 'Tenants that a hashring lists.', ['name']);
  let ringNames = new Set<string>();

  return {
    forwarded: (result) => void (forwards.cell(result).value += 1),
    replicated: (result) => void (replications.cell(result).value += 1),
    forwardDelayed: (peer, delay) => forwardDelay.cell(peer).observe(delay),
    written({ tenant, status, series, samples }) {
      writeSeries.cell(String(status), tenant).observe(series);
      writeSamples.cell(String(status), tenant).observe(samples);
    },
    requestStarted: ({ handler, method, tenant }) => void (inflight.cell(handler, method, tenant).value += 1),
    requestFinished({ handler, method, tenant, status, ...measured }) {
      inflight.cell(handler, method, tenant).value -= 1;
      const labels = [String(status), handler, method.toLowerCase(), tenant];
      requests.cell(...labels).value += 1;
      requestSeconds.cell(...labels).observe(measured.seconds);
      requestBytes.cell(...labels).observe(measured.requestBytes);
      responseBytes.cell(...labels).observe(measured.responseBytes);
    },
    pendingWrites: (change) => void (pending.value += change),
    hashringFileRead: () => void (fileReads.value += 1),
    hashringFileFailed() {
      fileErrors.value += 1;
      reloadSuccessful.value = 0;
    },
    hashringFileLoaded({ nowMs }) {
      reloadSuccessful.value = 1;
      reloadTime.value = nowMs / 1000;
    },
    hashringsChanged({ configHash: hash, rings }) {
      if (hash === undefined) return;
      fileChanges.value += 1;
      configHash.value = hash;
      const names = new Set(rings.map(({ name }) => name));
      for (const gone of ringNames) {
        if (names.has(gone)) continue;
        nodes.remove(gone);
        tenants.remove(gone);
      }
      ringNames = names;
      for (const ring of rings) {
        nodes.cell(ring.name).value = ring.nodes;
        tenants.cell(ring.name).value = ring.tenants;
      }
    },
  };
}
