import { MiB } from '@gauntlet/base';
import { type CommonFlags, type ConfigResult, commonWarnings, parseConfig, readCommonFlags } from './common-config.js';
import { configContent, type ConfigContent } from './config-content.js';
import { ConfigError } from './external-labels.js';
import { type Flag } from './flags.js';
import { flagsFor } from './thanos-flags.js';

export interface IngesterFlags extends CommonFlags {
  readonly dataDir: string;
  /** 0 keeps everything. */
  readonly retentionMs: number;
  /** Samples newer than now and this are refused; 0 takes any. */
  readonly futureWindowMs: number;
  readonly chunkRangeMs: number;
  readonly blockRangeMs: number;
  /** How far behind the newest sample of its tenant a sample may come; 0 for not at all. */
  readonly outOfOrderWindowMs: number;
  /** Out-of-order samples of a series that make a chunk. */
  readonly outOfOrderCapMax: number;
  /** Exemplars kept for each tenant; 0 for none. */
  readonly exemplarsMax: number;
  /** Bytes that a tenant's log and blocks may take before its oldest blocks go; 0 for no limit. */
  readonly retentionBytesMax: number;
  /** With less left on the disk writes are refused; 0 takes them until the disk is full. */
  readonly freeDiskBytesMin: number;
  /** With more in use writes are refused; 0 for no limit, undefined for the default, which depends on the machine. */
  readonly memoryBytesMax: number | undefined;
  readonly walCompression: boolean;
  /** `sync` answers after the disk has it; `write` after the operating system has it, as Prometheus does. */
  readonly walDurability: 'sync' | 'write';
  readonly lockFile: boolean;
  /** The YAML of the bucket, with the environment filled in; undefined ships nothing. */
  readonly objstoreConfig: ConfigContent | undefined;
  readonly tenantLabelName: string;
  /** Series, and samples as 120 of each chunk, that one call may give; 0 for no limit. */
  readonly selectLimits: { readonly seriesMax: number; readonly samplesMax: number };
  readonly hashFunc: '' | 'SHA256';
  /** 0 stands for the library's default. */
  readonly uploadConcurrency: number;
  readonly allowOutOfOrderUploads: boolean;
  readonly skipCorruptedBlocks: boolean;
}

const ownFlags: readonly Flag[] = [
  {
    name: 'tsdb.wal-durability',
    type: 'enum',
    values: ['sync', 'write'],
    default: 'sync',
    hidden: true,
    help: 'When a write is answered.',
  },
  {
    name: 'tsdb.min-free-disk',
    type: 'bytes',
    // Two segments of a log: what a checkpoint may take while the log that it replaces is still there.
    default: '256MiB',
    help: 'With less left on the disk writes are refused, so that room is left to cut and truncate; 0 is off.',
  },
  {
    name: 'tsdb.max-memory',
    type: 'bytes',
    help: "With more memory in use writes are refused; 80 % of the container's or machine's when not given, 0 is off.",
  },
];

/** Flags of Thanos that have no effect here, and why; they are told about only when they ask for something. */
const withoutEffect: readonly { readonly name: string; readonly because: string }[] = [
  {
    name: 'tsdb.memory-snapshot-on-shutdown',
    because: 'heads become blocks at the end, so that nothing is left to replay',
  },
  { name: 'tsdb.write-queue-size', because: 'finished chunks are written once a minute, without a queue' },
  { name: 'tsdb.head.expanded-postings-cache-size', because: 'nothing is cached' },
  { name: 'tsdb.block.expanded-postings-cache-size', because: 'nothing is cached' },
  { name: 'matcher-cache-size', because: 'nothing is cached' },
];

const outOfOrderCapDefault = 32;
/** Prometheus refuses more: the count of such a chunk is one byte to it. */
const outOfOrderCapCeiling = 255;
/** The process alone takes about half of it. */
const memoryBytesFloor = 128 * MiB;

/** The ingester's command line. */
export function parseIngesterFlags(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ConfigResult<IngesterFlags> {
  const about = 'Keeps one time series database for each tenant, and ships its blocks to a bucket.';
  return parseConfig({ name: 'ingester', about, flags: [...flagsFor('ingester'), ...ownFlags] }, argv, (flags) => {
    const tenantLabelName = flags.text('receive.tenant-label-name');
    if (tenantLabelName === '') throw new ConfigError('unsupported format for tenant label name, got ');
    const chunkRangeMs = flags.number('tsdb.min-block-duration');
    const blockRangeMs = flags.number('tsdb.max-block-duration');
    // A block of no length would be cut for ever.
    if (chunkRangeMs <= 0 || blockRangeMs < chunkRangeMs) {
      throw new ConfigError(
        `Cannot use flag '--tsdb.min-block-duration': it must be above 0 and at most --tsdb.max-block-duration`,
      );
    }
    const outOfOrderCapMax = flags.number('tsdb.out-of-order.cap-max');
    if (outOfOrderCapMax > outOfOrderCapCeiling) {
      throw new ConfigError(
        `Cannot use flag '--tsdb.out-of-order.cap-max': it must be at most ${outOfOrderCapCeiling}, got ${outOfOrderCapMax}`,
      );
    }
    const memoryBytesMax = flags.given('tsdb.max-memory') ? flags.number('tsdb.max-memory') : undefined;
    if (memoryBytesMax !== undefined && memoryBytesMax > 0 && memoryBytesMax < memoryBytesFloor)
      throw new ConfigError(`Cannot use flag '--tsdb.max-memory': it must be 0 or at least 128MiB`);
    const config: IngesterFlags = {
      ...readCommonFlags(flags, env),
      dataDir: flags.text('tsdb.path'),
      retentionMs: flags.number('tsdb.retention'),
      futureWindowMs: flags.number('tsdb.too-far-in-future.time-window'),
      chunkRangeMs,
      blockRangeMs,
      outOfOrderWindowMs: flags.number('tsdb.out-of-order.time-window'),
      outOfOrderCapMax: outOfOrderCapMax > 0 ? outOfOrderCapMax : outOfOrderCapDefault,
      exemplarsMax: Math.max(0, flags.number('tsdb.max-exemplars')),
      retentionBytesMax: flags.number('tsdb.max-retention-bytes'),
      freeDiskBytesMin: flags.number('tsdb.min-free-disk'),
      memoryBytesMax,
      walCompression: flags.bool('tsdb.wal-compression'),
      walDurability: flags.text('tsdb.wal-durability') as IngesterFlags['walDurability'],
      lockFile: !flags.bool('tsdb.no-lockfile'),
      objstoreConfig: configContent(flags, 'objstore.config', env),
      tenantLabelName,
      selectLimits: {
        seriesMax: flags.number('store.limits.request-series'),
        samplesMax: flags.number('store.limits.request-samples'),
      },
      hashFunc: flags.text('hash-func') as IngesterFlags['hashFunc'],
      uploadConcurrency: flags.number('shipper.upload-concurrency'),
      allowOutOfOrderUploads: flags.bool('shipper.allow-out-of-order-uploads'),
      skipCorruptedBlocks: flags.bool('shipper.skip-corrupted-blocks'),
    };
    const warnings = commonWarnings(flags);
    for (const { name, because } of withoutEffect)
      if (flags.number(name) > 0) warnings.push(`Flag '--${name}' has no effect: ${because}`);
    return { config, warnings };
  });
}
