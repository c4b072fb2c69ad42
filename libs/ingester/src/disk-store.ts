import { randomBytes } from 'node:crypto';
import { MiB, type Clock } from '@gauntlet/base';
import type { BlockReaders } from '@gauntlet/block-reader';
import type { Bucket } from '@gauntlet/objstore';
import { createShipper } from '@gauntlet/shipper';
import type { Logger } from '@gauntlet/telemetry';
import { DatabaseReader, forgetLog, hasLog, listBlocks, retainBlocks, Tsdb, type TsdbOptions } from '@gauntlet/tsdb';
import type { Vfs } from '@gauntlet/vfs';
import type { DataDirectory } from './data-directory.js';
import { tenantLabels } from './external-labels.js';
import type { TenantStore, TidiedTenant } from './tenant.js';

/** What the databases and shippers of all tenants are told. */
export interface DiskStoreOptions {
  readonly vfs: Vfs;
  readonly directory: DataDirectory;
  /** Undefined keeps blocks on disk only. */
  readonly bucket: Bucket | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  /** Of all tenants. */
  readonly blockReaders: BlockReaders;
  readonly database: Omit<
    TsdbOptions,
    | 'vfs'
    | 'dir'
    | 'clock'
    | 'log'
    | 'randomBytes'
    | 'pendingBytesMax'
    | 'retentionBytesMax'
    | 'blockReaders'
    | 'activeSeriesMax'
  > & { readonly retentionBytesMax: number };
  /** Series that a tenant may have in memory; 0 for no limit. */
  readonly activeSeriesMax: (tenant: string) => number;
  /** External labels, without the tenant's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly tenantLabelName: string;
  readonly shipper: {
    readonly hashFunc: '' | 'SHA256';
    /** 0 is the library's default. */
    readonly uploadConcurrency: number;
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
  };
}

/** Bytes that may wait for a log's disk before writes are refused. */
const pendingBytesMax = 64 * MiB;

/** Tenants in directories of a disk. */
export function diskStore(options: DiskStoreOptions): TenantStore {
  const { vfs, directory, bucket, log, clock, blockReaders, database, labels, tenantLabelName, shipper } = options;
  return {
    list: () => directory.tenants(),
    openDatabase: async (tenant) => {
      const dir = directory.pathOf(tenant);
      // Left by a Prometheus or a Thanos that was killed; upstream removes it as well.
      await vfs.remove(`${dir}/lock`);
      return Tsdb.open({
        ...database,
        vfs,
        dir,
        clock,
        log,
        randomBytes,
        blockReaders,
        pendingBytesMax,
        activeSeriesMax: () => options.activeSeriesMax(tenant),
      });
    },
    listBlocks: (tenant) => listBlocks({ vfs, dir: directory.pathOf(tenant), log }),
    readBlocks: (tenant, blocks) =>
      new DatabaseReader({ dir: directory.pathOf(tenant), blocks, blockReaders, head: () => undefined }),
    openShipper: (tenant) => {
      if (bucket === undefined) return undefined;
      const all = tenantLabels(labels, { tenantLabelName, tenant });
      return createShipper({
        vfs,
        bucket,
        dir: directory.pathOf(tenant),
        labels: () => all,
        source: 'receive',
        clock,
        log: log.with({ tenant }),
        ...shipper,
      });
    },
    hasLog: (tenant) => hasLog(vfs, directory.pathOf(tenant)),
    forgetLog: (tenant) => forgetLog(vfs, directory.pathOf(tenant)),
    tidy: (tenant, uploaded) => tidy(options, directory.pathOf(tenant), uploaded),
    remove: (tenant) => directory.removeTenant(tenant),
  };
}

async function tidy(
  { vfs, log, clock, database: { retentionMs, retentionBytesMax } }: DiskStoreOptions,
  dir: string,
  uploaded: ReadonlySet<string> | undefined,
): Promise<TidiedTenant> {
  const found = await vfs.stat(dir);
  // Its first opening failed, or somebody has taken it away.
  if (found === undefined) return { blocks: [], deleted: [], heldBack: [], unshippedBlocks: 0, newestMs: -Infinity };
  const policy = { retentionMs, retentionBytesMax, nowMs: clock.nowMs(), uploaded };
  const { blocks, deleted, heldBack, damaged } = await retainBlocks({ vfs, dir, log }, policy);
  const unshipped = blocks.filter(
    ({ ulid, stats }) => uploaded !== undefined && !uploaded.has(ulid) && (stats.numSamples ?? 0) > 0,
  );
  const newestMs = blocks.length > 0 ? Math.max(...blocks.map(({ maxTime }) => maxTime)) : found.modifiedMs;
  // Damaged blocks are for a person to look at, and are not in the bucket.
  return { blocks, deleted, heldBack, unshippedBlocks: unshipped.length + damaged.length, newestMs };
}
