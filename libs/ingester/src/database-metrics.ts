import { collectCounter, collectGauge, type MetricRegistry, type MetricSample } from '@gauntlet/telemetry';
import type { Head, Rejections } from '@gauntlet/head';
import type { Tsdb } from '@gauntlet/tsdb';
import type { Tenants } from './tenants.js';

/** One number of a tenant with an open database. */
interface DatabaseMetric {
  readonly name: string;
  readonly help: string;
  readonly read: (database: Tsdb) => number;
}

/** One number of a head: while a log waits to be replayed, or is, there is none. */
interface HeadMetric {
  readonly name: string;
  readonly help: string;
  readonly read: (head: Head) => number;
}

/** Times are milliseconds, as Prometheus exports them; an empty head has none. */
const timeOf = (timestampMs: number): number => (Number.isFinite(timestampMs) ? timestampMs : 0);

const headGauges: readonly HeadMetric[] = [
  { name: 'prometheus_tsdb_head_series', help: 'Series in the head.', read: (head) => head.seriesCount },
  { name: 'prometheus_tsdb_head_chunks', help: 'Chunks in the head.', read: (head) => head.chunkCount },
  {
    name: 'prometheus_tsdb_head_min_time',
    help: 'Oldest sample of the head, Unix milliseconds.',
    read: (head) => timeOf(head.minTimeMs),
  },
  {
    name: 'prometheus_tsdb_head_max_time',
    help: 'Newest sample of the head, Unix milliseconds.',
    read: (head) => timeOf(head.maxTimeMs),
  },
  { name: 'ingester_head_memory_bytes', help: 'Linear memory of the head.', read: (head) => head.memoryBytes },
  {
    name: 'ingester_head_out_of_order_samples',
    help: 'Out-of-order samples in the head.',
    read: (head) => head.outOfOrder.sampleCount,
  },
  {
    name: 'ingester_head_out_of_order_series',
    help: 'Series with out-of-order samples in the head.',
    read: (head) => head.outOfOrder.seriesCount,
  },
  {
    name: 'prometheus_tsdb_exemplar_exemplars_in_storage',
    help: 'Exemplars kept.',
    read: (head) => head.exemplars?.size ?? 0,
  },
  {
    name: 'prometheus_tsdb_exemplar_series_with_exemplars_in_storage',
    help: 'Series with exemplars.',
    read: (head) => head.exemplars?.seriesCount ?? 0,
  },
  {
    name: 'prometheus_tsdb_exemplar_max_exemplars',
    help: 'Exemplars kept at most.',
    read: (head) => head.exemplars?.capacity ?? 0,
  },
];

const headCounters: readonly HeadMetric[] = [
  {
    name: 'prometheus_tsdb_head_series_created_total',
    help: 'Series created in the head.',
    read: (head) => head.seriesCreatedTotal,
  },
  {
    name: 'prometheus_tsdb_head_series_removed_total',
    help: 'Series removed from the head.',
    read: (head) => head.seriesRemovedTotal,
  },
];

const gauges: readonly DatabaseMetric[] = [
  {
    name: 'prometheus_tsdb_lowest_timestamp',
    help: 'Oldest sample of the database, Unix milliseconds.',
    read: (database) => database.blocks[0]?.minTime ?? timeOf(headOf(database)?.minTimeMs ?? Infinity),
  },
  { name: 'prometheus_tsdb_blocks_loaded', help: 'Blocks on disk.', read: ({ blocks }) => blocks.length },
  {
    name: 'prometheus_tsdb_wal_segment_current',
    help: 'Number of the segment that is being written.',
    read: ({ wal }) => wal.segment,
  },
  {
    name: 'prometheus_tsdb_data_replay_duration_seconds',
    help: 'Time that the last replay of the log took.',
    read: ({ stats }) => stats.replaySeconds,
  },
  {
    name: 'ingester_database_disk_bytes',
    help: 'Bytes of logs, head chunks and blocks.',
    read: (database) => database.bytesOnDisk(),
  },
  {
    name: 'ingester_retention_held_back_blocks',
    help: 'Blocks over a limit of retention that are kept because they are not in the bucket.',
    read: ({ stats }) => stats.blocksHeldBack,
  },
  {
    name: 'ingester_wal_pending_bytes',
    help: 'Bytes that wait for the disk of the log, or of the journal while the log is replayed.',
    read: ({ wal }) => wal.stats.pendingBytes,
  },
  {
    name: 'ingester_wal_failing',
    help: '1 while the log cannot be written and writes are refused.',
    read: ({ wal }) => (wal.state === 'failing' ? 1 : 0),
  },
  {
    name: 'ingester_wal_replaying',
    help: '1 while the log is replayed and writes go to the journal.',
    read: ({ state }) => (state === 'replaying' ? 1 : 0),
  },
];

const counters: readonly DatabaseMetric[] = [
  { name: 'prometheus_tsdb_compactions_total', help: 'Blocks cut from the head.', read: ({ stats }) => stats.cuts },
  {
    name: 'prometheus_tsdb_compactions_failed_total',
    help: 'Cuts that failed.',
    read: ({ stats }) => stats.cutFailures,
  },
  {
    name: 'prometheus_tsdb_head_truncations_total',
    help: 'Truncations of the head.',
    read: ({ stats }) => stats.cuts,
  },
  {
    name: 'prometheus_tsdb_checkpoint_creations_total',
    help: 'Checkpoints of the log.',
    read: ({ stats }) => stats.checkpoints,
  },
  {
    name: 'prometheus_tsdb_checkpoint_creations_failed_total',
    help: 'Checkpoints of the log that failed.',
    read: ({ stats }) => stats.checkpointFailures,
  },
  {
    name: 'prometheus_tsdb_wal_writes_failed_total',
    help: 'Writes and syncs of the log that failed.',
    read: ({ wal }) => wal.stats.failures,
  },
  {
    name: 'prometheus_tsdb_wal_corruptions_total',
    help: 'Damaged checkpoints and segments of the logs: what was before the damage is kept, the files are set aside.',
    read: ({ stats }) => stats.damagedCheckpoints + stats.damagedSegments + stats.damagedOutOfOrderSegments,
  },
  {
    name: 'prometheus_tsdb_mmap_chunk_corruptions_total',
    help: 'Damaged files of head chunks.',
    read: ({ stats }) => stats.damagedHeadChunks,
  },
  {
    name: 'ingester_damaged_blocks_total',
    help: 'Blocks that could not be read at the start.',
    read: ({ stats }) => stats.damagedBlocks,
  },
  {
    name: 'prometheus_tsdb_time_retentions_total',
    help: 'Blocks deleted because they were over the retention time.',
    read: ({ stats }) => stats.blocksDeleted - stats.blocksDeletedForSize,
  },
  {
    name: 'prometheus_tsdb_size_retentions_total',
    help: 'Blocks deleted because there were more bytes than retention allows.',
    read: ({ stats }) => stats.blocksDeletedForSize,
  },
  {
    name: 'ingester_out_of_order_blocks_total',
    help: 'Blocks written of out-of-order samples.',
    read: ({ stats }) => stats.outOfOrderBlocks,
  },
  { name: 'ingester_wal_replays_total', help: 'Replays of the log.', read: ({ stats }) => stats.replays },
  {
    name: 'ingester_wal_replay_failures_total',
    help: 'Replays that failed and were tried again.',
    read: ({ stats }) => stats.replayFailures,
  },
  {
    name: 'ingester_journal_samples_total',
    help: 'Samples taken while the log was replayed.',
    read: ({ stats }) => stats.journaledSamples,
  },
  {
    name: 'ingester_journal_dropped_samples_total',
    help: 'Samples taken while the log was replayed that turned out to be out of order, duplicates or too old.',
    read: ({ stats }) => stats.journaledDropped,
  },
  {
    name: 'ingester_series_limited_total',
    help: 'Series that were refused because their tenant has as many as it may; once for each request.',
    read: ({ stats }) => stats.seriesLimited,
  },
  {
    name: 'ingester_head_recoveries_total',
    help: 'Times that a head was built anew from its log because its kernel had failed.',
    read: ({ stats }) => stats.recoveries,
  },
  {
    name: 'prometheus_tsdb_exemplar_out_of_order_exemplars_total',
    help: 'Exemplars refused as out of order.',
    read: ({ rejections }) => rejections.exemplarOutOfOrder,
  },
  {
    name: 'ingester_wal_syncs_total',
    help: 'Syncs of the log: each makes all writes durable that arrived since the one before.',
    read: ({ wal }) => wal.stats.syncs,
  },
  {
    name: 'ingester_wal_written_bytes_total',
    help: 'Bytes written to the log.',
    read: ({ wal }) => wal.stats.bytesWritten,
  },
  {
    name: 'ingester_cut_seconds_total',
    help: 'Time spent on cutting blocks.',
    read: ({ stats }) => stats.cutSeconds,
  },
];

/** Samples that were refused, by why and by what they are: dashboards know some of the names. */
const rejectedSamples: readonly { readonly name: string; readonly help: string; readonly of: keyof Rejections }[] = [
  { name: 'prometheus_tsdb_out_of_bound_samples_total', help: 'Samples refused as out of bounds.', of: 'outOfBounds' },
  { name: 'prometheus_tsdb_out_of_order_samples_total', help: 'Samples refused as out of order.', of: 'outOfOrder' },
  {
    name: 'prometheus_tsdb_too_old_samples_total',
    help: 'Samples refused as older than the out-of-order window.',
    of: 'tooOld',
  },
];

/** Metrics of open databases, and of the heads of those whose log is replayed. */
export function registerDatabaseMetrics(
  registry: MetricRegistry,
  { tenants, retentionBytesMax }: { readonly tenants: Tenants; readonly retentionBytesMax: number },
): void {
  const of = (read: DatabaseMetric['read'], labels: Readonly<Record<string, string>> = {}) =>
    function* (): Generator<MetricSample> {
      for (const { name, database } of tenants.all())
        yield { labels: { tenant: name, ...labels }, value: read(database) };
    };
  const ofHead = (read: HeadMetric['read'], labels: Readonly<Record<string, string>> = {}) =>
    function* (): Generator<MetricSample> {
      for (const { name, database } of tenants.all()) {
        const head = headOf(database);
        if (head !== undefined) yield { labels: { tenant: name, ...labels }, value: read(head) };
      }
    };
  const labelNames = ['tenant'];
  for (const { name, help, read } of headGauges) collectGauge(registry, { name, help, labelNames, read: ofHead(read) });
  for (const { name, help, read } of headCounters)
    collectCounter(registry, { name, help, labelNames, read: ofHead(read) });
  for (const { name, help, read } of gauges) collectGauge(registry, { name, help, labelNames, read: of(read) });
  for (const { name, help, read } of counters) collectCounter(registry, { name, help, labelNames, read: of(read) });
  collectGauge(registry, {
    name: 'prometheus_tsdb_retention_limit_bytes',
    help: 'Bytes that a database may take before its oldest blocks are deleted; 0 for no limit.',
    labelNames,
    read: of(() => retentionBytesMax),
  });
  // Upstream counts floats and histograms apart; here they are counted together, under the label that most of them are.
  const typed = { labelNames: ['tenant', 'type'] };
  const float = { type: 'float' };
  collectCounter(registry, {
    name: 'prometheus_tsdb_head_samples_appended_total',
    help: 'Samples appended to the head, of every type.',
    ...typed,
    read: ofHead((head) => head.samplesAppendedTotal, float),
  });
  for (const { name, help, of: rejection } of rejectedSamples)
    collectCounter(registry, { name, help, ...typed, read: of(({ rejections }) => rejections[rejection], float) });
  collectCounter(registry, {
    name: 'ingester_rejected_total',
    help: 'Series, samples and exemplars that were refused, by why.',
    labelNames: ['tenant', 'reason'],
    *read() {
      for (const { name, database } of tenants.all())
        for (const [reason, value] of Object.entries(database.rejections))
          yield { labels: { tenant: name, reason }, value };
    },
  });
}

/** Undefined while it is not complete. */
function headOf(database: Tsdb): Head | undefined {
  return database.state === 'open' ? database.head : undefined;
}
