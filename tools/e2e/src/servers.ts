import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPeer, type Peer } from '@gauntlet/base/testing';
import { parseTextFormat, type Child, type ScrapedSample } from '@gauntlet/stack-tool';
import { type Lab, waitFor } from './lab.js';
import { receiveCommand, subject, type Maker } from './peers.js';

/** A process with an HTTP port. */
export interface Server {
  readonly child: Child;
  /** `127.0.0.1:PORT` of its HTTP listener. */
  readonly http: string;
}
export interface GrpcServer extends Server {
  readonly grpc: string;
}
export interface Ingester extends GrpcServer {
  readonly dataDir: string;
  /** Of the listener that it has for itself. */
  readonly remoteWriteUrl: string;
  /** Starts another process with the same addresses and data, after this one has ended. */
  restart(): Promise<Ingester>;
}
export interface Router extends GrpcServer {
  readonly remoteWriteUrl: string;
  /** Starts another process with the same addresses, after this one has ended. */
  restart(): Promise<Router>;
}

export interface IngesterPlan {
  readonly maker?: Maker;
  readonly name: string;
  readonly dataDir?: string;
  readonly bucketDir?: string;
  readonly blockDuration?: string;
  readonly flags?: readonly string[];
  /** The name of the external label that tells ingesters apart: `replica`, unless senders have a label of that name. */
  readonly replicaLabel?: string;
  /** Whether to wait for the replay of what is in the directory, which ours does behind the writes that it takes already; true by default. */
  readonly awaitReplay?: boolean;
  /** Sees each process as soon as there is one, long before it is ready. */
  readonly onSpawn?: (child: Child) => void;
}

/** Starts an ingester and waits until it is ready, and as a rule until it has replayed its logs. */
export async function startIngester(lab: Lab, plan: IngesterPlan): Promise<Ingester> {
  const ports = await lab.ports(4);
  return launchIngester(lab, { ...plan, dataDir: plan.dataDir ?? lab.folder(`${plan.name}-data`) }, ports, 0);
}

async function launchIngester(
  lab: Lab,
  plan: IngesterPlan & { dataDir: string },
  ports: readonly number[],
  generation: number,
): Promise<Ingester> {
  const maker = plan.maker ?? subject;
  const { http, grpc, flags } = listeners(maker, ports);
  const duration = plan.blockDuration ?? '2h';
  const child = lab.spawn(`${plan.name}${again(generation)}`, receiveCommand(maker, 'ingester'), [
    ...flags,
    `--remote-write.address=127.0.0.1:${ports[2]}`,
    // Without retention Thanos prunes no tenants: pruning panics when it falls into the start, at 0, 4, 8 ... o'clock.
    ...(maker === 'gauntlet' ? [] : ['--tsdb.retention=0d']),
    `--tsdb.path=${plan.dataDir}`,
    `--label=${plan.replicaLabel ?? 'replica'}="${plan.name}"`,
    `--tsdb.min-block-duration=${duration}`,
    `--tsdb.max-block-duration=${duration}`,
    ...(plan.bucketDir === undefined ? [] : [`--objstore.config=${bucketConfig(plan.bucketDir)}`]),
    ...(plan.flags ?? []),
  ]);
  plan.onSpawn?.(child);
  await untilReady(child, http, plan.awaitReplay === false ? undefined : incomplete);
  return {
    child,
    http,
    grpc,
    dataDir: plan.dataDir,
    remoteWriteUrl: remoteWriteUrl(ports),
    restart: () => launchIngester(lab, plan, ports, generation + 1),
  };
}

export interface RouterPlan {
  readonly maker?: Maker;
  readonly name?: string;
  readonly ingesters: readonly string[];
  readonly replicationFactor?: number;
  /** Replaces the one hashring over all ingesters. */
  readonly hashrings?: unknown;
  readonly flags?: readonly string[];
}

/** Starts a router over a ketama hashring and waits until it is ready. */
export async function startRouter(lab: Lab, plan: RouterPlan): Promise<Router> {
  return launchRouter(lab, plan, await lab.ports(4), 0);
}

async function launchRouter(lab: Lab, plan: RouterPlan, ports: readonly number[], generation: number): Promise<Router> {
  const { maker = subject, name = 'router', ingesters, replicationFactor = 1, hashrings, flags = [] } = plan;
  const listen = listeners(maker, ports);
  const file = join(lab.dir, `${name}-hashrings.json`);
  writeFileSync(file, JSON.stringify(hashrings ?? [{ endpoints: ingesters }]));
  const child = lab.spawn(`${name}${again(generation)}`, receiveCommand(maker, 'router'), [
    ...listen.flags,
    `--remote-write.address=127.0.0.1:${ports[2]}`,
    '--label=router="0"',
    `--receive.hashrings-file=${file}`,
    '--receive.hashrings-algorithm=ketama',
    `--receive.replication-factor=${replicationFactor}`,
    ...flags,
  ]);
  await untilReady(child, listen.http);
  return {
    child,
    http: listen.http,
    grpc: listen.grpc,
    remoteWriteUrl: remoteWriteUrl(ports),
    restart: () => launchRouter(lab, plan, ports, generation + 1),
  };
}

const remoteWriteUrl = (ports: readonly number[]): string => `http://127.0.0.1:${ports[2]}/api/v1/receive`;
const again = (generation: number): string => (generation > 0 ? `-again${generation}` : '');

/** A flag of Prometheus: it looks at targets five seconds after it has heard of them unless told otherwise. */
export const targetsAtOnce = '--scrape.discovery-reload-interval=100ms';

/** A Prometheus with the given configuration; `reload` replaces it. */
export async function startPrometheus(
  lab: Lab,
  plan: { name?: string; dataDir: string; config: object; mode?: 'server' | 'agent'; flags?: readonly string[] },
): Promise<Server & { reload(config: object): void }> {
  const name = plan.name ?? 'prometheus';
  const [port] = await lab.ports(1);
  const http = `127.0.0.1:${port}`;
  const file = join(lab.dir, `${name}.json`);
  const write = (config: object): void => writeFileSync(file, JSON.stringify(config)); // JSON is YAML too.
  const own = JSON.stringify(plan.config).replaceAll('SELF', http);
  write(JSON.parse(own) as object);
  const child = lab.spawn(name, peerCommand('prometheus'), [
    `--config.file=${file}`,
    ...(plan.mode === 'agent'
      ? ['--agent', `--storage.agent.path=${plan.dataDir}`]
      : [`--storage.tsdb.path=${plan.dataDir}`]),
    `--web.listen-address=${http}`,
    ...(plan.flags ?? []),
  ]);
  await untilReady(child, http);
  return {
    child,
    http,
    reload: (config) => {
      write(config);
      child.signal('SIGHUP');
    },
  };
}

export async function startThanosStore(lab: Lab, { bucketDir }: { bucketDir: string }): Promise<GrpcServer> {
  const [httpPort, grpcPort] = await lab.ports(2);
  const [http, grpc] = [`127.0.0.1:${httpPort}`, `127.0.0.1:${grpcPort}`];
  const child = lab.spawn('thanos-store', peerCommand('thanos'), [
    'store',
    `--http-address=${http}`,
    `--grpc-address=${grpc}`,
    `--data-dir=${lab.folder('thanos-store')}`,
    `--objstore.config=${bucketConfig(bucketDir)}`,
  ]);
  await untilReady(child, http);
  return { child, http, grpc };
}

export async function startThanosQuery(
  lab: Lab,
  {
    name = 'thanos-query',
    stores,
    flags = [],
  }: { name?: string; stores: readonly string[]; flags?: readonly string[] },
): Promise<GrpcServer> {
  const [httpPort, grpcPort] = await lab.ports(2);
  const [http, grpc] = [`127.0.0.1:${httpPort}`, `127.0.0.1:${grpcPort}`];
  const child = lab.spawn(name, peerCommand('thanos'), [
    'query',
    `--http-address=${http}`,
    `--grpc-address=${grpc}`,
    ...stores.map((store) => `--endpoint=${store}`),
    ...flags,
  ]);
  await untilReady(child, http);
  return { child, http, grpc };
}

export interface Minio {
  readonly child: Child;
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}
export async function startMinio(lab: Lab): Promise<Minio> {
  const [port, console] = await lab.ports(2);
  const endpoint = `127.0.0.1:${port}`;
  const child = lab.spawn('minio', peerCommand('minio'), [
    'server',
    '--address',
    endpoint,
    '--console-address',
    `127.0.0.1:${console}`,
    lab.folder('minio'),
  ]);
  await waitFor(async () => (await fetch(`http://${endpoint}/minio/health/ready`)).ok, {
    timeoutMs: 20_000,
    what: 'minio',
  });
  return { child, endpoint, accessKey: 'minioadmin', secretKey: 'minioadmin' };
}

export const bucketConfig = (directory: string): string =>
  JSON.stringify({ type: 'FILESYSTEM', config: { directory } });

export const peerCommand = (peer: Peer): readonly [string] => [findPeer(peer) ?? peer];

export async function readMetrics({ http }: { readonly http: string }): Promise<ScrapedSample[]> {
  return parseTextFormat(await (await fetch(`http://${http}/metrics`)).text());
}

/** Notes below the `OK` of an ingester that takes writes while something of its directory is not read yet. */
const incomplete = /^(opening|replaying) /m;

async function untilReady(child: Child, http: string, unless?: RegExp): Promise<void> {
  const state = await waitFor(
    async () => {
      if (child.ending) return 'ended';
      const answer = await fetch(`http://${http}/-/ready?verbose`);
      return answer.ok && unless?.test(await answer.text()) !== true && 'ready';
    },
    { timeoutMs: 30_000, what: `${child.name} to become ready` },
  );
  if (state === 'ended')
    throw new Error(`${child.name} ended with ${child.ending?.signal ?? child.ending?.code} before it was ready`);
}

function listeners(maker: Maker, ports: readonly number[]): { http: string; grpc: string; flags: string[] } {
  const [http, grpc] = [`127.0.0.1:${ports[0]}`, `127.0.0.1:${ports[1]}`];
  // The real one always opens its third protocol, which ours does not serve.
  const more =
    maker === 'thanos'
      ? [`--receive.capnproto-address=127.0.0.1:${ports[3]}`, '--http-grace-period=1s', '--grpc-grace-period=1s']
      : [];
  return { http, grpc, flags: [`--http-address=${http}`, `--grpc-address=${grpc}`, ...more] };
}
