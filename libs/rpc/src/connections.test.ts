import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, ServerCredentials, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { until } from '@gauntlet/base/testing';
import { connectPeer, createGrpcServer } from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

const pem = (name: string): Buffer => readFileSync(join(__dirname, '../testdata/tls', name));
const asIs = (bytes: Buffer): Buffer => bytes;

async function call(port: number, channel: ChannelCredentials): Promise<string> {
  const peer = connectPeer(`localhost:${port}`, { codec: snappyCodec, credentials: channel });
  try {
    return (
      await peer.call(
        '/x.A/Get',
        { bytes: Buffer.alloc(100_000), compressed: false },
        { deadlineMs: Date.now() + 5000 },
      )
    ).toString();
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    peer.close();
  }
}

test('a server with a client CA serves callers whose certificate it has signed, and nobody else', async () => {
  const server = createGrpcServer({
    address: '127.0.0.1:0',
    codec: snappyCodec,
    credentials: ServerCredentials.createSsl(
      pem('ca.crt'),
      [{ private_key: pem('server.key'), cert_chain: pem('server.crt') }],
      true,
    ),
  });
  server.addRawUnary('/x.A/Get', async ({ bytes }) => Buffer.from(String(bytes.length)));
  server.addRawServerStream('/x.A/List', async (_message, _call, out) => {
    for (let at = 0; at < 1000; at += 1) {
      await out.ready;
      out.write(Buffer.alloc(1000, at));
    }
  });
  const port = await server.listen();
  const known = credentials.createSsl(pem('ca.crt'), pem('client.key'), pem('client.crt'));
  expect(await call(port, known)).toBe('100000');
  expect(await call(port, credentials.createSsl(pem('ca.crt')))).toBe('PEER_UNAVAILABLE');
  expect(await call(port, credentials.createSsl())).toBe('PEER_UNAVAILABLE'); // Does not know our CA.
  expect(await call(port, credentials.createInsecure())).toBe('PEER_UNAVAILABLE');
  const client = new Client(`localhost:${port}`, known);
  let messages = 0;
  for await (const message of client.makeServerStreamRequest('/x.A/List', asIs, asIs, Buffer.from('in')))
    messages += (message as Buffer).length === 1000 ? 1 : 0;
  expect(messages).toBe(1000);
  client.close();
  await server.stop(0);
});

test('a connection that is too old takes no more calls, and its last ones are broken off after the grace', async () => {
  const server = createGrpcServer({
    address: '127.0.0.1:0',
    codec: snappyCodec,
    connectionAgeMsMax: 100,
    connectionAgeGraceMs: 100,
  });
  let aborted = false;
  server.addRawServerStream(
    '/x.A/Hang',
    (_message, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason as Error);
        }),
      ),
  );
  const client = new Client(`127.0.0.1:${await server.listen()}`, credentials.createInsecure());
  const stream = client.makeServerStreamRequest('/x.A/Hang', asIs, asIs, Buffer.from('in'));
  const error = await new Promise<{ code: number }>((resolve) => stream.on('error', resolve).resume());
  expect([1, 13, 14]).toContain(error.code);
  await until(() => aborted);
  client.close();
  await server.stop(0);
});
