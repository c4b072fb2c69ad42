import { createServer } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { InvariantViolation, OperationalError, type ErrorKind } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import {
  connectPeer,
  createGrpcServer,
  kindOfGrpcCode,
  type CallContext,
  type GrpcServer,
  type Peer,
  type RawUnaryHandler,
} from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

class TestError extends OperationalError {
  readonly code = 'TEST';
  readonly kind: ErrorKind;
  constructor(kind: ErrorKind) {
    super(`Cannot do it: ${kind}`);
    this.kind = kind;
  }
}

describe('a call', () => {
  let server: GrpcServer;
  let peer: Peer;
  let port: number;
  let handler: RawUnaryHandler;
  const bugs: unknown[] = [];
  beforeAll(async () => {
    server = createGrpcServer({
      address: '127.0.0.1:0',
      codec: snappyCodec,
      onInternalError: (error) => bugs.push(error),
    });
    server.addRawUnary('/a/B', (message, call) => handler(message, call));
    port = await server.listen();
    peer = connectPeer(`127.0.0.1:${port}`, { codec: snappyCodec });
  });
  afterAll(async () => {
    peer.close();
    await server.stop(0);
  });
  const call = (deadlineInMs = 5000, signal?: AbortSignal) =>
    peer.call(
      '/a/B',
      { bytes: Buffer.from('in'), compressed: false },
      { deadlineMs: Date.now() + deadlineInMs, ...(signal && { signal }) },
    );

  test('carries bytes there and back', async () => {
    handler = async (message) => Buffer.concat([message.bytes, Buffer.from('/out')]);
    expect((await call()).toString()).toBe('in/out');
  });

  test('carries a message of several megabytes', async () => {
    const bytes = Buffer.alloc(6_000_000, 7);
    handler = async (message) => Buffer.from(String(message.bytes.equals(bytes)));
    expect(
      (await peer.call('/a/B', { bytes, compressed: false }, { deadlineMs: Date.now() + 10_000 })).toString(),
    ).toBe('true');
  });

  test.each<[ErrorKind, string, ErrorKind]>([
    ['rejected', 'PEER_INVALID_ARGUMENT', 'rejected'],
    ['conflict', 'PEER_ALREADY_EXISTS', 'conflict'],
    ['overloaded', 'PEER_UNAVAILABLE', 'unavailable'], // Thanos routers know no code for it.
    ['unavailable', 'PEER_UNAVAILABLE', 'unavailable'],
    ['corrupt', 'PEER_DATA_LOSS', 'corrupt'],
    ['cancelled', 'PEER_CANCELLED', 'cancelled'],
  ])('that fails as %s ends as %s', async (kind, code, kindAtCaller) => {
    handler = () => Promise.reject(new TestError(kind));
    await expect(call()).rejects.toMatchObject({ code, kind: kindAtCaller, details: `Cannot do it: ${kind}` });
  });

  test('that fails with a status of its own ends with that', async () => {
    handler = () => Promise.reject(Object.assign(new TestError('unavailable'), { grpcCode: 13 }));
    await expect(call()).rejects.toMatchObject({ code: 'PEER_INTERNAL', details: 'Cannot do it: unavailable' });
  });

  test('that meets our bug ends as INTERNAL and keeps the text at home', async () => {
    const bug = new InvariantViolation('secret');
    handler = () => {
      throw bug;
    };
    await expect(call()).rejects.toMatchObject({
      code: 'PEER_INTERNAL',
      details: expect.not.stringContaining('secret'),
    });
    expect(bugs).toContain(bug);
  });

  test('that passes its deadline is told so on both sides', async () => {
    let context: CallContext | undefined;
    handler = (_message, more) => {
      context = more;
      return new Promise((_resolve, reject) =>
        more.signal.addEventListener('abort', () => reject(more.signal.reason as Error)),
      );
    };
    await expect(call(100)).rejects.toMatchObject({
      code: 'PEER_DEADLINE_EXCEEDED',
      kind: 'unavailable',
      grpcCode: 4,
      message: expect.stringMatching(/^rpc error: code = DeadlineExceeded desc = /),
    });
    await until(() => context?.signal.aborted === true);
    expect(context?.deadlineMs).toBeGreaterThan(Date.now() - 5000);
  });

  test('that its caller gives up is cancelled', async () => {
    const controller = new AbortController();
    handler = () => {
      controller.abort();
      return new Promise(() => undefined);
    };
    await expect(call(5000, controller.signal)).rejects.toMatchObject({ code: 'PEER_CANCELLED' });
    await expect(call(5000, AbortSignal.abort())).rejects.toMatchObject({ code: 'PEER_CANCELLED' });
  });

  test('health says SERVING only while ready, and knows no other service', async () => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const check = (request: Buffer) =>
      new Promise<unknown>((resolve) => {
        client.makeUnaryRequest(
          '/grpc.health.v1.Health/Check',
          (b: Buffer) => b,
          (b: Buffer) => b,
          request,
          (error, reply) => resolve(error?.code ?? reply?.toString('hex')),
        );
      });
    expect(await check(Buffer.alloc(0))).toBe('0802');
    const watched: string[] = [];
    const watch = client.makeServerStreamRequest(
      '/grpc.health.v1.Health/Watch',
      (b: Buffer) => b,
      (b: Buffer) => b.toString('hex'),
      Buffer.alloc(0),
    );
    watch.on('data', (state: string) => watched.push(state)).on('error', () => undefined);
    await until(() => watched.length === 1);
    server.setReady(true);
    expect(await check(Buffer.alloc(0))).toBe('0801');
    await until(() => watched.length === 2);
    expect(watched).toEqual(['0802', '0801']);
    expect(await check(Buffer.from('\n\u0001x'))).toBe(5);
    watch.cancel();
    client.close();
  });
});

test('a peer that is not there fails at once, and is found soon after it came back', async () => {
  const first = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec });
  const port = await first.listen();
  await first.stop(0);
  const peer = connectPeer(`127.0.0.1:${port}`, { codec: snappyCodec, reconnectMsMax: 200 });
  const call = () =>
    peer.call('/a/B', { bytes: Buffer.alloc(0), compressed: false }, { deadlineMs: Date.now() + 5000 });
  await expect(call()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE', kind: 'unavailable' });
  const second = createGrpcServer({ address: `127.0.0.1:${port}`, codec: snappyCodec });
  second.addRawUnary('/a/B', async () => Buffer.from('back'));
  await second.listen();
  let reply: Buffer | undefined;
  await until(async () => {
    reply = await call().catch(() => undefined);
    return reply !== undefined;
  });
  expect(reply?.toString()).toBe('back');
  peer.close();
  await second.stop(0);
});

test("a peer's metadata goes with each of its calls, compressed or not", async () => {
  const server = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec });
  const seen: unknown[] = [];
  server.addRawUnary('/a/B', async ({ encoding }, { metadata }) => {
    seen.push([encoding, metadata.get('gauntlet-test')]);
    return Buffer.alloc(0);
  });
  const peer = connectPeer(`127.0.0.1:${await server.listen()}`, {
    codec: snappyCodec,
    metadata: { 'gauntlet-test': '1' },
  });
  for (const compressed of [false, true, false])
    await peer.call('/a/B', { bytes: Buffer.alloc(0), compressed }, { deadlineMs: Date.now() + 5000 });
  expect(seen).toEqual([
    ['identity', ['1']],
    ['snappy-framed', ['1']],
    ['identity', ['1']],
  ]);
  peer.close();
  await server.stop(0);
});

test('listeners are told of a call at its start and at its end, under one id', async () => {
  const told: unknown[] = [];
  const server = createGrpcServer({
    address: '127.0.0.1:0',
    codec: snappyCodec,
    onCallStart: ({ id, path }) => told.push(['start', id, path]),
    onCall: ({ id, code }) => told.push(['end', id, code]),
  });
  server.addRawUnary('/a/B', async () => Buffer.alloc(0));
  const peer = connectPeer(`127.0.0.1:${await server.listen()}`, { codec: snappyCodec });
  const call = () =>
    peer.call('/a/B', { bytes: Buffer.alloc(0), compressed: false }, { deadlineMs: Date.now() + 5000 });
  await call();
  await call();
  const [first, second] = [told[0], told[2]] as [string, number, string][];
  expect(told).toEqual([
    ['start', first![1], '/a/B'],
    ['end', first![1], 'OK'],
    ['start', second![1], '/a/B'],
    ['end', second![1], 'OK'],
  ]);
  expect(second![1]).toBeGreaterThan(first![1]);
  peer.close();
  await server.stop(0);
});

test('a stop waits for running calls, and breaks them off after the grace period', async () => {
  for (const graceMs of [5000, 20]) {
    const server = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec });
    let finish: (() => void) | undefined;
    server.addRawUnary('/a/B', () => new Promise((resolve) => (finish = () => resolve(Buffer.from('done')))));
    const peer = connectPeer(`127.0.0.1:${await server.listen()}`, { codec: snappyCodec });
    const call = peer
      .call('/a/B', { bytes: Buffer.alloc(0), compressed: false }, { deadlineMs: Date.now() + 10_000 })
      .then(String, (error: Error) => error);
    await until(() => finish !== undefined);
    const stopped = server.stop(graceMs);
    if (graceMs === 5000) finish?.();
    await stopped;
    if (graceMs === 5000) expect(await call).toBe('done');
    else expect(await call).toMatchObject({ kind: expect.stringMatching(/unavailable|cancelled/) });
    peer.close();
  }
});

test('a busy port is one line that says which', async () => {
  const busy = createServer();
  const port = await new Promise<number>((resolve) =>
    busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port)),
  );
  const silenced = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  await expect(createGrpcServer({ address: `127.0.0.1:${port}`, codec: snappyCodec }).listen()).rejects.toThrow(
    `listen gRPC on address 127.0.0.1:${port}: listen tcp 127.0.0.1:${port}: bind: address already in use`,
  );
  expect(silenced).not.toHaveBeenCalled();
  silenced.mockRestore();
  await new Promise((resolve) => busy.close(resolve));
});

test('what says nothing about the data stays retryable', () => {
  expect([2, 4, 5, 12, 13, 14, 16, 99].map(kindOfGrpcCode)).toEqual(Array(8).fill('unavailable'));
});
