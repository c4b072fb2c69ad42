import type { SelectLimits } from '@gauntlet/store-api';
import { collectCounter, collectGauge, type MetricRegistry } from '@gauntlet/telemetry';
import type { OpenTenant } from './tenants.js';

export interface ReadMetricSources {
  readonly tenants: { all(): readonly OpenTenant[] };
  /** Calls for series that a limit has ended, by limit. */
  readonly selectsDropped: Readonly<Record<keyof SelectLimits, number>>;
}

/** Registers the metrics of reading; those of calls are the gRPC server's. */
export function registerReadMetrics(registry: MetricRegistry, { tenants, selectsDropped }: ReadMetricSources): void {
  collectCounter(registry, {
    name: 'thanos_store_selects_dropped_total',
    help: 'Calls for series that were ended by a limit.',
    labelNames: ['reason'],
    read: () => [
      { labels: { reason: 'series' }, value: selectsDropped.seriesMax },
      { labels: { reason: 'samples' }, value: selectsDropped.samplesMax },
    ],
  });
  collectGauge(registry, {
    name: 'ingester_head_index_bytes',
    help: 'Bytes of the indexes that reads have made of the heads.',
    read: () =>
      tenants.all().reduce((sum, { database }) => sum + (database.state === 'open' ? database.head.indexBytes : 0), 0),
  });
}
