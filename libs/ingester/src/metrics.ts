import { collectCounter, collectGauge, type MetricRegistry, type MetricSample } from '@gauntlet/telemetry';
import type { Tenant, Tenants } from './tenants.js';
import type { WriteService } from './write-service.js';

/** One number of a tenant. */
interface TenantMetric {
  readonly name: string;
  readonly help: string;
  readonly read: (tenant: Tenant) => number;
}

/** Times are milliseconds, as Prometheus exports them; an empty head has none. */
const timeOf = (timestampMs: number): number => (Number.isFinite(timestampMs) ? timestampMs : 0);

const gauges: readonly TenantMetric[] = [
  {
    name: 'prometheus_tsdb_head_series',
    help: 'Series in the head.',
    read: ({ database }) => database.head.seriesCount,
  },
  {
    name: 'prometheus_tsdb_head_chunks',
    help: 'Chunks in the head.',
    read: ({ database }) => database.head.chunkCount,
  },
  {
    name: 'prometheus_tsdb_head_min_time',
    help: 'Oldest sample of the head, Unix milliseconds.',
    read: ({ database }) => timeOf(database.head.minTimeMs),
  },
  {
    name: 'prometheus_tsdb_head_max_time',
    help: 'Newest sample of the head, Unix milliseconds.',
    read: ({ database }) => timeOf(database.head.maxTimeMs),
  },
  {
    name: 'prometheus_tsdb_lowest_timestamp',
    help: 'Oldest sample of the database, Unix milliseconds.',
    read: ({ database }) => database.blocks[0]?.minTime ?? timeOf(database.head.minTimeMs),
  },
  { name: 'prometheus_tsdb_blocks_loaded', help: 'Blocks on disk.', read: ({ database }) => database.blocks.length },
  {
    name: 'prometheus_tsdb_wal_segment_current',
    help: 'Number of the segment that is being written.',
    read: ({ database }) => database.wal.segment,
  },
  {
    name: 'ingester_head_memory_bytes',
    help: 'Linear memory of the head.',
    read: ({ database }) => database.head.memoryBytes,
  },
  {
    name: 'ingester_wal_pending_bytes',
    help: 'Bytes that wait for the disk of the log.',
    read: ({ database }) => database.wal.stats.pendingBytes,
  },
  {
    name: 'ingester_wal_failing',
    help: '1 while the log cannot be written and writes are refused.',
    read: ({ database }) => (database.wal.state === 'failing' ? 1 : 0),
  },
];

const counters: readonly TenantMetric[] = [
  {
    name: 'prometheus_tsdb_head_series_created_total',
    help: 'Series created in the head.',
    read: ({ database }) => database.head.seriesCreatedTotal,
  },
  {
    name: 'prometheus_tsdb_head_series_removed_total',
    help: 'Series removed from the head.',
    read: ({ database }) => database.head.seriesRemovedTotal,
  },
  {
    name: 'prometheus_tsdb_compactions_total',
    help: 'Blocks cut from the head.',
    read: ({ database }) => database.stats.cuts,
  },
  {
    name: 'prometheus_tsdb_compactions_failed_total',
    help: 'Cuts that failed.',
    read: ({ database }) => database.stats.cutFailures,
  },
  {
    name: 'prometheus_tsdb_head_truncations_total',
    help: 'Truncations of the head.',
    read: ({ database }) => database.stats.cuts,
  },
  {
    name: 'prometheus_tsdb_checkpoint_creations_total',
    help: 'Checkpoints of the log.',
    read: ({ database }) => database.stats.checkpoints,
  },
  {
    name: 'prometheus_tsdb_checkpoint_creations_failed_total',
    help: 'Checkpoints of the log that failed.',
    read: ({ database }) => database.stats.checkpointFailures,
  },
  {
    name: 'prometheus_tsdb_wal_writes_failed_total',
    help: 'Writes and syncs of the log that failed.',
    read: ({ database }) => database.wal.stats.failures,
  },
  {
    name: 'prometheus_tsdb_time_retentions_total',
    help: 'Blocks deleted because they were over the retention time.',
    read: ({ database }) => database.stats.blocksDeleted,
  },
  {
    name: 'ingester_wal_syncs_total',
    help: 'Syncs of the log: each makes all writes durable that arrived since the one before.',
    read: ({ database }) => database.wal.stats.syncs,
  },
  {
    name: 'ingester_wal_written_bytes_total',
    help: 'Bytes written to the log.',
    read: ({ database }) => database.wal.stats.bytesWritten,
  },
  {
    name: 'ingester_cut_seconds_total',
    help: 'Time spent on cutting blocks.',
    read: ({ database }) => database.stats.cutSeconds,
  },
];

/** Of tenants that have a shipper. They stand at 0 from the start: an alert joins on their being there (spec/receive.md 9.3). */
const shipperCounters: readonly TenantMetric[] = [
  {
    name: 'thanos_shipper_dir_syncs_total',
    help: 'Passes over the directory for blocks to upload.',
    read: ({ shipper }) => shipper?.counters.dirSyncs ?? 0,
  },
  {
    name: 'thanos_shipper_dir_sync_failures_total',
    help: 'Passes that failed.',
    read: ({ shipper }) => shipper?.counters.dirSyncFailures ?? 0,
  },
  {
    name: 'thanos_shipper_uploads_total',
    help: 'Blocks uploaded.',
    read: ({ shipper }) => shipper?.counters.uploads ?? 0,
  },
  {
    name: 'thanos_shipper_upload_failures_total',
    help: 'Uploads of blocks that failed.',
    read: ({ shipper }) => shipper?.counters.uploadFailures ?? 0,
  },
  {
    name: 'thanos_shipper_corrupted_blocks_total',
    help: 'Blocks that could not be read for an upload.',
    read: ({ shipper }) => shipper?.counters.corruptedBlocks ?? 0,
  },
];

/** Registers the ingester's metrics: numbers that are kept anyway, read when they are scraped. */
export function registerMetrics(
  registry: MetricRegistry,
  { tenants, writes }: { tenants: Tenants; writes: WriteService },
): void {
  const of = (read: TenantMetric['read'], filter: (tenant: Tenant) => boolean = () => true) =>
    function* (): Generator<MetricSample> {
      for (const tenant of tenants.all())
        if (filter(tenant)) yield { labels: { tenant: tenant.name }, value: read(tenant) };
    };
  const labelNames = ['tenant'];
  for (const { name, help, read } of gauges) collectGauge(registry, { name, help, labelNames, read: of(read) });
  for (const { name, help, read } of counters) collectCounter(registry, { name, help, labelNames, read: of(read) });
  for (const { name, help, read } of shipperCounters)
    collectCounter(registry, { name, help, labelNames, read: of(read, ({ shipper }) => shipper !== undefined) });

  const byType = (read: TenantMetric['read']) =>
    function* (): Generator<MetricSample> {
      for (const tenant of tenants.all()) yield { labels: { tenant: tenant.name, type: 'float' }, value: read(tenant) };
    };
  const typed = ['tenant', 'type'];
  const rejected = (name: string, help: string, read: TenantMetric['read']): void =>
    collectCounter(registry, { name, help, labelNames: typed, read: byType(read) });
  rejected(
    'prometheus_tsdb_head_samples_appended_total',
    'Samples appended to the head.',
    ({ database }) => database.head.samplesAppendedTotal,
  );
  rejected(
    'prometheus_tsdb_out_of_bound_samples_total',
    'Samples refused as out of bounds.',
    ({ database }) => database.rejections.outOfBounds,
  );
  rejected(
    'prometheus_tsdb_out_of_order_samples_total',
    'Samples refused as out of order.',
    ({ database }) => database.rejections.outOfOrder,
  );

  collectGauge(registry, {
    name: 'thanos_receive_pending_write_requests',
    help: 'Writes that have begun and not been answered.',
    read: () => writes.inflightWrites,
  });
}
