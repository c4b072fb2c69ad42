import { fork } from 'node:child_process';
import { connectPeer, createGrpcServer } from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

/*
 * Unary calls over loopback, server and client each in a process of its own: calls per CPU second of both.
 * On two shared cores, Node 20, MB per CPU second of server / client, with windows of 64 KiB and with ours:
 *     20 KB  106 / 82   114 / 89
 *    160 KB  208 / 255  363 / 509
 *      1 MB  320 / 395  498 / 901
 *
 * Run it bundled, as the apps are: esbuild libs/rpc/src/rpc.bench.ts --bundle --platform=node --external:snappy
 */
const seconds = 4;
const inFlight = 8;

async function serve(): Promise<void> {
  const server = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec });
  server.addRawUnary('/bench/Call', async () => Buffer.alloc(0));
  const port = await server.listen();
  process.on('message', () => process.send?.({ cpuUs: cpuUs() }));
  process.send?.({ port });
}

async function drive(): Promise<void> {
  const child = fork(process.argv[1]!, ['serve']);
  const next = <T>(): Promise<T> => new Promise((resolve) => child.once('message', (message) => resolve(message as T)));
  const { port } = await next<{ port: number }>();
  const serverCpuUs = async (): Promise<number> => {
    child.send('cpu');
    return (await next<{ cpuUs: number }>()).cpuUs;
  };
  for (const bytes of [20_000, 160_000, 1_000_000]) {
    const peer = connectPeer(`127.0.0.1:${port}`, { codec: snappyCodec });
    const message = { bytes: Buffer.alloc(bytes, 3), compressed: true };
    const until = async (endMs: number): Promise<number> => {
      let calls = 0;
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          while (Date.now() < endMs) {
            await peer.call('/bench/Call', message, { deadlineMs: Date.now() + 10_000 });
            calls += 1;
          }
        }),
      );
      return calls;
    };
    await until(Date.now() + 1000);
    const [serverBefore, clientBefore] = [await serverCpuUs(), cpuUs()];
    const calls = await until(Date.now() + seconds * 1000);
    const [server, client] = [(await serverCpuUs()) - serverBefore, cpuUs() - clientBefore];
    const perSecond = (us: number): string =>
      `${Math.round((calls * 1e6) / us)} calls (${Math.round((calls * bytes) / us)} MB)`;
    console.log(
      `${bytes} bytes: ${Math.round(calls / seconds)} calls/s; per CPU second: server ${perSecond(server)}, client ${perSecond(client)}`,
    );
    peer.close();
  }
  child.kill();
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

void (process.argv[2] === 'serve' ? serve() : drive());
