import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  logVerbosity,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { ServerHttp2Session } from 'node:http2';
import { GiB, InvariantViolation, MiB, OperationalError, messageOf } from '@gauntlet/base';
import { ListenError, listenError, parseListenAddress } from '@gauntlet/telemetry';
import { grpcStatusOf } from './errors.js';
import { type FrameCodec } from './frame-codec.js';
import { Health, healthService } from './health.js';
import { type RawMessage, adaptServerSessions, deserializeRaw, snappyServerInterceptor } from './snappy-adaptation.js';

/** Thanos sets no limit; ours is what a length prefix and a Buffer both can hold. */
export const messageBytesMaxDefault = 2 * GiB - 1;

// One call of the hot path fits its stream's window, and a few dozen calls the connection's: see rpc.bench.ts.
const streamWindowBytes = 4 * MiB;
const sessionWindowBytes = 32 * MiB;

/** Calls at a time on one connection; more wait in the client. */
const callsPerConnectionMax = 256;

export interface GrpcServerOptions {
  /** `host:port`, as `--grpc-address` has it. */
  readonly address: string;
  /** Decompresses snappy for methods that are not raw. */
  readonly codec: FrameCodec;
  /** The longest message that is taken, compressed or not. */
  readonly messageBytesMax?: number;
  /** A connection is asked to leave after this age, so that clients spread again. */
  readonly connectionAgeMsMax?: number;
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

export interface GrpcServer {
  /** Registers a unary method by its path, such as `/thanos.WriteableStore/RemoteWrite`. Before or after `listen`. */
  addRawUnary(path: string, handler: RawUnaryHandler): void;
  /** Binds, and resolves to the port. Throws `ListenError`. */
  listen(): Promise<number>;
  /** Sets what the health service says; it starts with NOT_SERVING. */
  setReady(ready: boolean): void;
  /** Takes no more calls, waits for those that run, and breaks off what is left after the grace period. */
  stop(graceMs: number): Promise<void>;
}

/** A gRPC server that also takes framed snappy. The health service is registered; nothing else is. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  // Whatever goes wrong reaches us as an error; grpc-js would write lines of its own to standard error beside it.
  setLogVerbosity(logVerbosity.NONE);
  const messageBytesMax = options.messageBytesMax ?? messageBytesMaxDefault;
  const server = new Server({
    // grpc-js counts no ping strikes, so clients may ping as often as they like.
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    ...(options.connectionAgeMsMax === undefined ? {} : { 'grpc.max_connection_age_ms': options.connectionAgeMsMax }),
    // A peer of ours or of Thanos makes a few calls at a time; each may hold one message.
    'grpc.max_concurrent_streams': callsPerConnectionMax,
    'grpc.enable_channelz': 0,
    interceptors: [snappyServerInterceptor(options.codec)],
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
  server.addService(healthService, health.implementation);
  const credentials = options.credentials ?? ServerCredentials.createInsecure();

  return {
    addRawUnary(path, handler) {
      const onInternalError = options.onInternalError ?? (() => undefined);
      server.register(path, answerRawUnary(path, handler, onInternalError), Buffer.from, deserializeRaw, 'unary');
    },
    listen: () => listen(server, options.address, credentials),
    setReady: (ready) => health.setReady(ready),
    stop: (graceMs) => {
      health.stop();
      return stop(server, sessions, graceMs);
    },
  };
}

function answerRawUnary(
  path: string,
  handler: RawUnaryHandler,
  onInternalError: (error: unknown, path: string) => void,
) {
  return (call: ServerUnaryCall<RawMessage, Buffer>, answer: sendUnaryData<Buffer>): void => {
    const cancellation = new Cancellation(path);
    let answered = false;
    // grpc-js also says "cancelled" after each answer, which concerns no one.
    call.on('cancelled', () => {
      if (!answered) cancellation.cancel();
    });
    const deadline = call.getDeadline();
    const deadlineMs = deadline === Infinity ? undefined : Number(deadline);
    const context: CallContext = {
      deadlineMs,
      get signal() {
        return cancellation.signal;
      },
      metadata: call.metadata,
      peer: call.getPeer(),
    };
    handle(handler, call.request, context)
      .then(
        (reply) => {
          answered = true;
          answer(null, reply as Buffer);
        },
        (error: unknown) => {
          answered = true;
          if (error instanceof InvariantViolation || !(error instanceof OperationalError)) onInternalError(error, path);
          answer(grpcStatusOf(error));
        },
      )
      .finally(call.request.release); // The reply may lie in the message: it has been copied by now.
  };
}

/** The signal of a call, made when somebody asks for it: most handlers never do. */
class Cancellation {
  readonly #path: string;
  #isCancelled = false;
  #controller: AbortController | undefined;

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

  cancel(): void {
    this.#isCancelled = true;
    this.#abort();
  }

  #abort(): void {
    this.#controller?.abort(new CallCancelledError(this.#path));
  }
}

/** So that a handler which throws before its first await is answered like any other. */
async function handle(handler: RawUnaryHandler, message: RawMessage, context: CallContext): Promise<Uint8Array> {
  return handler(message, context);
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
