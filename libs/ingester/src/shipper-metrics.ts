import { secondMs } from '@gauntlet/base';
import type { Shipper, ShipperCounters } from '@gauntlet/shipper';
import { collectCounter, collectGauge, type MetricRegistry, type MetricSample } from '@gauntlet/telemetry';
import type { Tenants } from './tenants.js';

/** Of tenants that have a shipper, dormant ones with blocks to upload among them. They stand at 0 from the start: an alert joins on their being there (spec/receive.md 9.3). */
const shipperCounters: readonly {
  readonly name: string;
  readonly help: string;
  readonly read: (counters: ShipperCounters) => number;
}[] = [
  {
    name: 'thanos_shipper_dir_syncs_total',
    help: 'Passes over the directory for blocks to upload.',
    read: ({ dirSyncs }) => dirSyncs,
  },
  {
    name: 'thanos_shipper_dir_sync_failures_total',
    help: 'Passes that failed.',
    read: ({ dirSyncFailures }) => dirSyncFailures,
  },
  { name: 'thanos_shipper_uploads_total', help: 'Blocks uploaded.', read: ({ uploads }) => uploads },
  {
    name: 'thanos_shipper_upload_failures_total',
    help: 'Uploads of blocks that failed.',
    read: ({ uploadFailures }) => uploadFailures,
  },
  {
    name: 'thanos_shipper_corrupted_blocks_total',
    help: 'Blocks that could not be read for an upload.',
    read: ({ corruptedBlocks }) => corruptedBlocks,
  },
];

/** Metrics of uploads, by tenant. */
export function registerShipperMetrics(registry: MetricRegistry, tenants: Tenants): void {
  const of = (read: (shipper: Shipper) => number) =>
    function* (): Generator<MetricSample> {
      for (const { name, shipper } of tenants.known())
        if (shipper !== undefined) yield { labels: { tenant: name }, value: read(shipper) };
    };
  const labelNames = ['tenant'];
  for (const { name, help, read } of shipperCounters)
    collectCounter(registry, { name, help, labelNames, read: of(({ counters }) => read(counters)) });
  collectGauge(registry, {
    name: 'ingester_upload_backlog_blocks',
    help: 'Blocks that are not in the bucket, as of the last pass.',
    labelNames,
    read: of(({ backlog }) => backlog.blocks),
  });
  collectGauge(registry, {
    name: 'ingester_upload_backlog_oldest_timestamp_seconds',
    help: 'Where the oldest block begins that is not in the bucket, Unix seconds; 0 without any.',
    labelNames,
    read: of(({ backlog }) => (backlog.oldestMs ?? 0) / secondMs),
  });
}
