import { MiB, secondMs, silentLog, systemClock, type Clock, type Log } from '@gauntlet/base';
import { createIntake, MessageError, type Intake, type MessageEncoding } from '@gauntlet/kernel';
import type { Algorithm, Hashrings } from '@gauntlet/ring';
import { UnreadableMessageError } from '@gauntlet/rpc';
import {
  Admission,
  serveWrites,
  statusWithoutSeries,
  tellInternalErrors,
  writeListenerDefaults,
  type WriteListenerOptions,
} from '@gauntlet/write-http';
import { WriteRefusedError } from './errors.js';
import { nodeHashringFile, type HashringFile } from './hashring-file.js';
import { hashringsOfContent, HashringWatcher } from './hashring-watcher.js';
import { silentObserver, type RouterObserver } from './observer.js';
import type { PeerTransport } from './peer-transport.js';
import { Peers } from './peers.js';
import { Router } from './router.js';

export interface RouterConfig {
  /** Where remote write clients connect; port 0 takes a free one; no host, or an empty one, means every interface. */
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
  const onInternalError = config.onInternalError ?? tellInternalErrors(log);
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
  const hashrings = hashringSource(settings, (applied) => router.apply(applied));

  // Clients that come at once should find owners for their series; when that takes long, they are told so.
  const applying = hashrings.start();
  await settledWithin(hashringPatienceMs, applying);
  const server = await serveWrites({
    status: statusWithoutSeries(router),
    ...settings.writes,
    listen,
    target: router,
    intake,
    admission,
    observer,
    clock,
    log,
    random,
    onInternalError,
  }).catch((error: unknown) => {
    hashrings.stop();
    applying.catch(() => undefined); // The listener's error is the one to tell.
    throw error;
  });
  try {
    await applying;
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return {
    httpAddress: server.address,
    ready: () => router.ready && !stopping,
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
      // Writes that are answered may still have copies under way.
      await server.stop(graceMs, () => peers.close());
    },
  };
}

/**
 * Waits for the work, but no longer than so; rejects when it does.
 * In real time: what a process waits for as it starts is the world, and no clock that somebody holds should keep it from listening.
 */
async function settledWithin(ms: number, work: Promise<void>): Promise<void> {
  const isOver = new AbortController();
  try {
    await Promise.race([work, systemClock.sleep(ms, isOver.signal).catch(() => undefined)]);
  } finally {
    isOver.abort('over');
  }
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
