import { connect, constants, type ClientHttp2Stream } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { Client, type ClientReadableStream, Metadata, type ServiceError, credentials } from '@grpc/grpc-js';
import { OperationalError } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import {
  createGrpcServer,
  queuedBytesMax,
  type CallContext,
  type FinishedCall,
  type GrpcServer,
  type MessageSink,
  type RawServerStreamHandler,
} from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

/* Streams against a real grpc-js client, and against bare HTTP/2 where that client is too polite. */

const path = '/a/List';
let server: GrpcServer;
let port: number;
let client: Client;
let handler: RawServerStreamHandler;
const finished: FinishedCall[] = [];
const bugs: unknown[] = [];

beforeAll(async () => {
  server = createGrpcServer({
    address: '127.0.0.1:0',
    codec: snappyCodec,
    answersInSnappy: true,
    onCall: (call) => finished.push(call),
    onInternalError: (error) => bugs.push(error),
  });
  server.addRawServerStream(path, (...args) => handler(...args));
  port = await server.listen();
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc-node.max_session_memory': 1000,
  });
});
beforeEach(() => {
  finished.length = 0;
  bugs.length = 0;
});
afterAll(async () => {
  client.close();
  await server.stop(0);
});

/** A few milliseconds on an idle machine; a busy one may look away for longer. */
const releaseMsMax = 250;

const asIs = (bytes: Buffer): Buffer => bytes;

function list(deadlineInMs = 10_000): ClientReadableStream<Buffer> {
  const deadline = Date.now() + deadlineInMs;
  return client.makeServerStreamRequest(path, asIs, asIs, Buffer.from('in'), new Metadata(), { deadline });
}

/** All messages, or the error. */
async function readAll(stream: ClientReadableStream<Buffer>): Promise<{ messages: Buffer[]; error?: ServiceError }> {
  const messages: Buffer[] = [];
  return new Promise((resolve) => {
    stream.on('data', (message: Buffer) => messages.push(message));
    stream.on('error', (error: ServiceError) => resolve({ messages, error }));
    stream.on('end', () => resolve({ messages }));
  });
}

/** Writes for ever; resolves to what ended it. */
function flood(message: Uint8Array): { handler: RawServerStreamHandler; seen: Flood } {
  const seen: Flood = { written: 0, isBlocked: false };
  return {
    seen,
    handler: async (_message, call, out) => {
      seen.call = call;
      void call.signal; // Asked for before it aborts.
      try {
        for (;;) {
          if (out.ready) {
            seen.isBlocked = true;
            await out.ready;
            seen.isBlocked = false;
          }
          out.write(message);
          seen.written += message.length;
        }
      } catch (error) {
        seen.endedMs = performance.now();
        seen.error = error;
        throw error;
      }
    },
  };
}

interface Flood {
  written: number;
  isBlocked: boolean;
  call?: CallContext;
  error?: unknown;
  endedMs?: number;
}

const cancelled = { code: 'RPC_CALL_CANCELLED', kind: 'cancelled' };

test.each([
  ['no message', []],
  ['one', [3]],
  ['empty ones', [0, 0, 0]],
  ['many small ones', Array.from({ length: 5000 }, (_, at) => at % 700)],
  ['some of several megabytes between small ones', [10, 3_000_000, 0, 65_531, 65_536, 65_537, 5_000_001, 7]],
])('a stream of %s arrives as it was written', async (_name, lengths) => {
  const sent = lengths.map((length, at) => Buffer.alloc(length, at));
  handler = async (message, _call, out) => {
    expect(message.bytes.toString()).toBe('in');
    for (const each of sent) {
      await out.ready;
      const scratch = Buffer.from(each);
      out.write(scratch);
      scratch.fill(255); // The bytes are ours again.
    }
  };
  const { messages, error } = await readAll(list());
  expect(error).toBeUndefined();
  expect(messages.map((message) => message.length)).toEqual(lengths);
  expect(Buffer.concat(messages).equals(Buffer.concat(sent))).toBe(true);
  await until(() => finished.length === 1);
  expect(finished).toMatchObject([
    { path, code: 'OK', bytesIn: 2, messages: lengths.length, bytesOut: lengths.reduce((a, b) => a + b, 0) },
  ]);
});

test('what was written arrives while the handler still waits for something else', async () => {
  let finish: () => void = () => undefined;
  handler = async (_message, _call, out) => {
    for (const text of ['a', 'b']) out.write(Buffer.from(text));
    await new Promise<void>((resolve) => (finish = resolve));
  };
  const stream = list();
  const messages: string[] = [];
  stream.on('data', (message: Buffer) => messages.push(message.toString()));
  await until(() => messages.length === 2);
  finish();
  await new Promise((resolve) => stream.on('end', resolve));
  expect(messages).toEqual(['a', 'b']);
});

test('an error after some messages is the status behind them', async () => {
  class Aborted extends OperationalError {
    readonly kind = 'unavailable';
    readonly code = 'TEST';
    readonly grpcCode = 10;
  }
  handler = async (_message, _call, out) => {
    out.write(Buffer.from('x'));
    throw new Aborted('Cannot go on: half a pair \ud800 ends here');
  };
  const { messages, error } = await readAll(list());
  expect(messages.map(String)).toEqual(['x']);
  expect(error).toMatchObject({ code: 10, details: 'Cannot go on: half a pair \ufffd ends here' });
  expect(finished).toMatchObject([{ code: 'ABORTED' }]);
  expect(bugs).toEqual([]);
});

test('an error of ours before any message is INTERNAL and reported', async () => {
  handler = () => {
    throw new TypeError('ours');
  };
  expect((await readAll(list())).error).toMatchObject({ code: 13 });
  expect(bugs).toHaveLength(1);
});

test('a handler that writes on after it has returned is told that this is a bug', async () => {
  let left: MessageSink | undefined;
  handler = async (_message, _call, out) => {
    left = out;
  };
  await readAll(list());
  expect(() => left?.write(Buffer.alloc(1))).toThrow();
});

test('a caller that stops reading costs what fits the windows and the queue, and others are served', async () => {
  const { handler: writer, seen } = flood(Buffer.alloc(1000));
  handler = writer;
  const stalled = list();
  stalled.on('error', () => undefined);
  stalled.on('metadata', () => stalled.pause());
  await until(() => seen.isBlocked);
  const written = seen.written;
  // Node's client has a window of 64 KiB; the grpc-js client and the sockets hold some more.
  expect(written).toBeLessThan(queuedBytesMax + 2_000_000);
  handler = async (_message, _call, out) => out.write(Buffer.from('served'));
  expect((await readAll(list())).messages.map(String)).toEqual(['served']);
  expect(seen.isBlocked).toBe(true);
  stalled.cancel();
  await until(() => seen.error !== undefined);
  expect(seen.error).toMatchObject(cancelled);
});

describe('a handler that waits for its caller is released at once', () => {
  /** A caller without a window: nothing but headers can reach it. */
  async function stallBare(headers: Record<string, string> = {}) {
    const socket = connectSocket(port, '127.0.0.1');
    const session = connect(`http://127.0.0.1:${port}`, {
      settings: { initialWindowSize: 0 },
      createConnection: () => socket,
    });
    session.on('error', () => undefined);
    const stream: ClientHttp2Stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined);
    stream.resume(); // Without it a stream whose end has come is never closed.
    stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
    const { handler: writer, seen } = flood(Buffer.alloc(1000));
    handler = writer;
    await until(() => seen.isBlocked);
    expect(seen.written).toBeLessThanOrEqual(queuedBytesMax + 1000);
    return { socket, session, stream, seen };
  }

  test.each([
    ['cancels', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL)],
    ['resets its stream as faulty', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
    ['breaks its connection', (_stream: ClientHttp2Stream, socket: Socket) => socket.destroy()],
    ['ends its session', (stream: ClientHttp2Stream) => stream.session?.destroy()],
  ])('when the caller %s', async (_name, leave) => {
    const { socket, session, stream, seen } = await stallBare();
    const leftMs = performance.now();
    leave(stream, socket);
    await until(() => seen.error !== undefined);
    expect(seen.error).toMatchObject(cancelled);
    expect(seen.call?.signal.aborted).toBe(true);
    expect((seen.endedMs ?? Infinity) - leftMs).toBeLessThan(releaseMsMax);
    expect(finished).toMatchObject([{ code: 'CANCELLED' }]);
    session.destroy();
  });

  test('when its deadline passes, and the stream is reset, since no status gets through', async () => {
    const startMs = performance.now();
    const { session, stream, seen } = await stallBare({ 'grpc-timeout': '300m' });
    await until(() => seen.error !== undefined);
    expect(seen.error).toMatchObject(cancelled);
    expect((seen.endedMs ?? Infinity) - startMs).toBeLessThan(300 + releaseMsMax);
    expect(finished).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
    await until(() => stream.closed);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    session.destroy();
  });

  test('when the caller of a deadline never reads what a handler that has returned left behind', async () => {
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    handler = async (_message, _call, out) => out.write(Buffer.alloc(1000));
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '500m',
    });
    stream.on('error', () => undefined);
    stream.resume(); // Without it a stream whose end has come is never closed.
    stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
    await until(() => stream.closed);
    expect(finished).toMatchObject([{ code: 'OK' }]);
    session.destroy();
  });
});

test('a grpc-js client sees its deadline, and so does a handler that only waits for something else', async () => {
  let call: CallContext | undefined;
  handler = (_message, context) => {
    call = context;
    return new Promise((_resolve, reject) =>
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error)),
    );
  };
  expect((await readAll(list(100))).error).toMatchObject({ code: 4 });
  await until(() => call?.signal.aborted === true);
  expect(bugs).toEqual([]);
});

test('what a handler writes after its caller has left throws the reason', async () => {
  let error: unknown;
  handler = async (_message, call, out) => {
    stream.cancel();
    await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
    await Promise.resolve(out.ready).catch((reason: unknown) => (error = reason));
    out.write(Buffer.alloc(1));
  };
  const stream = list();
  stream.on('error', () => undefined);
  await until(() => error !== undefined);
  expect(error).toMatchObject(cancelled);
  expect(bugs).toEqual([]);
});

test.each([
  ['snappy', 1],
  ['gzip', 0],
  [undefined, 0],
])('a call in %s is answered with flag %i where answers may be in snappy', async (encoding, flag) => {
  handler = async (_message, _call, out) => {
    for (const text of ['one', 'two']) out.write(Buffer.from(text));
  };
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(encoding === undefined ? {} : { 'grpc-encoding': encoding }),
  });
  let named: unknown;
  stream.on('response', (headers) => (named = headers['grpc-encoding']));
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
  await new Promise((resolve) => stream.on('end', resolve));
  const first = Buffer.concat(parts);
  const content = first.subarray(5, 5 + first.readUInt32BE(1));
  expect(first[0]).toBe(flag);
  expect(named).toBe(flag === 1 ? 'snappy' : 'identity');
  expect((flag === 1 ? snappyCodec.decode(content, 100) : content).toString()).toBe('one');
  session.destroy();
});
