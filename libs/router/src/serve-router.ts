import { systemClock, UndoStack } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { collectGrpcMetrics, createGrpcServer, openGrpcServerTls, type GrpcServer } from '@gauntlet/rpc';
import { answerStatusTsdb, serveStoreApi, type TenantReaders } from '@gauntlet/store-api';
import {
  collectTlsMetrics,
  createRequestLog,
  parseListenAddress,
  startProbeServer,
  type Logger,
  type MetricRegistry,
  type RequestLogConfig,
} from '@gauntlet/telemetry';
import { openClientTls, type ClientTlsFiles, type ServerTlsFiles } from '@gauntlet/tls';
import { protoFiles } from '@gauntlet/wire';
import {
  openWrites,
  tellInternalErrors,
  WriteNotReadyError,
  writeListenerDefaults,
  type WriteConfig,
} from '@gauntlet/write-http';
import { withArtificialDelay } from './artificial-delay.js';
import { grpcPeerTransport } from './peer-transport.js';
import { routerMetrics } from './router-metrics.js';
import { routerDefaults, startRouter, type RouterConfig, type RunningRouter } from './start-router.js';

export interface RouterServerConfig extends Pick<
  RouterConfig,
  | 'hashrings'
  | 'algorithm'
  | 'replicationFactor'
  | 'compression'
  | 'workersPerPeer'
  | 'forwardTimeoutMs'
  | 'forwardBackoffMsMax'
> {
  /** Probes and metrics. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly remoteWriteAddress: string;
  /** Of the listener for clients. */
  readonly writes?: WriteConfig;
  /** The web configuration file of `httpAddress`; undefined for plain text that anyone may read. */
  readonly httpConfigFile?: string | undefined;
  /** Undefined for plain text. */
  readonly grpcTls?: ServerTlsFiles | undefined;
  /** Of the connections to peers; undefined for plain text. */
  readonly peerTls?: ClientTlsFiles | undefined;
  /** Tests only: calls to the second peer wait up to so long. */
  readonly artificialDelayMsMax?: number;
  /** Undefined logs no requests. */
  readonly requestLog?: RequestLogConfig | undefined;
  readonly httpGraceMs: number;
  readonly grpcGraceMs: number;
  readonly grpcConnectionAgeMsMax: number;
}

export interface RouterServerEnvironment {
  readonly log: Logger;
  readonly registry: MetricRegistry;
}

export interface RouterServer {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly remoteWritePort: number;
  /** Takes no more writes, lets those under way finish, closes all listeners. */
  stop(): Promise<void>;
}

/**
 * The routing tier as a whole: writes over HTTP and gRPC, probes and metrics, and the StoreAPI of one that holds no series.
 * @throws when an address, the hashrings, or a file that a flag names cannot be used; nothing is left running then
 */
export async function serveRouter(
  config: RouterServerConfig,
  environment: RouterServerEnvironment,
): Promise<RouterServer> {
  const opened = { files: new UndoStack(), servers: new UndoStack() };
  try {
    return await serve(config, environment, opened);
  } catch (error) {
    await opened.servers.undo();
    await opened.files.undo();
    throw error;
  }
}

async function serve(
  config: RouterServerConfig,
  { log, registry }: RouterServerEnvironment,
  { files, servers }: { readonly files: UndoStack; readonly servers: UndoStack },
): Promise<RouterServer> {
  const clock = systemClock;
  const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
  const requestLog = createRequestLog(config.requestLog, log);
  const onInternalError = tellInternalErrors(log);
  const { grpcTls, peerTls } = config;
  const serverTls = grpcTls && files.add(await openGrpcServerTls(grpcTls, { log }), (tls) => tls.close());
  const clientTls = peerTls && files.add(await openClientTls(peerTls, { log, use: 'peers' }), (tls) => tls.close());
  const writes = files.add(
    await openWrites(config.writes ?? {}, { log, clock, registry, requestLog: config.requestLog && requestLog }),
    (opened) => opened.close(),
  );
  collectTlsMetrics(
    registry,
    [serverTls, clientTls].filter((tls) => tls !== undefined),
  );
  // The listeners answer before the router runs.
  const started: { router?: RunningRouter } = {};
  const probes = servers.add(
    await startProbeServer({
      address: config.httpAddress,
      registry,
      ready: () => started.router?.ready() ?? false,
      component: 'receive',
      webConfigFile: config.httpConfigFile,
      log,
      requestLog,
    }),
    (server) => server.stop(0),
  );
  const readers: TenantReaders = {
    get isReady() {
      return started.router?.ready() ?? false;
    },
    all: () => [],
  };
  const server = servers.add(
    createGrpcServer({
      address: config.grpcAddress,
      codec,
      protoFiles,
      messageBytesMax: routerDefaults.messageBytesMax,
      connectionAgeMsMax: config.grpcConnectionAgeMsMax,
      onInternalError,
      ...requestLog.grpc,
      ...(serverTls && { tls: serverTls }),
    }),
    (opened) => opened.stop(0),
  );
  collectGrpcMetrics(registry, server);
  addRemoteWrite(server, () => started.router);
  serveStoreApi(server, readers, { limits: { seriesMax: 0, samplesMax: 0 }, codec, clock, log });
  const grpcPort = await server.listen();
  const { tenantHeader = writeListenerDefaults.tenantHeader, defaultTenant = writeListenerDefaults.defaultTenant } =
    config.writes ?? {};
  const router = await startRouter({
    ...config,
    listen: parseListenAddress(config.remoteWriteAddress),
    transport: withArtificialDelay(grpcPeerTransport({ codec, ...(clientTls && { tls: clientTls }) }), {
      msMax: config.artificialDelayMsMax ?? 0,
      clock,
      random: Math.random,
    }),
    writes: {
      ...writes.settings,
      status: (request) => answerStatusTsdb(request, readers, { tenantHeader, defaultTenant, clock }),
    },
    observer: routerMetrics(registry, {
      replicationFactor: config.replicationFactor,
      forwardTimeoutMs: config.forwardTimeoutMs ?? routerDefaults.forwardTimeoutMs,
    }),
    log,
    onInternalError,
  });
  started.router = router;
  server.setReady(true);
  return {
    httpPort: probes.port,
    grpcPort,
    remoteWritePort: router.httpAddress.port,
    async stop() {
      server.setReady(false);
      await Promise.all([router.stop(config.httpGraceMs), server.stop(config.grpcGraceMs)]);
      await probes.stop(config.httpGraceMs);
      await files.undo();
    },
  };
}

function addRemoteWrite(server: GrpcServer, router: () => RunningRouter | undefined): void {
  const empty = new Uint8Array();
  server.addRawUnary('/thanos.WriteableStore/RemoteWrite', async ({ bytes, encoding }) => {
    const running = router();
    if (running === undefined) throw new WriteNotReadyError();
    await running.handleRemoteWrite(bytes, encoding);
    return empty;
  });
}
