import { readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, connect, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client, Metadata, Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import { until } from '@gauntlet/base/testing';
import { CallTally, createMethodTally } from './call-tally.js';
import { connectPeer, createGrpcServer, UnreadableMessageError, type GrpcServer, type RawMessage } from './index.js';
import { adaptChannel, adaptServerSessions, serverInterceptor } from './grpc-js-adaptation.js';
import { snappyCodec } from './testing/snappy-codec.js';

/* The contract with grpc-js: if it changes underneath, these fail. */

interface Case {
  name: string;
  method: string;
  request: { headers: Record<string, string>; message: string | null; frame: string };
  response: { code: number; message: string };
}
const { cases } = JSON.parse(readFileSync(join(__dirname, '../testdata/grpc-cases.json'), 'utf8')) as { cases: Case[] };

const interceptor = serverInterceptor({
  codec: snappyCodec,
  answersInSnappy: false,
  beginCall: ({ path }) => new CallTally(path, createMethodTally(path, 'unary')),
});

describe('a server answers the frames of Thanos routers as Thanos does', () => {
  let server: GrpcServer;
  let port: number;
  let received: RawMessage[] = [];
  beforeAll(async () => {
    server = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec });
    server.addRawUnary('/thanos.WriteableStore/RemoteWrite', (message) => {
      received.push(message);
      try {
        if (message.encoding === 'snappy-framed') snappyCodec.decode(message.bytes, 1 << 20);
      } catch (error) {
        throw new UnreadableMessageError((error as Error).message, { cause: error });
      }
      return Promise.resolve(Buffer.alloc(0));
    });
    port = await server.listen();
  });
  afterAll(() => server.stop(0));
  beforeEach(() => (received = []));

  test.each(cases)('$name', async ({ method, request, response }) => {
    const answer = await sendFrame(port, method, request.headers, Buffer.from(request.frame, 'base64'));
    expect(answer['grpc-status']).toBe(String(response.code));
    if (response.code !== 0) return;
    const [message] = received;
    const plain = message?.encoding === 'snappy-framed' ? snappyCodec.decode(message.bytes, 1 << 20) : message?.bytes;
    expect(plain?.toString('base64')).toBe(request.message);
  });

  test('framed snappy reaches the handler still compressed', async () => {
    const bytes = snappyCodec.encode(Buffer.from('hello'));
    await sendFrame(port, '/thanos.WriteableStore/RemoteWrite', { 'grpc-encoding': 'snappy' }, frame(1, bytes));
    expect(received).toMatchObject([{ bytes, encoding: 'snappy-framed' }]);
  });

  test('the texts that say what is wrong with a frame are those of grpc-go', async () => {
    const says = async (name: string): Promise<string> => {
      const { method, request } = cases.find((row) => row.name === name)!;
      return decodeURIComponent(
        String((await sendFrame(port, method, request.headers, Buffer.from(request.frame, 'base64')))['grpc-message']),
      );
    };
    for (const name of ['encoding-unknown', 'compressed-flag-without-encoding', 'frame-too-short', 'no-message']) {
      expect(await says(name)).toBe(cases.find((row) => row.name === name)!.response.message);
    }
  });

  test('a message that unzips to more than the limit is refused', async () => {
    const small = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec, messageBytesMax: 1000 });
    small.addRawUnary('/a/B', () => Promise.resolve(Buffer.alloc(0)));
    const answer = await sendFrame(
      await small.listen(),
      '/a/B',
      { 'grpc-encoding': 'gzip' },
      frame(1, gzipSync(Buffer.alloc(1001))),
    );
    expect(answer['grpc-status']).toBe('8');
    await small.stop(0);
  });

  test('windows are wide before the first message', async () => {
    const session = connect(`http://127.0.0.1:${port}`);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.initialWindowSize).toBe(4 * 1024 * 1024);
    await until(() => (session.state.remoteWindowSize ?? 0) > 16 * 1024 * 1024);
    session.destroy();
  });
});

test('a method that is not raw gets snappy messages decompressed', async () => {
  const server = new Server({ interceptors: [interceptor] });
  server.register(
    '/a/Echo',
    (call: { request: Buffer }, answer: (error: null, reply: Buffer) => void) => answer(null, call.request),
    (reply: Buffer) => reply,
    (bytes: Buffer) => bytes,
    'unary',
  );
  const { grpcPort } = await new Promise<{ grpcPort: number }>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, grpcPort) =>
      error ? reject(error) : resolve({ grpcPort }),
    );
  });
  const peer = connectPeer(`127.0.0.1:${grpcPort}`, { codec: snappyCodec });
  const reply = await peer.call(
    '/a/Echo',
    { bytes: snappyCodec.encode(Buffer.from('squeezed')), compressed: true },
    { deadlineMs: Date.now() + 5000 },
  );
  expect(reply.toString()).toBe('squeezed');
  peer.close();
  server.forceShutdown();
});

describe('a client', () => {
  let http2Server: Http2Server;
  let port: number;
  let seen: { headers: IncomingHttpHeaders; body: Buffer };
  let reply: { encoding?: string; frame: Buffer };
  beforeAll(async () => {
    http2Server = createServer().on('stream', (stream, headers) => void answerStream(stream, headers));
    await new Promise<void>((resolve) => http2Server.listen(0, '127.0.0.1', resolve));
    port = (http2Server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => http2Server.close(resolve)));

  async function answerStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    seen = { headers, body: Buffer.concat(parts) };
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        ...(reply.encoding && { 'grpc-encoding': reply.encoding }),
      },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(reply.frame);
  }

  async function call(bytes: Buffer, compressed: boolean): Promise<string> {
    const peer = connectPeer(`127.0.0.1:${port}`, { codec: snappyCodec });
    try {
      return (await peer.call('/a/B', { bytes, compressed }, { deadlineMs: Date.now() + 5000 })).toString();
    } finally {
      peer.close();
    }
  }

  test('sends a compressed message as it is, with flag and encoding, and says what it understands', async () => {
    reply = { frame: frame(0, Buffer.from('ok')) };
    const bytes = snappyCodec.encode(Buffer.from('data'));
    expect(await call(bytes, true)).toBe('ok');
    expect(seen.headers).toMatchObject({ 'grpc-encoding': 'snappy', 'grpc-accept-encoding': 'snappy,gzip,identity' });
    expect(seen.body).toEqual(frame(1, bytes));
  });

  test('sends a plain message without encoding', async () => {
    reply = { frame: frame(0, Buffer.from('ok')) };
    await call(Buffer.from('data'), false);
    expect(seen.headers['grpc-encoding']).toBeUndefined();
    expect(seen.body).toEqual(frame(0, Buffer.from('data')));
  });

  test.each([
    ['snappy', snappyCodec.encode(Buffer.from('yes'))],
    ['gzip', gzipSync(Buffer.from('yes'))],
  ])('reads an answer in %s', async (encoding, bytes) => {
    reply = { encoding, frame: frame(1, bytes) };
    expect(await call(Buffer.alloc(0), false)).toBe('yes');
  });

  test('takes a broken answer for an error of the peer', async () => {
    reply = { encoding: 'snappy', frame: frame(1, Buffer.from('nonsense')) };
    await expect(call(Buffer.alloc(0), false)).rejects.toMatchObject({ code: 'PEER_INTERNAL', kind: 'unavailable' });
  });
});

test('a grpc-js without the expected internals is refused at start', () => {
  expect(() => adaptChannel({} as never, snappyCodec, 1)).toThrow('filter stack');
  expect(() =>
    adaptServerSessions({} as never, { streamWindowBytes: 1, sessionWindowBytes: 1, onSession: () => undefined }),
  ).toThrow('grpc-js servers');
  expect(() => interceptor({} as never, {} as never)).toThrow('grpc-js server calls');
});

test('metadata of compressed calls is not changed by a call', async () => {
  const client = new Client('127.0.0.1:1', credentials.createInsecure());
  const metadata = new Metadata();
  await new Promise((resolve) =>
    client.makeUnaryRequest(
      '/a/B',
      Buffer.from,
      Buffer.from,
      Buffer.alloc(0),
      metadata,
      { deadline: Date.now() + 50 },
      resolve,
    ),
  );
  expect(metadata.getMap()).toEqual({});
  client.close();
});

function frame(flag: number, bytes: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header[0] = flag;
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

/** One call over bare HTTP/2; resolves to the headers that carry the status. */
function sendFrame(
  port: number,
  path: string,
  headers: Record<string, string>,
  body: Buffer,
): Promise<IncomingHttpHeaders> {
  const session = connect(`http://127.0.0.1:${port}`);
  return new Promise<IncomingHttpHeaders>((resolve, reject) => {
    session.on('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let answer: IncomingHttpHeaders = {};
    stream.on('response', (more) => (answer = { ...answer, ...more }));
    stream.on('trailers', (more) => (answer = { ...answer, ...more }));
    stream.on('error', reject);
    stream.on('close', () => resolve(answer));
    stream.resume();
    stream.end(body);
  }).finally(() => session.destroy());
}
