import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { StoreClient } from './store-client.js';

/* A server of messages that are bytes: what it writes is what the client counts. */

const asIs = (bytes: Buffer): Buffer => bytes;
const series = Buffer.from([0x0a, 3, 0x0a, 1, 0x78]);
const long = Buffer.concat([Buffer.from([0x0a, 0x84, 0x80, 0x40, 0x0a, 0x80, 0x80, 0x40]), Buffer.alloc(2 ** 20)]);
const messagesMax = 50;
type Stream = ServerWritableStream<Buffer, Buffer>;

let server: Server;
let client: StoreClient;
let answer: (stream: Stream) => void;
beforeAll(async () => {
  server = new Server();
  const method = (name: string, responseStream: boolean) => ({
    path: `/thanos.Store/${name}`,
    requestStream: false as const,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  });
  server.addService(
    { Series: method('Series', true), LabelNames: method('LabelNames', false) },
    {
      Series: (stream: Stream) => answer(stream),
      LabelNames: (_call: unknown, done: (error: null, bytes: Buffer) => void) =>
        done(null, Buffer.from([0x0a, 1, 0x61, 0x0a, 1, 0x62])),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  client = new StoreClient(port);
  await client.untilConnected();
});
afterAll(() => {
  client.close();
  server.forceShutdown();
});

test('an answer is counted in series, messages and bytes', async () => {
  answer = (stream) => {
    stream.write(series);
    stream.write(Buffer.concat([series, series]));
    stream.end();
  };
  const counted = await client.call('Series', Buffer.alloc(0));
  expect(counted).toMatchObject({ items: 3, messages: 2, bytes: 15, warnings: [] });
  expect(counted.firstMs).toBeLessThanOrEqual(counted.totalMs);
});

test('the single message of a method without a stream is counted as well', async () => {
  expect(await client.call('LabelNames', Buffer.alloc(0))).toMatchObject({ items: 2, messages: 1 });
});

test('a call that fails or is cancelled rejects', async () => {
  answer = (stream) => void stream.emit('error', { code: 8, details: 'too many series' });
  await expect(client.call('Series', Buffer.alloc(0))).rejects.toThrow('too many series');
  const stop = new AbortController();
  answer = (stream) => {
    stream.write(series);
    stop.abort();
  };
  await expect(client.call('Series', Buffer.alloc(0), stop.signal)).rejects.toThrow('CANCELLED');
});

test('who stops reading takes one message, and the sender is held up until the call is ended', async () => {
  let sent = 0;
  const cancelled = new Promise<void>((resolve) => {
    answer = (stream) => {
      stream.on('cancelled', resolve);
      const write = (): void => {
        while (!stream.cancelled && sent < messagesMax) {
          sent += 1;
          if (!stream.write(long)) return void stream.once('drain', write);
        }
      };
      write();
    };
  });
  const stop = new AbortController();
  await client.stall('Series', Buffer.alloc(0), stop.signal);
  // Other calls on the connection go through meanwhile, longer than all messages would take.
  for (let calls = 0; calls < 100; calls += 1)
    expect(await client.call('LabelNames', Buffer.alloc(0))).toMatchObject({ items: 2 });
  expect(sent).toBeLessThan(messagesMax);
  stop.abort();
  await cancelled;
});
