import type { Hashrings, ShuffleCacheStats } from '@gauntlet/ring';
import {
  collectCounter,
  collectGauge,
  createCounter,
  createGauge,
  createHistogram,
  type MetricRegistry,
} from '@gauntlet/telemetry';
import { writeMetrics } from '@gauntlet/write-http';
import type { RouterObserver } from './observer.js';

const delays = Array.from({ length: 16 }, (_, power) => 0.001 * 2 ** power);

/** Metrics of a router under the names that dashboards know (spec/receive.md 9). */
export function routerMetrics(
  registry: MetricRegistry,
  { replicationFactor, forwardTimeoutMs }: { readonly replicationFactor: number; readonly forwardTimeoutMs: number },
): RouterObserver {
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    createCounter(registry, { name, help, labelNames });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    createGauge(registry, { name, help, labelNames });
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
  let current: Hashrings | undefined;
  collectShuffleCaches(registry, () => current?.shuffleCaches() ?? []);

  return {
    ...writeMetrics(registry, { timeoutMs: forwardTimeoutMs }),
    forwarded: (result) => void (forwards.cell(result).value += 1),
    replicated: (result) => void (replications.cell(result).value += 1),
    forwardDelayed: (peer, delay) => forwardDelay.cell(peer).observe(delay),
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
    hashringsChanged({ configHash: hash, hashrings }) {
      current = hashrings;
      if (hash === undefined) return;
      fileChanges.value += 1;
      configHash.value = hash;
      const names = new Set(hashrings.rings.map(({ name }) => name));
      for (const gone of ringNames) {
        if (names.has(gone)) continue;
        nodes.remove(gone);
        tenants.remove(gone);
      }
      ringNames = names;
      hashrings.rings.forEach(({ name, endpoints }, i) => {
        nodes.cell(name).value = endpoints.length;
        tenants.cell(name).value = hashrings.tenantCounts[i] ?? 0;
      });
    },
  };
}

/** Counts of the caches that remember which endpoints a tenant's shard has; of hashrings with one name the first is shown. */
function collectShuffleCaches(registry: MetricRegistry, caches: () => readonly ShuffleCacheStats[]): void {
  const metrics = [
    [collectCounter, 'requests_total', "Look-ups of tenants' shards.", 'requests'],
    [collectCounter, 'hits_total', "Look-ups that found a tenant's shard.", 'hits'],
    [collectCounter, 'evicted_total', 'Shards that made room for others.', 'evicted'],
    [collectGauge, 'items', 'Shards that are remembered.', 'items'],
    [collectGauge, 'max_items', 'Shards that may be remembered.', 'maxItems'],
  ] as const;
  for (const [collect, name, help, field] of metrics) {
    collect(registry, {
      name: `thanos_shuffle_shard_cache_${name}`,
      help,
      labelNames: ['hashring'],
      read() {
        const byName = new Map(
          caches()
            .toReversed()
            .map((cache) => [cache.hashring, cache[field]]),
        );
        return [...byName].map(([hashring, value]) => ({ labels: { hashring }, value }));
      },
    });
  }
}
