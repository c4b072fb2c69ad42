import {
  Client,
  connectivityState,
  type ChannelCredentials,
  Metadata,
  type ServiceError,
  credentials as grpcCredentials,
} from '@grpc/grpc-js';
import { type ClientTls, type Reloaded } from '@gauntlet/tls';
import { PeerError, grpcCodeOf } from './errors.js';
import { type FrameCodec } from './frame-codec.js';
import { messageBytesMaxDefault } from './server.js';
import { adaptChannel, markCompressed } from './grpc-js-adaptation.js';
import { ReloadedChannelCredentials } from './tls-credentials.js';

export interface PeerOptions {
  /** Reads answers in snappy. */
  readonly codec: FrameCodec;
  /** Of what is sent. */
  readonly messageBytesMax?: number;
  /** The longest answer that is taken; that of messages when not given. */
  readonly replyBytesMax?: number;
  /** Longest pause between two attempts to connect, so that a restarted peer is found soon. */
  readonly reconnectMsMax?: number;
  /** Speaks TLS; plain text without it. */
  readonly tls?: Reloaded<ClientTls>;
  /** In place of `tls`, for those who bring grpc-js' own. */
  readonly credentials?: ChannelCredentials;
  /** Sent with each call. Names are lower case and none begins with `grpc-`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a caller sends: plain bytes, or one framed snappy stream that goes out as it is. */
export interface OutgoingMessage {
  readonly bytes: Uint8Array;
  readonly compressed: boolean;
}

export interface CallOptions {
  /** Unix milliseconds after which the call ends with DEADLINE_EXCEEDED. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** One connection to one server. */
export interface Peer {
  readonly address: string;
  /** The bytes of the reply, decompressed. The message must stay as it is until then. Throws `PeerError`. */
  call(path: string, message: OutgoingMessage, options: CallOptions): Promise<Buffer>;
  /**
   * Resolves to true when the connection that is lost now is there again, and to false when there is one already or the time is over; meanwhile
   * it tries to connect.
   */
  reconnected(deadlineMs: number): Promise<boolean>;
  /** Running calls end with an error. */
  close(): void;
}

/**
 * Connects at the first call and again whenever the connection is lost. While the peer cannot be reached, calls fail
 * at once with UNAVAILABLE instead of waiting for their deadline.
 *
 * The address is what hashring files hold: `host:port`, or with a scheme as in `dns:///host:port`.
 */
export function connectPeer(address: string, options: PeerOptions): Peer {
  const messageBytesMax = options.messageBytesMax ?? messageBytesMaxDefault;
  const replyBytesMax = options.replyBytesMax ?? messageBytesMax;
  const credentials =
    options.credentials ??
    (options.tls ? new ReloadedChannelCredentials(options.tls) : grpcCredentials.createInsecure());
  const client = new Client(address, credentials, {
    'grpc.max_receive_message_length': replyBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    // Thanos servers answer pings on idle connections with GOAWAY.
    'grpc.keepalive_permit_without_calls': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': options.reconnectMsMax ?? 1_000,
    // grpc-js resolves names again at most every 30 s by default: too long after a pod got a new address.
    'grpc.dns_min_time_between_resolutions_ms': 1_000,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
    'grpc.enable_http_proxy': 0,
  });
  adaptChannel(client.getChannel(), options.codec, replyBytesMax);

  const plain = new Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) plain.set(name, value);
  const compressed = markCompressed(plain.clone());

  return {
    address,
    call: (path, message, call) =>
      unary({ client, address, path, metadata: message.compressed ? compressed : plain }, message, call),
    reconnected: (deadlineMs) =>
      new Promise((resolve) => {
        if (client.getChannel().getConnectivityState(true) === connectivityState.READY) resolve(false);
        else client.waitForReady(deadlineMs, (error) => resolve(error === undefined || error === null));
      }),
    close: () => client.close(),
  };
}

const passThrough = (bytes: Buffer): Buffer => bytes;

function unary(
  target: { client: Client; address: string; path: string; metadata: Metadata },
  message: OutgoingMessage,
  { deadlineMs, signal }: CallOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(
        new PeerError(
          target.address,
          { code: grpcCodeOf('CANCELLED'), details: 'Call cancelled before it began' },
          { cause: signal.reason },
        ),
      );
      return;
    }
    const { bytes } = message;
    const call = withoutStackTraces(() =>
      target.client.makeUnaryRequest(
        target.path,
        passThrough,
        passThrough,
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        target.metadata, // Shared by calls: grpc-js clones it before it adds to it.
        { deadline: deadlineMs },
        (error: ServiceError | null, reply?: Buffer) => {
          signal?.removeEventListener('abort', onAbort);
          if (error) reject(new PeerError(target.address, error, { cause: error }));
          else resolve(reply ?? Buffer.alloc(0));
        },
      ),
    );
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** grpc-js takes a stack trace for each call in case that it fails, and `PeerError` has its own. A trace costs as much as sending a small message. */
function withoutStackTraces<T>(run: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
