import { messageOf } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { createGrpcServer, type GrpcServer } from '@gauntlet/rpc';
import {
  parseListenAddress,
  startProbeServer,
  type Logger,
  type MetricRegistry,
  type ProbeServer,
} from '@gauntlet/telemetry';
import { WriteNotReadyError } from '@gauntlet/write-http';
import { grpcPeerTransport } from './peer-transport.js';
import { routerMetrics } from './router-metrics.js';
import { routerDefaults, startRouter, type RouterConfig, type RunningRouter } from './start-router.js';

export interface RouterServerConfig extends Pick<
  RouterConfig,
  | 'hashrings'
  | 'algorithm'
  | 'replicationFactor'
  | 'writes'
  | 'compression'
  | 'workersPerPeer'
  | 'forwardTimeoutMs'
  | 'forwardBackoffMsMax'
> {
  /** Probes and metrics. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly remoteWriteAddress: string;
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
 * The routing tier as a whole: remote write over HTTP, writes over gRPC, probes and metrics.
 * @throws when an address or the hashrings cannot be used; nothing is left running then
 */
export async function serveRouter(
  config: RouterServerConfig,
  { log, registry }: RouterServerEnvironment,
): Promise<RouterServer> {
  const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
  const onInternalError = (error: unknown, where = 'remote write'): void =>
    log.error('request failed', {
      where,
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  let router: RunningRouter | undefined;
  let probes: ProbeServer | undefined;
  let server: GrpcServer | undefined;
  try {
    probes = await startProbeServer({
      address: config.httpAddress,
      registry,
      ready: () => router?.ready() ?? false,
      component: 'receive',
    });
    server = createGrpcServer({
      address: config.grpcAddress,
      codec,
      messageBytesMax: routerDefaults.messageBytesMax,
      connectionAgeMsMax: config.grpcConnectionAgeMsMax,
      onInternalError,
    });
    const empty = new Uint8Array();
    server.addRawUnary('/thanos.WriteableStore/RemoteWrite', async ({ bytes, encoding }) => {
      if (router === undefined) throw new WriteNotReadyError();
      await router.handleRemoteWrite(bytes, encoding);
      return empty;
    });
    const grpcPort = await server.listen();
    router = await startRouter({
      ...config,
      listen: remoteWriteListen(config.remoteWriteAddress),
      transport: grpcPeerTransport({ codec }),
      observer: routerMetrics(registry, config),
      log,
      onInternalError,
    });
    server.setReady(true);
    return running(
      { router, probes, server },
      { httpPort: probes.port, grpcPort, remoteWritePort: router.httpAddress.port },
      config,
    );
  } catch (error) {
    await server?.stop(0);
    await probes?.stop(0);
    throw error;
  }
}

function running(
  { router, probes, server }: { router: RunningRouter; probes: ProbeServer; server: GrpcServer },
  ports: { httpPort: number; grpcPort: number; remoteWritePort: number },
  config: RouterServerConfig,
): RouterServer {
  return {
    ...ports,
    async stop() {
      server.setReady(false);
      await Promise.all([router.stop(config.httpGraceMs), server.stop(config.grpcGraceMs)]);
      await probes.stop(config.httpGraceMs);
    },
  };
}

function remoteWriteListen(text: string): { host?: string; port: number } {
  const { host, port } = parseListenAddress(text);
  return host === '' ? { port } : { host, port };
}
