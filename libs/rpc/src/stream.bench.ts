import { fork } from 'node:child_process';
import { connect } from 'node:http2';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { createGrpcServer } from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

/*
 * Streams of messages over loopback, server and client each in a process of its own: CPU of the server. The client is bare
 * HTTP/2 that drops what it reads, with the windows of a Thanos Querier's connection that has warmed up. Per CPU second of
 * the server, on two shared and busy cores, Node 20:
 *
 *                grpc-js alone               ours
 *     500 bytes  163 000 messages (82 MB)    2.2 million messages (1.1 GB)
 *     1 MiB      710 messages (750 MB)       1 900 messages (2.0 GB)
 *
 * Run it bundled, as the apps are: esbuild libs/rpc/src/stream.bench.ts --bundle --platform=node --external:snappy
 */
const bytesOf = { small: 500, large: 2 ** 20 };
const messagesOf = { small: 400_000, large: 1_000 };
type Size = keyof typeof bytesOf;

async function serve(): Promise<void> {
  const ours = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec });
  const theirs = new Server();
  for (const size of ['small', 'large'] as const) {
    const message = Buffer.alloc(bytesOf[size], 3);
    const count = messagesOf[size];
    ours.addRawServerStream(`/bench/${size}`, async (_message, _call, out) => {
      for (let at = 0; at < count; at += 1) {
        if (out.ready) await out.ready;
        out.write(message);
      }
    });
    // The same through grpc-js alone.
    theirs.register(
      `/bench/${size}`,
      (call: ServerWritableStream<Buffer, Buffer>) => {
        let at = 0;
        const more = (): void => {
          while (at < count) {
            at += 1;
            if (!call.write(message)) return void call.once('drain', more);
          }
          call.end();
        };
        more();
      },
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      'serverStream',
    );
  }
  const theirPort = await new Promise<number>((resolve, reject) =>
    theirs.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  process.on('message', () => process.send?.({ cpuUs: cpuUs() }));
  process.send?.({ ports: { 'grpc-js': theirPort, ours: await ours.listen() } });
}

async function drive(): Promise<void> {
  const child = fork(process.argv[1]!, ['serve']);
  const next = <T>(): Promise<T> => new Promise((resolve) => child.once('message', (message) => resolve(message as T)));
  const { ports } = await next<{ ports: Record<string, number> }>();
  const serverCpuUs = async (): Promise<number> => {
    child.send('cpu');
    return (await next<{ cpuUs: number }>()).cpuUs;
  };
  for (const [name, port] of Object.entries(ports)) {
    for (const size of ['small', 'large'] as const) {
      await read(port, size);
      const [before, startMs] = [await serverCpuUs(), performance.now()];
      const bytes = await read(port, size);
      const [us, ms] = [(await serverCpuUs()) - before, performance.now() - startMs];
      const messages = Math.round((messagesOf[size] * 1e6) / us);
      console.log(
        `${name}, ${bytesOf[size]} bytes: per CPU second ${messages} messages, ${Math.round(bytes / us)} MB; took ${Math.round(ms)} ms`,
      );
    }
  }
  child.kill();
}

function read(port: number, size: Size): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 4 * 2 ** 20 } });
  session.once('connect', () => session.setLocalWindowSize(16 * 2 ** 20));
  return new Promise<number>((resolve, reject) => {
    let bytes = 0;
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ':method': 'POST', ':path': `/bench/${size}`, ...headers });
    stream.on('data', (part: Buffer) => (bytes += part.length));
    stream.on('end', () => resolve(bytes)).on('error', reject);
    stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
  }).finally(() => session.close());
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

void (process.argv[2] === 'serve' ? serve() : drive());
