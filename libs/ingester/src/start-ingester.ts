import { randomBytes } from 'node:crypto';
import { invariant, messageOf, MiB, OperationalError, systemClock, type Clock } from '@gauntlet/base';
import {
  createIntake,
  messageBytesCeiling,
  MessageError,
  snappyFramedDecode,
  snappyFramedEncode,
} from '@gauntlet/kernel';
import { isTenantValid } from '@gauntlet/model';
import { BucketConfigError, observeBucket, openBucket, parseBucketConfig, type Bucket } from '@gauntlet/objstore';
import { createGrpcServer, UnreadableMessageError, type GrpcServer } from '@gauntlet/rpc';
import { createShipper } from '@gauntlet/shipper';
import { startProbeServer, type Logger, type MetricRegistry, type ProbeServer } from '@gauntlet/telemetry';
import { Tsdb } from '@gauntlet/tsdb';
import { nodeVfs } from '@gauntlet/vfs';
import { DataDirectory } from './data-directory.js';
import { tenantLabels } from './external-labels.js';
import { registerMetrics } from './metrics.js';
import { bucketMetrics } from './objstore-metrics.js';
import { ownProcess } from './process-identity.js';
import { Tenants, type TenantStore } from './tenants.js';
import { WriteService } from './write-service.js';

export interface IngesterConfig {
  /** Probes and metrics. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly httpGraceMs: number;
  readonly grpcGraceMs: number;
  readonly grpcConnectionAgeMsMax: number;
  readonly dataDir: string;
  /** Keeps two ingesters from one directory. */
  readonly lock: boolean;
  /** External labels, without the tenant's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly tenantLabelName: string;
  /** Opened at the start, even without data. */
  readonly defaultTenant: string;
  readonly retentionMs: number;
  /** Samples newer than now and this are refused; 0 takes any. */
  readonly futureWindowMs: number;
  /** `--tsdb.max-block-duration`: the length of a block. */
  readonly blockRangeMs: number;
  /** `--tsdb.min-block-duration`: no chunk crosses a multiple of it. */
  readonly chunkRangeMs: number;
  readonly walCompression: boolean;
  readonly walDurability: 'sync' | 'write';
  /** The bucket's YAML document, and the flag or file it came from; undefined keeps blocks on disk only. */
  readonly bucketConfig: { readonly content: string; readonly source: string } | undefined;
  readonly shipper: {
    readonly hashFunc: '' | 'SHA256';
    /** 0 is the library's default. */
    readonly uploadConcurrency: number;
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
  };
}

export interface IngesterEnvironment {
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly clock?: Clock;
}

export interface RunningIngester {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Resolves once the databases are open and writes are taken; rejects when one cannot be opened. */
  readonly ready: Promise<void>;
  /** Stops taking writes, flushes heads to blocks, uploads them, closes the databases. */
  stop(): Promise<void>;
}

/** The default tenant cannot be a directory. */
class DefaultTenantError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'DEFAULT_TENANT_INVALID';
}

/** A request that decompresses to more is refused; a router forwards far less. */
const messageBytesMax = 128 * MiB;
invariant(messageBytesMax <= messageBytesCeiling, 'the intake takes the largest message');
/** Compressed bytes of requests in work at once. */
const inflightBytesMax = 256 * MiB;
/** Bytes that may wait for a log's disk before writes are refused. */
const pendingBytesMax = 64 * MiB;
/** Longest wait for the last uploads; what is left goes up after the next start. */
const lastUploadMsMax = 600_000;

/**
 * Starts an ingester: listens at once, replays the logs behind that, and takes writes when all databases are open.
 * @throws when the data directory, the bucket's configuration or an address cannot be used
 */
export async function startIngester(
  config: IngesterConfig,
  { log, registry, clock = systemClock }: IngesterEnvironment,
): Promise<RunningIngester> {
  if (!isTenantValid(config.defaultTenant))
    throw new DefaultTenantError(
      `Cannot use --receive.default-tenant-id=${config.defaultTenant}: tenant name not valid`,
    );
  const bucket = await openConfiguredBucket(config, { registry, clock });
  const directory = await DataDirectory.open(nodeVfs, config.dataDir, { process: ownProcess, lock: config.lock });
  const tenants = new Tenants({
    store: diskStore(config, { directory, bucket, log, clock }),
    clock,
    random: Math.random,
    log,
    blockRangeMs: config.blockRangeMs,
  });
  const writes = new WriteService({ intake: createIntake({ messageBytesMax }), databases: tenants, inflightBytesMax });
  registerMetrics(registry, { tenants, writes });

  let probes: ProbeServer | undefined;
  let server: GrpcServer | undefined;
  let grpcPort: number;
  try {
    probes = await startProbeServer({
      address: config.httpAddress,
      registry,
      ready: () => tenants.ready,
      component: 'receive',
    });
    server = createWriteServer(config, { writes, log });
    grpcPort = await server.listen();
  } catch (error) {
    // Nothing is open yet: leave no listener and no lock behind.
    await probes?.stop(0);
    await directory.close();
    throw error;
  }
  const { stop: stopServer, setReady } = server;
  const { port: httpPort, stop: stopProbes } = probes;
  const ready = tenants.openAll([config.defaultTenant]).then(() => setReady(tenants.ready));

  return {
    httpPort,
    grpcPort,
    ready,
    async stop() {
      setReady(false);
      await stopServer(config.grpcGraceMs);
      await tenants.stop(lastUploadMsMax);
      await bucket?.close();
      await directory.close();
      await stopProbes(config.httpGraceMs);
    },
  };
}

async function openNamedBucket({ content, source }: { content: string; source: string }): Promise<Bucket> {
  try {
    return await openBucket(parseBucketConfig(content));
  } catch (error) {
    throw new BucketConfigError(`Cannot use ${source}: ${messageOf(error)}`, { cause: error });
  }
}

async function openConfiguredBucket(
  { bucketConfig }: IngesterConfig,
  { registry, clock }: { registry: MetricRegistry; clock: Clock },
): Promise<Bucket | undefined> {
  if (bucketConfig === undefined) return undefined;
  const bucket = await openNamedBucket(bucketConfig);
  return observeBucket(bucket, bucketMetrics(registry, { bucket: bucket.name, nowMs: () => clock.nowMs() }), clock);
}

function createWriteServer(config: IngesterConfig, { writes, log }: { writes: WriteService; log: Logger }): GrpcServer {
  const server = createGrpcServer({
    address: config.grpcAddress,
    codec: { encode: snappyFramedEncode, decode: snappyFramedDecode },
    messageBytesMax,
    connectionAgeMsMax: config.grpcConnectionAgeMsMax,
    onInternalError: (error, path) =>
      log.error('call failed', {
        path,
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      }),
  });
  const empty = new Uint8Array();
  server.addRawUnary('/thanos.WriteableStore/RemoteWrite', async ({ bytes, encoding }) => {
    try {
      await writes.remoteWrite(bytes, encoding);
    } catch (error) {
      // Upstream answers INTERNAL, which routers take for an outage; so they do with ours.
      if (error instanceof MessageError) throw new UnreadableMessageError(error.message, { cause: error });
      throw error;
    }
    return empty;
  });
  return server;
}

/** Tenants in directories of a real disk. */
function diskStore(
  config: IngesterConfig,
  {
    directory,
    bucket,
    log,
    clock,
  }: { directory: DataDirectory; bucket: Bucket | undefined; log: Logger; clock: Clock },
): TenantStore {
  return {
    list: () => directory.tenants(),
    openDatabase: async (tenant, signal) => {
      const dir = directory.pathOf(tenant);
      // Left by a Prometheus or a Thanos that was killed; upstream removes it as well.
      await nodeVfs.remove(`${dir}/lock`);
      return Tsdb.open({
        vfs: nodeVfs,
        dir,
        clock,
        randomBytes,
        log,
        blockRangeMs: config.blockRangeMs,
        chunkRangeMs: config.chunkRangeMs,
        retentionMs: config.retentionMs,
        futureWindowMs: config.futureWindowMs,
        signal,
        wal: { compress: config.walCompression, durability: config.walDurability },
        pendingBytesMax,
      });
    },
    openShipper: (tenant) => {
      if (bucket === undefined) return undefined;
      const labels = tenantLabels(config.labels, { tenantLabelName: config.tenantLabelName, tenant });
      return createShipper({
        vfs: nodeVfs,
        bucket,
        dir: directory.pathOf(tenant),
        labels: () => labels,
        source: 'receive',
        clock,
        log: log.with({ tenant }),
        ...config.shipper,
      });
    },
  };
}
