import { MiB, messageOf, secondMs, silentLog, systemClock, type Clock, type Log } from '@gauntlet/base';
import { createIntake, MessageError, type Intake, type MessageEncoding } from '@gauntlet/kernel';
import type { Algorithm, Hashrings } from '@gauntlet/ring';
import { UnreadableMessageError } from '@gauntlet/rpc';
import { formatHostPort, listenError, ListenError } from '@gauntlet/telemetry';
import {
  Admission,
  createWriteListener,
  statusWithoutSeries,
  writeListenerDefaults,
  type WriteListenerOptions,
  type WriteSource,
} from '@gauntlet/write-http';
import { WriteRefusedError } from './errors.js';
import { nodeHashringFile, type HashringFile } from './hashring-file.js';
import { hashringsOfContent, HashringWatcher } from './hashring-watcher.js';
import { silentObserver, type RouterObserver } from './observer.js';
import type { PeerTransport } from './peer-transport.js';
import { Peers } from './peers.js';
import { Router } from './router.js';

export interface RouterConfig {
  /** Where remote write clients connect; port 0 takes a free one, no host means every interface. */
  readonly listen: { readonly host?: string; readonly port: number };
  readonly hashrings:
    { readonly file: string | HashringFile; readonly refreshIntervalMs: number } | { readonly content: string };
  /** For hashrings that name none. */
  readonly algorithm: Algorithm;
  readonly replicationFactor: number;
  readonly transport: PeerTransport;
  /** How the listener for clients treats their requests; what is left out has its defaults there. */
  readonly writes?: WriteSettings;
  /** Compression of calls to peers. */
  readonly compression?: 'snappy' | 'none';
  /** Calls at a time to each peer. */
  readonly workersPerPeer?: number;
  readonly forwardTimeoutMs?: number;
  readonly forwardBackoffMsMax?: number;
  /** A message that decompresses to more is refused. */
  readonly messageBytesMax?: number;
  readonly requestsInflightMax?: number;
  readonly bytesInflightMax?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly log?: Log;
  readonly observer?: RouterObserver;
  readonly intake?: Intake;
  /** Told of broken invariants; their text stays in the log. */
  readonly onInternalError?: (error: unknown) => void;
}

/** How long the listener waits for the first hashrings. */
const hashringPatienceMs = secondMs;

/** Tenancy, limits, rules, TLS of the listener for clients. */
export type WriteSettings = Omit<
  Partial<WriteListenerOptions>,
  'target' | 'intake' | 'admission' | 'observer' | 'clock' | 'log' | 'onInternalError'
>;

export const routerDefaults = {
  compression: 'snappy',
  workersPerPeer: 5,
  forwardTimeoutMs: 5 * secondMs,
  forwardBackoffMsMax: 5 * secondMs,
  messageBytesMax: 128 * MiB,
  requestsInflightMax: writeListenerDefaults.requestsInflightMax,
  bytesInflightMax: writeListenerDefaults.bytesInflightMax,
} as const;

export interface RunningRouter {
  readonly httpAddress: { readonly host: string; readonly port: number };
  /** Whether writes are taken: a hashring is applied, and the router is not stopping. */
  ready(): boolean;
  /**
   * A `thanos.WriteRequest` that came over gRPC, from a router in front of this one. It is placed and replicated again.
   * Rejects with operational errors; one that carries `grpcCode` names the status that its kind does not.
   */
  handleRemoteWrite(message: Uint8Array, encoding: MessageEncoding): Promise<void>;
  /** Takes no more writes, lets those under way finish, and breaks off what is left after the grace period. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Applies the first hashrings, then opens the listener; when they take longer than a second, it listens without them, and is ready once they are applied.
 * Rejects with HashringLoadError, or with ListenError, and then nothing is left running.
 */
export async function startRouter(config: RouterConfig): Promise<RunningRouter> {
  const settings = {
    ...routerDefaults,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    observer: silentObserver,
    ...config,
  };
  const { clock, random, log, observer, replicationFactor, listen } = settings;
  const compressed = settings.compression === 'snappy';
  const onInternalError =
    config.onInternalError ?? ((error: unknown) => log.error('internal error', { error: messageOf(error) }));
  const peers = new Peers(config.transport, {
    workers: Math.max(1, settings.workersPerPeer),
    compressed,
    backoffMsMax: settings.forwardBackoffMsMax,
    clock,
    random,
    observer,
  });
  const intake = config.intake ?? createIntake({ messageBytesMax: settings.messageBytesMax });
  const router = new Router({
    intake,
    peers,
    clock,
    replicationFactor,
    forwardTimeoutMs: settings.forwardTimeoutMs,
    compressed,
  });
  const admission = new Admission(settings);
  let stopping = false;
  const target = {
    get ready() {
      return router.ready;
    },
    write: (source: WriteSource) => router.write(source),
  };
  const server = createWriteListener({
    status: statusWithoutSeries(target),
    ...settings.writes,
    target,
    intake,
    admission,
    observer,
    clock,
    log,
    random,
    onInternalError,
  });
  const hashrings = hashringSource(settings, (applied) => router.apply(applied));

  // Clients that come at once should find owners for their series; when that takes long, they are told so.
  const applying = hashrings.start();
  await Promise.race([applying, systemClock.sleep(hashringPatienceMs)]);
  const { address, port } = await server.listen(listen.port, listen.host).catch((error: unknown) => {
    hashrings.stop();
    const { host = '' } = listen;
    const { message } = listenError({ host, port: listen.port, text: formatHostPort(host, listen.port) }, error);
    throw new ListenError('LISTEN_FAILED', `error starting web server: ${message}`, { cause: error });
  });
  try {
    await applying;
  } catch (error) {
    server.closeAllConnections();
    await server.stopListening(0);
    throw error;
  }
  return {
    httpAddress: { host: address, port },
    ready: () => target.ready && !stopping,
    async handleRemoteWrite(message, encoding) {
      const claim = admission.claim(message.length);
      observer.pendingWrites(1);
      try {
        const { verdict, text } = await router.write({
          scan: () => intake.scan(message, encoding, { kind: 'thanos' }),
          release: () => {},
          tellsLostExemplars: false,
        });
        if (verdict !== 'stored') throw new WriteRefusedError(verdict, text);
      } catch (error) {
        // As peers answer it: INTERNAL, which a router in front retries.
        throw error instanceof MessageError ? new UnreadableMessageError(error.message, { cause: error }) : error;
      } finally {
        observer.pendingWrites(-1);
        claim.release();
      }
    },
    async stop(graceMs) {
      stopping = true;
      hashrings.stop();
      const grace = new AbortController();
      const lingerMs = Math.min(writeListenerDefaults.lingerMs, graceMs);
      const closed = server.stopListening(lingerMs);
      // Writes that are answered may still have copies under way.
      const finished = Promise.race([closed, pause(clock, lingerMs)])
        .then(() => admission.drain())
        .then(() => peers.close());
      await Promise.race([finished, clock.sleep(graceMs, grace.signal).catch(() => undefined)]);
      grace.abort();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Nothing is no pause, whatever the clock. */
function pause(clock: Clock, ms: number): Promise<void> {
  return ms > 0 ? clock.sleep(ms) : Promise.resolve();
}

function hashringSource(
  settings: Pick<RouterConfig, 'hashrings' | 'algorithm' | 'replicationFactor'> & {
    readonly clock: Clock;
    readonly log: Log;
    readonly observer: RouterObserver;
  },
  apply: (hashrings: Hashrings) => void,
): { start(): Promise<void>; stop(): void } {
  const { hashrings, observer } = settings;
  if ('content' in hashrings) {
    return {
      async start() {
        const applied = hashringsOfContent(hashrings.content, settings);
        apply(applied);
        observer.hashringsChanged({ configHash: undefined, hashrings: applied });
      },
      stop: () => undefined,
    };
  }
  const file = typeof hashrings.file === 'string' ? nodeHashringFile(hashrings.file) : hashrings.file;
  return new HashringWatcher({
    ...settings,
    file,
    hashring: settings,
    refreshIntervalMs: hashrings.refreshIntervalMs,
    apply,
  });
}
