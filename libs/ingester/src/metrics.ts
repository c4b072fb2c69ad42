import { collectCounter, collectGauge, type MetricRegistry } from '@gauntlet/telemetry';
import { registerDatabaseMetrics } from './database-metrics.js';
import { registerShipperMetrics } from './shipper-metrics.js';
import type { Tenant } from './tenant.js';
import type { Tenants } from './tenants.js';
import type { WriteGuard } from './write-guard.js';
import type { WriteService } from './write-service.js';

export interface MetricSources {
  readonly tenants: Tenants;
  readonly writes: WriteService;
  readonly guard: WriteGuard;
  readonly limits: {
    readonly freeDiskBytesMin: number;
    readonly memoryBytesMax: number;
    readonly retentionBytesMax: number;
  };
}

/** Registers the ingester's metrics: numbers that are kept anyway, read when they are scraped. Dormant tenants have none of a database. */
export function registerMetrics(registry: MetricRegistry, sources: MetricSources): void {
  const { tenants, limits } = sources;
  registerDatabaseMetrics(registry, { tenants, retentionBytesMax: limits.retentionBytesMax });
  registerShipperMetrics(registry, tenants);
  registerTenantMetrics(registry, sources);
  registerGuardMetrics(registry, sources);
  collectGauge(registry, {
    name: 'thanos_receive_pending_write_requests',
    help: 'Writes that have begun and not been answered.',
    read: () => sources.writes.inflightWrites,
  });
}

function registerTenantMetrics(registry: MetricRegistry, { tenants }: MetricSources): void {
  collectGauge(registry, {
    name: 'ingester_tenants',
    help: 'Tenants by state. Replaying ones are open too, failing ones dormant.',
    labelNames: ['state'],
    read: () => Object.entries(tenants.counts).map(([state, value]) => ({ labels: { state }, value })),
  });
  collectCounter(registry, {
    name: 'ingester_tenant_open_failures_total',
    help: 'Databases that could not be opened, or whose log could not be replayed.',
    read: () => tenants.openFailures,
  });
  collectCounter(registry, {
    name: 'ingester_tenants_removed_total',
    help: 'Tenants whose directories were removed after the retention time.',
    read: () => tenants.removed,
  });
  const sum = (read: (tenant: Tenant) => number) => () => {
    let total = 0;
    for (const tenant of tenants.known()) total += read(tenant);
    return total;
  };
  collectGauge(registry, {
    name: 'ingester_retention_held_back_tenants',
    help: 'Tenants that are over a limit of retention because blocks are not in the bucket.',
    read: sum(({ isHeldBack }) => (isHeldBack ? 1 : 0)),
  });
}

function registerGuardMetrics(registry: MetricRegistry, { guard, limits, writes }: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number): void => collectGauge(registry, { name, help, read });
  gauge('ingester_disk_free_bytes', 'Bytes that may still be written to the disk.', () => guard.freeDiskBytes);
  gauge('ingester_disk_free_bytes_min', 'With less writes are refused.', () => limits.freeDiskBytesMin);
  gauge(
    'ingester_memory_used_bytes',
    'Memory of the process, without what is free inside of heads.',
    () => guard.usedMemoryBytes,
  );
  gauge('ingester_memory_used_bytes_max', 'With more writes are refused; 0 for no limit.', () => limits.memoryBytesMax);
  collectGauge(registry, {
    name: 'ingester_writes_refused',
    help: '1 while writes are refused for want of this.',
    labelNames: ['resource'],
    read: () => [
      { labels: { resource: 'disk' }, value: guard.disk === 'over' ? 1 : 0 },
      { labels: { resource: 'memory' }, value: guard.memory === 'over' ? 1 : 0 },
    ],
  });
  collectCounter(registry, {
    name: 'ingester_refused_writes_total',
    help: 'Writes that were refused before they were looked at.',
    labelNames: ['reason'],
    read: () => Object.entries(writes.refused).map(([reason, value]) => ({ labels: { reason }, value })),
  });
}
