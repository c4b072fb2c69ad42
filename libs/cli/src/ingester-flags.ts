import {
  type CommonFlags,
  type ConfigResult,
  capnprotoWarnings,
  parseConfig,
  readCommonFlags,
} from './common-config.js';
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
  readonly walCompression: boolean;
  /** `sync` answers after the disk has it; `write` after the operating system has it, as Prometheus does. */
  readonly walDurability: 'sync' | 'write';
  readonly lockFile: boolean;
  /** The YAML of the bucket, with the environment filled in; undefined ships nothing. */
  readonly objstoreConfig: ConfigContent | undefined;
  readonly tenantLabelName: string;
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
];

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
    const config: IngesterFlags = {
      ...readCommonFlags(flags),
      dataDir: flags.text('tsdb.path'),
      retentionMs: flags.number('tsdb.retention'),
      futureWindowMs: flags.number('tsdb.too-far-in-future.time-window'),
      chunkRangeMs,
      blockRangeMs,
      walCompression: flags.bool('tsdb.wal-compression'),
      walDurability: flags.text('tsdb.wal-durability') as IngesterFlags['walDurability'],
      lockFile: !flags.bool('tsdb.no-lockfile'),
      objstoreConfig: configContent(flags, 'objstore.config', env),
      tenantLabelName,
      hashFunc: flags.text('hash-func') as IngesterFlags['hashFunc'],
      uploadConcurrency: flags.number('shipper.upload-concurrency'),
      allowOutOfOrderUploads: flags.bool('shipper.allow-out-of-order-uploads'),
      skipCorruptedBlocks: flags.bool('shipper.skip-corrupted-blocks'),
    };
    const warnings = capnprotoWarnings(flags);
    if (flags.given('remote-write.address'))
      warnings.push(
        "Flag '--remote-write.address' has no effect: this ingester does not serve remote write over HTTP yet",
      );
    return { config, warnings };
  });
}
