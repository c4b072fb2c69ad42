import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import { openClientTls, openServerTls, type ClientTlsFiles, type ServerTlsFiles } from '@gauntlet/tls';
import { createTestAuthority, mountSecret, type TestAuthority, type TestPair } from '@gauntlet/tls/testing';
import { connectPeer, createGrpcServer, type GrpcServer, type Peer, type PeerOptions } from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

let authority: TestAuthority;
let stranger: TestAuthority;
let pair: TestPair;
let serverDirectory: string;
let clientDirectory: string;
beforeAll(async () => {
  authority = await createTestAuthority();
  stranger = await createTestAuthority('stranger');
  pair = await authority.issue();
});
beforeEach(() => {
  [serverDirectory, clientDirectory] = ['server-', 'client-'].map((name) => mkdtempSync(join(tmpdir(), name))) as [
    string,
    string,
  ];
  mountSecret(serverDirectory, secret(pair));
  mountSecret(clientDirectory, secret(pair));
});
const servers: GrpcServer[] = [];
const peers: Peer[] = [];
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
  for (const directory of [serverDirectory, clientDirectory]) rmSync(directory, { recursive: true });
});

const secret = ({ cert, key }: TestPair, ca = authority.cert) => ({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca });
const options = { log: silentLog, use: 'test', pollMs: 0 };
const file = (directory: string, name: string): string => join(directory, name);

async function serve(more: Partial<ServerTlsFiles> = {}) {
  const [certFile, keyFile] = [file(serverDirectory, 'tls.crt'), file(serverDirectory, 'tls.key')];
  const tls = await openServerTls({ certFile, keyFile, minVersion: '1.3', ciphers: [], curves: [], ...more }, options);
  const server = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec, tls });
  server.addRawUnary('/a/B', async ({ bytes }) => Buffer.from(bytes));
  servers.push(server);
  return { tls, port: await server.listen() };
}

function openClient(more: Partial<ClientTlsFiles> = {}) {
  return openClientTls(
    { caFile: file(clientDirectory, 'ca.crt'), skipVerify: false, minVersion: '1.3', ...more },
    options,
  );
}

function connect(port: number, tls: NonNullable<PeerOptions['tls']>, host = 'localhost') {
  const peer = connectPeer(`${host}:${port}`, { codec: snappyCodec, tls, reconnectMsMax: 100 });
  peers.push(peer);
  return async (): Promise<string> =>
    String(
      await peer.call('/a/B', { bytes: Buffer.from('hello'), compressed: false }, { deadlineMs: Date.now() + 5000 }),
    );
}

test('calls go over TLS, by name and by address, and no warning is written', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const { port } = await serve();
  const tls = await openClient();
  expect(await connect(port, tls)()).toBe('hello');
  expect(await connect(port, tls, '127.0.0.1')()).toBe('hello');
  expect(await connect(port, tls, 'dns:///localhost')()).toBe('hello');
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test.each<[string, Partial<ClientTlsFiles>, names: string[], expected: string]>([
  ['a name that the certificate lacks', {}, ['ingester.example'], 'PEER_UNAVAILABLE'],
  ['the name that it is told to expect', { serverName: 'ingester.example' }, ['ingester.example'], 'hello'],
  ['another name than it is told to expect', { serverName: 'ingester.example' }, ['localhost'], 'PEER_UNAVAILABLE'],
  ['no name that matters', { skipVerify: true }, ['elsewhere'], 'hello'],
])('a client that finds %s ends with it', async (_name, client, names, expected) => {
  const own = await authority.issue({ names: names.map((value) => ({ type: 'dns' as const, value })) });
  mountSecret(serverDirectory, secret(own));
  const { port } = await serve();
  expect(await connect(port, await openClient(client))().catch((error: { code: string }) => error.code)).toBe(expected);
});

test('a client trusts no authority but its own', async () => {
  mountSecret(clientDirectory, secret(pair, stranger.cert));
  const { port } = await serve();
  await expect(connect(port, await openClient())()).rejects.toMatchObject({
    code: 'PEER_UNAVAILABLE',
    details: expect.stringMatching(/unable to (verify|get)|self-signed/),
  });
  expect(await connect(port, await openClient({ skipVerify: true }))()).toBe('hello');
});

test('a least version is kept on both sides', async () => {
  const { port } = await serve({ minVersion: '1.3' });
  const old = await serve({ minVersion: '1.2', ciphers: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'] });
  const client = await openClient({ minVersion: '1.2' });
  expect(await connect(port, client)()).toBe('hello');
  expect(await connect(old.port, client)()).toBe('hello');
});

test('a server certificate that changes serves new connections, and calls that run are not disturbed', async () => {
  const { tls, port } = await serve();
  const client = await openClient();
  const early = connect(port, client);
  expect(await early()).toBe('hello');
  mountSecret(serverDirectory, secret(await stranger.issue()));
  await tls.refresh();
  expect(await early()).toBe('hello'); // On its connection of before.
  await expect(connect(port, client)()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });

  // Nor does it know the new authority until its own files change.
  mountSecret(clientDirectory, secret(pair, stranger.cert));
  await client.refresh();
  expect(await connect(port, client)()).toBe('hello');
  mountSecret(serverDirectory, { ...secret(pair), 'tls.key': '' });
  await tls.refresh();
  expect(await connect(port, client)()).toBe('hello');
  expect(tls.tally).toMatchObject({ reloads: 1, failures: 1 });
});

test('certificates of clients are verified, and both sides follow a change of authority', async () => {
  const { tls, port } = await serve({ clientCaFile: file(serverDirectory, 'ca.crt') });
  await expect(connect(port, await openClient())()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  const client = await openClient({
    certFile: file(clientDirectory, 'tls.crt'),
    keyFile: file(clientDirectory, 'tls.key'),
  });
  expect(await connect(port, client)()).toBe('hello');

  mountSecret(serverDirectory, secret(pair, stranger.cert));
  await tls.refresh();
  const later = connect(port, client);
  await expect(later()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  mountSecret(clientDirectory, secret(await stranger.issue()));
  await client.refresh();
  // The same peer finds its way back with its next connection.
  await until(async () => (await later().catch(() => '')) === 'hello');
});

test('a server that hangs up or speaks no TLS is unavailable', async () => {
  const sockets: Socket[] = [];
  const client = await openClient();
  for (const greet of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.end('HTTP/1.1 400\r\n\r\n')]) {
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      greet(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const call = connect((server.address() as AddressInfo).port, client, '127.0.0.1');
    await expect(call()).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE', kind: 'unavailable' });
    peers.splice(0).forEach((peer) => peer.close());
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});
