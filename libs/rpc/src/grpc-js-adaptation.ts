import {
  type ChannelInterface,
  Metadata,
  type Server,
  type ServerInterceptingCall,
  type ServerInterceptor,
  type ServerMethodDefinition,
} from '@grpc/grpc-js';
import * as http2 from 'node:http2';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { invariant, messageOf } from '@gauntlet/base';
import { type GrpcStatus, UnreadableMessageError, grpcCodeOf, grpcStatusOf } from './errors.js';
import { type FrameCodec } from './frame-codec.js';
import { type CallTally } from './call-tally.js';
import { BlockSink } from './message-sink.js';
import { BufferPool, frameHeaderBytes, MessageReader, pooledBufferOf } from './message-reader.js';

/*
 * Everything that reaches into grpc-js' private parts, in one file. grpc-js speaks identity, gzip and deflate and has no
 * door for another encoding, for HTTP/2 windows, or for many messages in one write, so we replace these things, each on
 * one instance and never on a prototype:
 *
 *   server   `decoder` of each raw call, `decompressMessage`, `handleEndEvent`, `serializeMessage`, `sendMetadata` and
 *            `sendStatus` of each call; streams of raw messages are written to its HTTP/2 `stream`
 *            `commonServerOptions.settings` and the sessions of its HTTP/2 server, for windows
 *   client   the compression filter factory at the bottom of the channel's filter stack
 *
 * Each is checked before use, and `grpc-js-adaptation.test.ts` runs every path over the wire: a grpc-js that changed
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

/** What a raw method gets from grpc-js: the message, and the way around grpc-js for what is sent back. */
export interface RawRequest extends RawMessage {
  /** Once, for a stream of answers. Nothing of the stream goes through grpc-js but its status. */
  openSink(): BlockSink;
}

/** Marks a method as raw: its handler gets a `RawRequest`, never decompressed. */
export const deserializeRaw = (message: Buffer): RawRequest => message as unknown as RawRequest;

// --- Server

interface ServerCallInternals {
  readonly stream: http2.ServerHttp2Stream;
  decoder: Pick<MessageReader, 'readState' | 'write'>;
  deadline: Date | number;
  incomingEncoding: string;
  maxReceiveMessageSize: number;
  maxSendMessageSize: number;
  decompressMessage(framed: Buffer, encoding: string): unknown;
  handleEndEvent(): void;
  serializeMessage(value: unknown): Buffer;
  sendMetadata(metadata: Metadata): void;
  sendStatus(status: GrpcStatus): void;
}

export interface ServerInterceptorOptions {
  readonly codec: FrameCodec;
  /** Whether a call in snappy is answered in snappy. */
  readonly answersInSnappy: boolean;
  /** The tally of a call that begins. */
  readonly beginCall: (method: ServerMethodDefinition<unknown, unknown>) => CallTally;
}

/**
 * Teaches each call of a server framed snappy, streams in large writes, and the answers that grpc-go gives to broken
 * frames, and counts what it does. It must be the first of the server's interceptors: that one gets grpc-js' own call object.
 */
export function serverInterceptor(options: ServerInterceptorOptions): ServerInterceptor {
  const pool = new BufferPool();
  return (method, baseCall) => {
    // The declared type is a wrapper class, of which only the interface is used.
    const call = baseCall as ServerInterceptingCall;
    const internals = call as unknown as ServerCallInternals;
    requireServerCallInternals(internals);
    const tally = options.beginCall(method);
    watchEnd(internals, tally);
    const encoding = internals.incomingEncoding;
    if (!['', 'identity', 'snappy', 'gzip', 'deflate'].includes(encoding)) {
      call.sendStatus({
        code: grpcCodeOf('UNIMPLEMENTED'),
        details: `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`,
      });
      return call;
    }
    const compress =
      options.answersInSnappy && encoding === 'snappy'
        ? (bytes: Uint8Array): Uint8Array => options.codec.encode(bytes)
        : undefined;
    if (compress) nameEncoding(internals);
    adaptReading(internals, {
      method,
      tally,
      pool,
      codec: options.codec,
      openSink: () => openSink(internals, { tally, pool, compress }),
    });
    adaptSerializing(internals, { method, tally, compress });
    return call;
  };
}

interface Reading {
  readonly method: ServerMethodDefinition<unknown, unknown>;
  readonly tally: CallTally;
  readonly pool: BufferPool;
  readonly codec: FrameCodec;
  readonly openSink: () => BlockSink;
}

function adaptReading(internals: ServerCallInternals, { method, tally, pool, codec, openSink }: Reading): void {
  const encoding = internals.incomingEncoding;
  const raw = method.requestDeserialize === deserializeRaw;
  const bytesMax = sizeLimitOf(internals.maxReceiveMessageSize);
  if (raw) internals.decoder = new MessageReader(pool, bytesMax);
  let messages = 0;
  internals.decompressMessage = (framed) => {
    messages += 1;
    const bytes = framed.subarray(frameHeaderBytes);
    tally.addReceived(bytes.length);
    if (!raw) return framed[0] === 1 ? decompress(bytes, { encoding, bytesMax, codec }) : bytes;
    const release = (): void => pool.give(pooledBufferOf(framed));
    if (framed[0] !== 1) return { bytes, encoding: 'identity', release, openSink };
    if (encoding === 'snappy') return { bytes, encoding: 'snappy-framed', release, openSink };
    const asRequest = (plain: Buffer): RawRequest => {
      release();
      return { bytes: plain, encoding: 'identity', release: () => undefined, openSink };
    };
    const plain = decompress(bytes, { encoding, bytesMax, codec });
    return Buffer.isBuffer(plain) ? asRequest(plain) : plain.then(asRequest);
  };
  const handleEndEvent = internals.handleEndEvent;
  internals.handleEndEvent = () => {
    // The stream ended inside a frame, or before the only one. grpc-js would wait for ever, or answer UNIMPLEMENTED.
    const cut = internals.decoder.readState !== 0;
    if (cut || (!method.requestStream && messages === 0)) {
      internals.sendStatus({ code: grpcCodeOf('UNKNOWN'), details: cut ? 'unexpected EOF' : 'EOF' });
    } else {
      handleEndEvent.call(internals);
    }
  };
}

/** Tells the tally of the call's end, and sees to it that a deadline ends it whatever the caller reads. */
function watchEnd(internals: ServerCallInternals, tally: CallTally): void {
  const { stream, sendStatus } = internals;
  internals.sendStatus = (status) => {
    tally.end(status.code);
    // A status waits behind what is queued, which nobody may ever read.
    const late = status.code === grpcCodeOf('DEADLINE_EXCEEDED') && Date.now() >= Number(internals.deadline);
    if (late && stream.writableLength > 0) stream.close(http2.constants.NGHTTP2_CANCEL);
    else sendStatus.call(internals, { ...status, details: sendableDetails(status.details) });
  };
  stream.once('close', () => tally.end(grpcCodeOf('CANCELLED')));
  // grpc-js has no listener, and an error of a stream without one would end the process; its close says all we need.
  stream.on('error', () => undefined);
}

/** Longer ones may be more than a client takes as headers. */
const detailsCharsMax = 4096;

function sendableDetails(details: string): string {
  const cut = details.length > detailsCharsMax ? details.slice(0, detailsCharsMax) : details;
  // grpc-js calls encodeURI, which throws at half a surrogate pair.
  return cut.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function nameEncoding(internals: ServerCallInternals): void {
  const sendMetadata = internals.sendMetadata;
  internals.sendMetadata = (metadata) => {
    metadata.set('grpc-encoding', 'snappy');
    sendMetadata.call(internals, metadata);
  };
}

interface Serializing {
  readonly method: ServerMethodDefinition<unknown, unknown>;
  readonly tally: CallTally;
  readonly compress: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

function adaptSerializing(internals: ServerCallInternals, { method, tally, compress }: Serializing): void {
  internals.serializeMessage = (value) => {
    const bytes = method.responseSerialize(value);
    const content = compress ? compress(bytes) : bytes;
    tally.addSent(content.length);
    return frameOf(content, compress ? 1 : 0);
  };
}

interface SinkParts {
  readonly tally: CallTally;
  readonly pool: BufferPool;
  readonly compress: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

function openSink(internals: ServerCallInternals, { tally, pool, compress }: SinkParts): BlockSink {
  const { stream } = internals;
  return new BlockSink({
    stream,
    pool,
    compress,
    messageBytesMax: sizeLimitOf(internals.maxSendMessageSize),
    onFirstWrite: () => internals.sendMetadata(new Metadata()),
    onMessage: (bytes) => tally.addSent(bytes),
  });
}

function sizeLimitOf(option: number): number {
  return option < 0 ? 2 ** 31 - 1 : option;
}

function requireServerCallInternals(call: ServerCallInternals): void {
  invariant(
    typeof call.decompressMessage === 'function' &&
      typeof call.handleEndEvent === 'function' &&
      typeof call.serializeMessage === 'function' &&
      typeof call.sendMetadata === 'function' &&
      typeof call.sendStatus === 'function' &&
      typeof call.stream?.write === 'function' &&
      typeof call.stream.close === 'function' &&
      (typeof call.deadline === 'number' || call.deadline instanceof Date) &&
      typeof call.maxSendMessageSize === 'number' &&
      typeof call.incomingEncoding === 'string' &&
      typeof call.maxReceiveMessageSize === 'number' &&
      typeof call.decoder?.readState === 'number' &&
      typeof call.decoder.write === 'function',
    'grpc-js server calls have the internals that grpc-js-adaptation.ts relies on',
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
    'grpc-js servers have the internals that grpc-js-adaptation.ts relies on',
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

/** Lets the calls of a channel send messages that are compressed already (mark them with `markCompressed`) and read framed snappy. */
export function adaptChannel(channel: ChannelInterface, codec: FrameCodec, messageBytesMax: number): void {
  const factories = (channel as unknown as ChannelInternals).internalChannel?.filterStackFactory?.factories;
  invariant(
    factories?.length === 1 && factories[0]?.sharedFilterConfig !== undefined,
    'grpc-js channels have the filter stack that grpc-js-adaptation.ts relies on',
  );
  factories[0] = { createFilter: () => new FramingFilter(codec, messageBytesMax) };
}

/** Makes metadata that of calls whose message is a framed snappy stream. */
export function markCompressed(metadata: Metadata): Metadata {
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
    const framed = frameOf(message, this.#sendsCompressed ? 1 : 0);
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

function frameOf(content: Uint8Array, flag: 0 | 1): Buffer {
  const framed = Buffer.allocUnsafe(frameHeaderBytes + content.length);
  framed[0] = flag;
  framed.writeUInt32BE(content.length, 1);
  framed.set(content, frameHeaderBytes);
  return framed;
}

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
