import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import {
  invariant,
  MiB,
  minuteMs,
  OperationalError,
  secondMs,
  systemClock,
  UndoStack,
  type Clock,
} from '@gauntlet/base';
import { createBlockReaders } from '@gauntlet/block-reader';
import { createIntake, messageBytesCeiling, snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { isTenantValid } from '@gauntlet/model';
import { collectGrpcMetrics, openGrpcServerTls, type FrameCodec } from '@gauntlet/rpc';
import { answerStatusTsdb, serveStoreApi } from '@gauntlet/store-api';
import {
  collectTlsMetrics,
  createRequestLog,
  startProbeServer,
  type Logger,
  type MetricRegistry,
} from '@gauntlet/telemetry';
import type { TsdbOptions } from '@gauntlet/tsdb';
import { nodeVfs } from '@gauntlet/vfs';
import { openWrites, tellInternalErrors, type StatusHandler, type WriteTarget } from '@gauntlet/write-http';
import { openConfiguredBucket } from './configured-bucket.js';
import { DataDirectory } from './data-directory.js';
import { diskStore, type DiskStoreOptions } from './disk-store.js';
import { createGate } from './gate.js';
import { createWriteServer } from './grpc-write-server.js';
import type { IngesterConfig } from './ingester-config.js';
import { ingesterWriteTarget } from './ingester-write-target.js';
import { defaultMemoryBytesMax, MemoryUse } from './memory-use.js';
import { registerMetrics } from './metrics.js';
import { ownProcess } from './process-identity.js';
import { registerReadMetrics } from './read-metrics.js';
import { readsAfter, waitsFor } from './reads-after.js';
import { readinessOf, type Readiness } from './readiness.js';
import { serveClients } from './serve-clients.js';
import { serveStatus } from './serve-status.js';
import { tenantReaders } from './tenant-readers.js';
import { Tenants } from './tenants.js';
import { Upkeep } from './upkeep.js';
import { WriteGuard } from './write-guard.js';
import { WriteService } from './write-service.js';

export interface IngesterEnvironment {
  readonly log: Logger;
  readonly registry: MetricRegistry;
  readonly clock?: Clock;
  /** Writes the blocks; in this thread by default. */
  readonly heavyWork?: NonNullable<TsdbOptions['heavyWork']>;
}

export interface RunningIngester {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly remoteWritePort: number;
  /** Resolves when every tenant that was there is found, and open if something is in its log; writes are taken before. */
  readonly started: Promise<void>;
  /** What `/-/ready` says. */
  readiness(): Readiness;
  /** Where the writes go that a listener of this process takes. */
  readonly writeTarget: WriteTarget;
  /** Stops taking writes, flushes heads to blocks, uploads them, closes the databases. */
  stop(): Promise<void>;
}

/** The default tenant cannot be a directory. */
class DefaultTenantError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'DEFAULT_TENANT_INVALID';
}

const codec: FrameCodec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
/** A request that decompresses to more is refused; a router forwards far less. */
const messageBytesMax = 128 * MiB;
invariant(messageBytesMax <= messageBytesCeiling, 'the intake takes the largest message');
/** Bytes of messages from routers, as they came, in work at once. */
const inflightBytesMax = 256 * MiB;
/** Logs that are replayed at the same time: it is one thread's work, and each holds a segment in memory. */
const replaysAtOnce = 2;
/** How often the health service is told whether writes are taken. */
const readinessIntervalMs = secondMs;
/** Longest wait for the last uploads; what is left goes up after the next start. */
const lastUploadMsMax = 10 * minuteMs;

/**
 * Starts an ingester: listens and takes writes at once. Tenants are looked for, and logs replayed, behind that.
 * @throws when the data directory, the bucket's configuration or an address cannot be used
 */
export async function startIngester(
  config: IngesterConfig,
  environment: IngesterEnvironment,
): Promise<RunningIngester> {
  if (!isTenantValid(config.defaultTenant))
    throw new DefaultTenantError(
      `Cannot use --receive.default-tenant-id=${config.defaultTenant}: tenant name not valid`,
    );
  const opened = new UndoStack();
  try {
    return await start(config, { clock: systemClock, ...environment }, opened);
  } catch (error) {
    await opened.undo();
    throw error;
  }
}

async function start(
  config: IngesterConfig,
  { log, registry, clock, heavyWork }: IngesterEnvironment & { readonly clock: Clock },
  opened: UndoStack,
): Promise<RunningIngester> {
  const bucket = config.bucketConfig && (await openConfiguredBucket(config.bucketConfig, { registry, clock }));
  const requestLog = createRequestLog(config.requestLog, log);
  const { tenantHeader, defaultTenant, grpcTls } = config;
  const serverTls = grpcTls && opened.add(await openGrpcServerTls(grpcTls, { log }), (tls) => tls.close());
  if (serverTls) collectTlsMetrics(registry, [serverTls]);
  const clients = opened.add(
    await openWrites(
      { ...config.writes, tenantHeader, defaultTenant },
      { log, clock, registry, requestLog: config.requestLog && requestLog },
    ),
    (writes) => writes.close(),
  );
  const directory = opened.add(
    await DataDirectory.open(nodeVfs, config.dataDir, { process: ownProcess, lock: config.lock }),
    (open) => open.close(),
  );
  const { blockRangeMs, retentionMs, retentionBytesMax, freeDiskBytesMin } = config;
  const memory = new MemoryUse(() => process.memoryUsage.rss());
  const memoryBytesMax =
    config.memoryBytesMax ??
    defaultMemoryBytesMax({ containerBytes: process.constrainedMemory(), machineBytes: totalmem() });
  const guard = new WriteGuard({
    freeDiskBytesMin,
    memoryBytesMax,
    freeDiskBytes: () => directory.freeBytes(),
    // A head that is being filled is at its peak: it has nothing free inside.
    usedMemoryBytes: () =>
      memory.measure(tenants.all().flatMap(({ database }) => (database.state === 'open' ? [database.head] : []))),
    heap: () => {
      const { used_heap_size: usedBytes, heap_size_limit: bytesMax } = getHeapStatistics();
      return { usedBytes, bytesMax };
    },
    relieve: () => upkeep.maintain(),
    clock,
    log,
  });
  const blockReaders = createBlockReaders(nodeVfs);
  const tenants: Tenants = new Tenants({
    store: diskStore({
      vfs: nodeVfs,
      directory,
      bucket,
      log,
      clock,
      blockReaders,
      labels: config.labels,
      tenantLabelName: config.tenantLabelName,
      shipper: config.shipper,
      database: databaseOptions(config, heavyWork),
      activeSeriesMax: config.activeSeriesMax ?? ((tenant) => clients.limits.activeSeriesMax(tenant)),
    }),
    clock,
    log,
    blockRangeMs,
    retentionMs,
    keepsExemplars: config.exemplarsMax > 0,
    refusalToOpen: (tenant) => guard.refusalToOpen(tenant),
  });
  const upkeep = new Upkeep({ tenants, clock, log, blockRangeMs });
  const intake = createIntake({ messageBytesMax });
  const writes = new WriteService({
    intake,
    databases: tenants,
    inflightBytesMax,
    refusal: () => guard.refusal(),
  });
  registerMetrics(registry, {
    tenants,
    writes,
    guard,
    limits: { freeDiskBytesMin, memoryBytesMax, retentionBytesMax },
  });
  const stopping = new AbortController();
  let isStarting = true;
  let endStart = (): void => {};
  const started = new Promise<void>((resolve) => (endStart = resolve));
  const readiness = (): Readiness =>
    readinessOf({ isStopping: stopping.signal.aborted, isStarting, reasons: guard.reasons, tenants: tenants.counts });

  const readers = tenantReaders({
    tenants,
    labels: config.labels,
    tenantLabelName: config.tenantLabelName,
    isReady: () => !isStarting && !stopping.signal.aborted,
  });
  const selectsDropped = { seriesMax: 0, samplesMax: 0 };
  registerReadMetrics(registry, { tenants, selectsDropped });

  // Before the first write: the disk may be full already.
  await guard.check();
  const wait = waitsFor(started, clock);
  const status: StatusHandler = async (request) => {
    await wait(request.signal);
    return answerStatusTsdb(request, readers, { tenantHeader, defaultTenant, clock });
  };
  const probes = opened.add(
    await startProbeServer({
      address: config.httpAddress,
      registry,
      ready: () => readiness().ready,
      readyNotes: () => readiness().notes,
      component: 'receive',
      routes: (app) => serveStatus(app, status),
      webConfigFile: config.httpConfigFile,
      log,
      requestLog,
    }),
    (probeServer) => probeServer.stop(0),
  );
  const server = opened.add(
    createWriteServer(writes, {
      address: config.grpcAddress,
      codec,
      messageBytesMax,
      connectionAgeMsMax: config.grpcConnectionAgeMsMax,
      onInternalError: tellInternalErrors(log),
      ...requestLog.grpc,
      ...(serverTls && { tls: serverTls }),
    }),
    (grpc) => grpc.stop(0),
  );
  collectGrpcMetrics(registry, server);
  serveStoreApi(readsAfter(wait, server), readers, {
    limits: config.selectLimits,
    codec,
    clock,
    log,
    onSelectDropped: (reason) => (selectsDropped[reason] += 1),
  });
  const writeTarget = ingesterWriteTarget(writes);
  const listener = opened.add(
    await serveClients({
      address: config.remoteWriteAddress,
      target: writeTarget,
      intake,
      settings: clients.settings,
      status,
      registry,
      clock,
      log,
    }),
    (open) => open.stop(0),
  );
  const grpcPort = await server.listen();
  const loops = [
    guard.run(stopping.signal),
    tellReadiness(() => server.setReady(readiness().ready), { clock, signal: stopping.signal }),
  ];
  void tenants.start([config.defaultTenant]).then(() => {
    isStarting = false;
    upkeep.start();
    endStart();
  });

  return {
    httpPort: probes.port,
    grpcPort,
    remoteWritePort: listener.address.port,
    started,
    readiness,
    writeTarget,
    async stop() {
      stopping.abort(new Error('the ingester is stopping'));
      await Promise.all(loops);
      server.setReady(false);
      await Promise.all([server.stop(config.grpcGraceMs), listener.stop(config.httpGraceMs)]);
      clients.close();
      serverTls?.close();
      await upkeep.stop();
      await tenants.stop(lastUploadMsMax);
      await blockReaders.close();
      await bucket?.close();
      await directory.close();
      await probes.stop(config.httpGraceMs);
    },
  };
}

/** What each tenant's database is told. */
function databaseOptions(
  config: IngesterConfig,
  heavyWork: IngesterEnvironment['heavyWork'],
): DiskStoreOptions['database'] {
  return {
    blockRangeMs: config.blockRangeMs,
    chunkRangeMs: config.chunkRangeMs,
    retentionMs: config.retentionMs,
    retentionBytesMax: config.retentionBytesMax,
    futureWindowMs: config.futureWindowMs,
    outOfOrderWindowMs: config.outOfOrderWindowMs,
    outOfOrderCapMax: config.outOfOrderCapMax,
    exemplarsMax: config.exemplarsMax,
    wal: { compress: config.walCompression, durability: config.walDurability },
    replayGate: createGate(replaysAtOnce),
    ...(heavyWork === undefined ? {} : { heavyWork }),
  };
}

/** Tells the health service once a second whether writes are taken. */
async function tellReadiness(
  tell: () => void,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    tell();
    await clock.sleep(readinessIntervalMs, signal).catch(() => {});
  }
}
