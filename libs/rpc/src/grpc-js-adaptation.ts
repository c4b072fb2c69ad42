import {
  type ChannelInterface,
  Metadata,
  type Server,
  type ServerInterceptingCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type * as http2 from 'node:http2';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { invariant, messageOf } from '@gauntlet/base';
import { type GrpcStatus, UnreadableMessageError, grpcCodeOf, grpcStatusOf } from './errors.js';
import { type FrameCodec } from './frame-codec.js';
import { BufferPool, frameHeaderBytes, MessageReader, pooledBufferOf } from './message-reader.js';

/*
 * Everything that reaches into grpc-js' private parts, in one file. grpc-js speaks identity, gzip and deflate and has no
 * door for another encoding or for HTTP/2 windows, so we replace these things, each on one instance and never on a
 * prototype:
 *
 *   server   `decoder` of each raw call, `decompressMessage` and `handleEndEvent` of each call
 *            `commonServerOptions.settings` and the sessions of its HTTP/2 server, for windows
 *   client   the compression filter factory at the bottom of the channel's filter stack
 *
 * Each is checked before use, and `snappy-adaptation.test.ts` runs every path over the wire: a grpc-js that changed
 * underneath fails the test or stops the process at start, and never corrupts a write.
 */

/** How the bytes of a message lie. */
export type MessageEncoding = 'identity' | 'snappy-framed';

/** A message as it came: framed snappy is left compressed, gzip and deflate are not. */
export interface RawMessage {
  /** Valid until the call is answered: later messages use the memory again. */
  readonly bytes: Buffer;
  readonly encoding: MessageEncoding;
  /** Gives the memory back; once. */
  readonly release: () => void;
}

/** What we tell peers that we understand. */
export const acceptedEncodings = 'snappy,gzip,identity';

/** Marks a method as raw: its handler gets a `RawMessage`, never decompressed. */
export const deserializeRaw = (message: Buffer): RawMessage => message as unknown as RawMessage;

// --- Server

interface ServerCallInternals {
  decoder: Pick<MessageReader, 'readState' | 'write'>;
  incomingEncoding: string;
  maxReceiveMessageSize: number;
  decompressMessage(framed: Buffer, encoding: string): unknown;
  handleEndEvent(): void;
}

/**
 * Teaches each call of a server framed snappy, and the answers that grpc-go gives to broken frames. It must be the
 * first of the server's interceptors: that one gets grpc-js' own call object.
 */
export function snappyServerInterceptor(codec: FrameCodec): ServerInterceptor {
  const pool = new BufferPool();
  return (method, baseCall) => {
    // The declared type is a wrapper class, of which only the interface is used.
    const call = baseCall as ServerInterceptingCall;
    const internals = call as unknown as ServerCallInternals;
    requireServerCallInternals(internals);
    const encoding = internals.incomingEncoding;
    if (!['', 'identity', 'snappy', 'gzip', 'deflate'].includes(encoding)) {
      call.sendStatus({
        code: grpcCodeOf('UNIMPLEMENTED'),
        details: `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`,
      });
      return call;
    }
    const raw = method.requestDeserialize === deserializeRaw;
    const bytesMax = internals.maxReceiveMessageSize < 0 ? 2 ** 31 - 1 : internals.maxReceiveMessageSize;
    if (raw) internals.decoder = new MessageReader(pool, bytesMax);
    let messages = 0;
    internals.decompressMessage = (framed) => {
      messages += 1;
      const bytes = framed.subarray(frameHeaderBytes);
      if (!raw) return framed[0] === 1 ? decompress(bytes, { encoding, bytesMax, codec }) : bytes;
      const release = (): void => pool.give(pooledBufferOf(framed));
      if (framed[0] !== 1) return { bytes, encoding: 'identity', release };
      if (encoding === 'snappy') return { bytes, encoding: 'snappy-framed', release };
      const plain = decompress(bytes, { encoding, bytesMax, codec });
      return Buffer.isBuffer(plain) ? asIdentity(plain) : plain.then(asIdentity);
    };
    const handleEndEvent = internals.handleEndEvent;
    internals.handleEndEvent = () => {
      // The stream ended inside a frame, or before the only one. grpc-js would wait for ever, or answer UNIMPLEMENTED.
      const cut = internals.decoder.readState !== 0;
      if (cut || (!method.requestStream && messages === 0)) {
        call.sendStatus({ code: grpcCodeOf('UNKNOWN'), details: cut ? 'unexpected EOF' : 'EOF' });
      } else {
        handleEndEvent.call(internals);
      }
    };
    return call;
  };
}

function asIdentity(bytes: Buffer): RawMessage {
  return { bytes, encoding: 'identity', release: () => undefined };
}

function requireServerCallInternals(call: ServerCallInternals): void {
  invariant(
    typeof call.decompressMessage === 'function' &&
      typeof call.handleEndEvent === 'function' &&
      typeof call.incomingEncoding === 'string' &&
      typeof call.maxReceiveMessageSize === 'number' &&
      typeof call.decoder?.readState === 'number' &&
      typeof call.decoder.write === 'function',
    'grpc-js server calls have the internals that snappy-adaptation.ts relies on',
  );
}

/** What a server should do with each HTTP/2 session. */
export interface ServerSessions {
  /** Bytes that one call may send before we have read them. */
  readonly streamWindowBytes: number;
  /** The same for all calls of a connection together. */
  readonly sessionWindowBytes: number;
  /** Called for each new session; grpc-js itself offers no way to find them all without channelz. */
  onSession(session: http2.ServerHttp2Session): void;
}

interface ServerInternals {
  commonServerOptions: http2.ServerOptions;
  createHttp2Server(credentials: unknown): http2.Http2Server;
}

/**
 * Widens the HTTP/2 windows, which grpc-js leaves at the 64 KiB of the standard: a message of 160 KB then takes three
 * round trips. Before the server is bound.
 */
export function adaptServerSessions(server: Server, sessions: ServerSessions): void {
  const internals = server as unknown as ServerInternals;
  const createHttp2Server = internals.createHttp2Server;
  invariant(
    typeof internals.commonServerOptions === 'object' && typeof createHttp2Server === 'function',
    'grpc-js servers have the internals that snappy-adaptation.ts relies on',
  );
  internals.commonServerOptions.settings = {
    ...internals.commonServerOptions.settings,
    initialWindowSize: sessions.streamWindowBytes,
  };
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    http2Server.on('session', (session) => {
      session.setLocalWindowSize(sessions.sessionWindowBytes);
      sessions.onSession(session);
    });
    return http2Server;
  };
}

// --- Client

interface WriteObject {
  readonly message: Buffer;
  readonly flags?: number;
}

interface ChannelInternals {
  internalChannel?: { filterStackFactory?: { factories?: { createFilter(): object; sharedFilterConfig?: object }[] } };
}

/** Lets the calls of a channel send messages that are compressed already (mark them with `compressedMetadata`) and read framed snappy. */
export function adaptChannel(channel: ChannelInterface, codec: FrameCodec, messageBytesMax: number): void {
  const factories = (channel as unknown as ChannelInternals).internalChannel?.filterStackFactory?.factories;
  invariant(
    factories?.length === 1 && factories[0]?.sharedFilterConfig !== undefined,
    'grpc-js channels have the filter stack that snappy-adaptation.ts relies on',
  );
  factories[0] = { createFilter: () => new FramingFilter(codec, messageBytesMax) };
}

/** The metadata of a call whose message is a framed snappy stream. Shared by calls: grpc-js clones it before it adds to it. */
export function compressedMetadata(): Metadata {
  const metadata = new Metadata();
  metadata.set('grpc-encoding', 'snappy');
  return metadata;
}

/** Puts messages into frames and takes them out again, for one call, in place of grpc-js' compression filter. */
class FramingFilter {
  readonly #codec: FrameCodec;
  readonly #bytesMax: number;
  #sendsCompressed = false;
  #receives = 'identity';

  constructor(codec: FrameCodec, bytesMax: number) {
    this.#codec = codec;
    this.#bytesMax = bytesMax;
  }

  async sendMetadata(pending: Promise<Metadata>): Promise<Metadata> {
    const metadata = await pending;
    metadata.set('grpc-accept-encoding', acceptedEncodings);
    metadata.set('accept-encoding', 'identity');
    this.#sendsCompressed = metadata.get('grpc-encoding')[0] === 'snappy';
    return metadata;
  }

  receiveMetadata(metadata: Metadata): Metadata {
    this.#receives = String(metadata.get('grpc-encoding')[0] ?? 'identity');
    metadata.remove('grpc-encoding');
    metadata.remove('grpc-accept-encoding');
    return metadata;
  }

  async sendMessage(pending: Promise<WriteObject>): Promise<WriteObject> {
    const { message, flags } = await pending;
    const framed = Buffer.allocUnsafe(message.length + 5);
    framed[0] = this.#sendsCompressed ? 1 : 0;
    framed.writeUInt32BE(message.length, 1);
    message.copy(framed, 5);
    return flags === undefined ? { message: framed } : { message: framed, flags };
  }

  async receiveMessage(pending: Promise<Buffer>): Promise<Buffer> {
    const framed = await pending;
    const bytes = framed.subarray(5);
    if (framed[0] !== 1) return bytes;
    return decompress(bytes, { encoding: this.#receives, bytesMax: this.#bytesMax, codec: this.#codec });
  }

  receiveTrailers<Status>(status: Status): Status {
    return status;
  }

  push(): void {}
}

// --- Both

interface Decompression {
  readonly encoding: string;
  readonly bytesMax: number;
  readonly codec: FrameCodec;
}

const unzips = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
};

/** Throws or rejects with a `StatusError`, because grpc-js sends on the status that it catches. */
function decompress(bytes: Buffer, { encoding, bytesMax, codec }: Decompression): Buffer | Promise<Buffer> {
  if (encoding === 'gzip' || encoding === 'deflate') {
    return unzips[encoding](bytes, { maxOutputLength: bytesMax }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw unreadable(error);
      throw new StatusError({
        code: grpcCodeOf('RESOURCE_EXHAUSTED'),
        details: `Cannot decompress gRPC message: it is longer than ${bytesMax} bytes`,
      });
    });
  }
  if (encoding !== 'snappy') {
    throw new StatusError({
      code: grpcCodeOf('INTERNAL'),
      details: 'grpc: compressed flag set with identity or empty encoding',
    });
  }
  try {
    return codec.decode(bytes, bytesMax);
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(cause: unknown): StatusError {
  return new StatusError(grpcStatusOf(new UnreadableMessageError(messageOf(cause))));
}

/** A status on its way through grpc-js, which reads `code` and `details` of whatever it catches. */
class StatusError extends Error {
  readonly code: number;
  readonly details: string;
  constructor({ code, details }: GrpcStatus) {
    super(details);
    this.code = code;
    this.details = details;
  }
}
