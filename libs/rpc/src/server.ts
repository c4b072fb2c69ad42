import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  logVerbosity,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { ServerHttp2Session } from 'node:http2';
import { GiB, InvariantViolation, MiB, OperationalError, messageOf } from '@gauntlet/base';
import { ListenError, listenError, parseListenAddress } from '@gauntlet/telemetry';
import { type Reloaded, type ServerTls } from '@gauntlet/tls';
import { CallTally, createMethodTally, type CallListeners, type MethodTally, type MethodType } from './call-tally.js';
import { grpcStatusOf } from './errors.js';
import { type FrameCodec } from './frame-codec.js';
import { Health, healthService } from './health.js';
import {
  type RawMessage,
  type RawRequest,
  adaptServerSessions,
  deserializeRaw,
  serverInterceptor,
} from './grpc-js-adaptation.js';
import { type MessageSink } from './message-sink.js';
import { createReflection, type ProtoFile } from './reflection.js';
import { ReloadedServerCredentials } from './tls-credentials.js';

/** Thanos sets no limit; ours is what a length prefix and a Buffer both can hold. */
export const messageBytesMaxDefault = 2 * GiB - 1;

// One call of the hot path fits its stream's window, and a few dozen calls the connection's: see rpc.bench.ts.
const streamWindowBytes = 4 * MiB;
const sessionWindowBytes = 32 * MiB;

/** Calls at a time on one connection; more wait in the client. */
const callsPerConnectionMax = 256;

/** `onCallStart` and `onCall` are told of every call at its start and at its end, for request logs. */
export interface GrpcServerOptions extends CallListeners {
  /** `host:port`, as `--grpc-address` has it. */
  readonly address: string;
  /** Decompresses snappy for methods that are not raw. */
  readonly codec: FrameCodec;
  /** The longest message that is taken, compressed or not. */
  readonly messageBytesMax?: number;
  /** A connection is asked to leave after this age, so that clients spread again. */
  readonly connectionAgeMsMax?: number;
  /** Calls that still run so long after that are broken off; without it they may take their time. */
  readonly connectionAgeGraceMs?: number;
  /** Whether calls that came in snappy are answered in snappy. */
  readonly answersInSnappy?: boolean;
  /** Files that reflection tells of; without it there is no reflection. */
  readonly protoFiles?: readonly ProtoFile[];
  /** Serves TLS; plain text without it. */
  readonly tls?: Reloaded<ServerTls>;
  /** In place of `tls`, for those who bring grpc-js' own. */
  readonly credentials?: ServerCredentials;
  /** Told of what handlers threw and peers must not see: our own bugs. */
  readonly onInternalError?: (error: unknown, path: string) => void;
}

/** What a handler may know of its call. */
export interface CallContext {
  /** Unix milliseconds at which the caller stops waiting. */
  readonly deadlineMs: number | undefined;
  /** Aborts when the caller goes away or its deadline passes. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  readonly peer: string;
}

/** Answers one call with the bytes of its reply. The message's bytes are its own until it has. What it throws becomes a status by the table in errors.ts. */
export type RawUnaryHandler = (message: RawMessage, call: CallContext) => Promise<Uint8Array>;

/**
 * Answers one call with any number of messages, until its promise resolves. Whoever writes much awaits `out.ready` before
 * each message; the wait ends when the caller leaves. What it throws becomes a status, after the messages written so far.
 */
export type RawServerStreamHandler = (message: RawMessage, call: CallContext, out: MessageSink) => Promise<void>;

export interface GrpcServer {
  /** Registers a unary method by its path, such as `/thanos.WriteableStore/RemoteWrite`. Before or after `listen`. */
  addRawUnary(path: string, handler: RawUnaryHandler): void;
  /** Registers a method that answers with a stream of messages. */
  addRawServerStream(path: string, handler: RawServerStreamHandler): void;
  /** The counts of all methods so far, by path; `collectGrpcMetrics` makes metrics of them. */
  methodTallies(): readonly MethodTally[];
  /** How often `onInternalError` was called, or would have been. */
  internalErrorCount(): number;
  /** Binds, and resolves to the port. Throws `ListenError`. */
  listen(): Promise<number>;
  /** Sets what the health service says; it starts with NOT_SERVING. */
  setReady(ready: boolean): void;
  /** Takes no more calls, waits for those that run, and breaks off what is left after the grace period. */
  stop(graceMs: number): Promise<void>;
}

/** A gRPC server that also takes framed snappy. The health service is registered, and reflection where it has files to tell of. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  // Whatever goes wrong reaches us as an error; grpc-js would write lines of its own to standard error beside it.
  setLogVerbosity(logVerbosity.NONE);
  const messageBytesMax = options.messageBytesMax ?? messageBytesMaxDefault;
  const methods = new MethodTallies();
  const server = new Server({
    // grpc-js counts no ping strikes, so clients may ping as often as they like.
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    ...(options.connectionAgeMsMax === undefined ? {} : { 'grpc.max_connection_age_ms': options.connectionAgeMsMax }),
    ...(options.connectionAgeGraceMs === undefined
      ? {}
      : { 'grpc.max_connection_age_grace_ms': options.connectionAgeGraceMs }),
    // A peer of ours or of Thanos makes a few calls at a time; each may hold one message.
    'grpc.max_concurrent_streams': callsPerConnectionMax,
    'grpc.enable_channelz': 0,
    interceptors: [
      serverInterceptor({
        codec: options.codec,
        answersInSnappy: options.answersInSnappy ?? false,
        beginCall: ({ path, ...type }) => new CallTally(path, methods.of(path, type), options),
      }),
    ],
  });
  const sessions = new Set<ServerHttp2Session>();
  adaptServerSessions(server, {
    streamWindowBytes,
    sessionWindowBytes,
    onSession: (session) => {
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
      // A client that resets its connection is no news; without a listener it would end the process.
      session.on('error', () => session.destroy());
    },
  });
  const health = new Health();
  methods.addService(healthService);
  server.addService(healthService, health.implementation);
  if (options.protoFiles) {
    const reflection = createReflection(options.protoFiles, () => methods.services());
    for (const { definition, implementation } of reflection) {
      methods.addService(definition);
      server.addService(definition, implementation);
    }
  }
  const credentials =
    options.credentials ??
    (options.tls ? new ReloadedServerCredentials(options.tls) : ServerCredentials.createInsecure());
  let internalErrors = 0;
  const onInternalError = (error: unknown, path: string): void => {
    internalErrors += 1;
    options.onInternalError?.(error, path);
  };

  return {
    addRawUnary(path, handler) {
      methods.add(path, 'unary');
      server.register(path, answerRawUnary(path, handler, onInternalError), asIs, deserializeRaw, 'unary');
    },
    addRawServerStream(path, handler) {
      methods.add(path, 'server_stream');
      server.register(path, answerRawStream(path, handler, onInternalError), asIs, deserializeRaw, 'serverStream');
    },
    methodTallies: () => methods.all(),
    internalErrorCount: () => internalErrors,
    listen: () => listen(server, options.address, credentials),
    setReady: (ready) => health.setReady(ready),
    stop: (graceMs) => {
      health.stop();
      return stop(server, sessions, graceMs);
    },
  };
}

// What is sent is copied behind its header in any case.
const asIs = (reply: Uint8Array): Buffer => reply as Buffer;

type InternalErrorListener = (error: unknown, path: string) => void;

function answerRawUnary(path: string, handler: RawUnaryHandler, onInternalError: InternalErrorListener) {
  return (call: ServerUnaryCall<RawRequest, Buffer>, answer: sendUnaryData<Buffer>): void => {
    const cancellation = new Cancellation(path);
    let answered = false;
    // grpc-js also says "cancelled" after each answer, which concerns no one.
    call.on('cancelled', () => {
      if (!answered) cancellation.cancel();
    });
    handle(() => handler(call.request, contextOf(call, cancellation)))
      .then(
        (reply) => {
          answered = true;
          answer(null, reply as Buffer);
        },
        (error: unknown) => {
          answered = true;
          if (isInternal(error)) onInternalError(error, path);
          answer(grpcStatusOf(error));
        },
      )
      .finally(call.request.release); // The reply may lie in the message: it has been copied by now.
  };
}

function answerRawStream(path: string, handler: RawServerStreamHandler, onInternalError: InternalErrorListener) {
  return (call: ServerWritableStream<RawRequest, Buffer>): void => {
    const cancellation = new Cancellation(path);
    const sink = call.request.openSink();
    // grpc-js says it after each answer too: then there is nobody left whom it concerns.
    call.on('cancelled', () => sink.cancel(cancellation.cancel()));
    handle(() => handler(call.request, contextOf(call, cancellation), sink))
      .then(
        () => {
          sink.end();
          call.end();
        },
        (error: unknown) => {
          if (isInternal(error)) onInternalError(error, path);
          sink.end();
          call.emit('error', grpcStatusOf(error));
        },
      )
      .finally(call.request.release);
  };
}

function contextOf(call: SurfaceCall, cancellation: Cancellation): CallContext {
  const deadline = call.getDeadline();
  return {
    deadlineMs: deadline === Infinity ? undefined : Number(deadline),
    get signal() {
      return cancellation.signal;
    },
    metadata: call.metadata,
    peer: call.getPeer(),
  };
}

function isInternal(error: unknown): boolean {
  return error instanceof InvariantViolation || !(error instanceof OperationalError);
}

/** The tallies of a server's methods. */
class MethodTallies {
  readonly #tallies = new Map<string, MethodTally>();

  add(path: string, type: MethodType): void {
    this.#tallies.set(path, createMethodTally(path, type));
  }

  addService(definition: ServiceDefinition): void {
    for (const method of Object.values(definition)) this.add(method.path, methodTypeOf(method));
  }

  of(path: string, streams: MethodStreams): MethodTally {
    const known = this.#tallies.get(path);
    if (known) return known;
    const added = createMethodTally(path, methodTypeOf(streams));
    this.#tallies.set(path, added);
    return added;
  }

  all(): readonly MethodTally[] {
    return [...this.#tallies.values()];
  }

  services(): string[] {
    return [...new Set(this.all().map(({ service }) => service))].sort();
  }
}

/** What all kinds of calls have in common. */
type SurfaceCall = Pick<ServerUnaryCall<unknown, unknown>, 'getDeadline' | 'getPeer' | 'metadata'>;

interface MethodStreams {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

function methodTypeOf({ requestStream, responseStream }: MethodStreams): MethodType {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}

/** The signal of a call, made when somebody asks for it: most handlers never do. */
class Cancellation {
  readonly #path: string;
  #isCancelled = false;
  #controller: AbortController | undefined;
  #madeReason: Error | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isCancelled) this.#abort();
    }
    return this.#controller.signal;
  }

  /** @returns the reason */
  cancel(): Error {
    this.#isCancelled = true;
    this.#abort();
    return this.#reason;
  }

  get #reason(): Error {
    return (this.#madeReason ??= new CallCancelledError(this.#path));
  }

  #abort(): void {
    this.#controller?.abort(this.#reason);
  }
}

/** So that a handler which throws before its first await is answered like any other. */
async function handle<T>(handler: () => Promise<T>): Promise<T> {
  return handler();
}

/** The reason of a call's signal once nobody waits for its answer. */
export class CallCancelledError extends OperationalError {
  readonly kind = 'cancelled';
  readonly code = 'RPC_CALL_CANCELLED';
  constructor(path: string) {
    super(`Cannot answer ${path}: the caller went away or its deadline passed`);
  }
}

async function listen(server: Server, text: string, credentials: ServerCredentials): Promise<number> {
  try {
    const address = parseListenAddress(text);
    const host = address.host === '' ? '0.0.0.0' : address.host.includes(':') ? `[${address.host}]` : address.host;
    return await new Promise((resolve, reject) => {
      server.bindAsync(`${host}:${address.port}`, credentials, (error, port) => {
        if (error) reject(listenError(address, error));
        else resolve(port);
      });
    });
  } catch (error) {
    throw new ListenError('LISTEN_FAILED', `listen gRPC on address ${text}: ${messageOf(error)}`, { cause: error });
  }
}

function stop(server: Server, sessions: ReadonlySet<ServerHttp2Session>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      for (const session of sessions) session.destroy();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
