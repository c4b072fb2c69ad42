import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request, type RequestOptions } from 'node:https';
import { type TLSSocket } from 'node:tls';
import { silentLog } from '@gauntlet/base';
import {
  clientSubjectOf,
  createWebServer,
  openClientTls,
  openServerTls,
  type Reloaded,
  type SecureServer,
  type ServerTls,
  type ServerTlsFiles,
} from './index.js';
import { createTestAuthority, mountSecret, type TestAuthority, type TestPair } from './testing/index.js';

let directory: string;
let authority: TestAuthority;
let stranger: TestAuthority;
let pair: TestPair;
let agentPair: TestPair;
beforeAll(async () => {
  authority = await createTestAuthority();
  stranger = await createTestAuthority('stranger');
  pair = await authority.issue();
  agentPair = await authority.issue({ subject: 'CN=agent, O=first, O=second, OU=unit', names: [] });
});
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'tls-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const options = { log: silentLog, use: 'test', pollMs: 0 };
function files(more: Partial<ServerTlsFiles> = {}): ServerTlsFiles {
  const certFile = join(directory, 'tls.crt');
  return { certFile, keyFile: join(directory, 'tls.key'), minVersion: '1.3', ciphers: [], curves: [], ...more };
}

async function serve(tls: Reloaded<ServerTls>): Promise<SecureServer & { port: number; stop(): Promise<unknown> }> {
  const web = createWebServer((incoming, response) => {
    const socket = incoming.socket as TLSSocket;
    const [{ value: organization }, { value: commonName }] = [
      clientSubjectOf(socket, 'organization'),
      clientSubjectOf(socket, 'commonName'),
    ];
    response.end(
      JSON.stringify({
        version: socket.getProtocol(),
        cipher: socket.getCipher().standardName,
        organization,
        commonName,
      }),
    );
  }, tls);
  web.server.listen(0, '127.0.0.1');
  await once(web.server, 'listening');
  const stop = (): Promise<unknown> => {
    web.server.closeAllConnections();
    return new Promise((resolve) => web.server.close(resolve));
  };
  return { ...web, port: (web.server.address() as AddressInfo).port, stop };
}

interface Answer {
  version: string;
  cipher: string;
  organization?: string;
  commonName?: string;
  serial: string;
  resumed: boolean;
}

function ask(port: number, more: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, ca: authority.cert, agent: false, ...more }, (response) => {
      // Later nothing tells of it: a reused connection shakes hands no more.
      const socket = response.socket as TLSSocket;
      const [serial, resumed] = [socket.getPeerCertificate().serialNumber, socket.isSessionReused()];
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ ...(JSON.parse(body) as Answer), serial, resumed }));
    })
      .on('error', reject)
      .end();
  });
}

test('a certificate that changes serves new connections, and the open ones stay', async () => {
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key });
  const tls = await openServerTls(files(), options);
  const server = await serve(tls);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await ask(server.port, { agent });
  const next = await authority.issue();
  mountSecret(directory, { 'tls.crt': next.cert, 'tls.key': next.key });
  await tls.refresh();
  expect((await ask(server.port, { agent })).serial).toBe(before.serial); // On its connection of before.
  const after = await ask(server.port);
  expect(after.serial).not.toBe(before.serial);

  // Half of a pair changes nothing.
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': next.key });
  await tls.refresh();
  expect(tls.tally).toMatchObject({ reloads: 1, failures: 1, failing: true });
  expect((await ask(server.port)).serial).toBe(after.serial);
  agent.destroy();
  await server.stop();
});

test('with an authority for clients only those that it vouches for get in, and it can change', async () => {
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': authority.cert });
  const tls = await openServerTls(files({ clientCaFile: join(directory, 'ca.crt') }), options);
  const server = await serve(tls);
  expect(await ask(server.port, agentPair)).toMatchObject({ organization: 'first', commonName: 'agent' });
  await expect(ask(server.port)).rejects.toMatchObject({ code: 'ECONNRESET' });
  const foreign = await stranger.issue();
  await expect(ask(server.port, foreign)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(server.tally.refusedConnections).toBe(2);

  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': stranger.cert });
  await tls.refresh();
  await expect(ask(server.port, agentPair)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await ask(server.port, foreign)).toMatchObject({ commonName: 'localhost' });
  await server.stop();
});

test('a session that is resumed still knows who the client is', async () => {
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': authority.cert });
  const tls = await openServerTls(files({ clientCaFile: join(directory, 'ca.crt') }), options);
  const server = await serve(tls);
  const agent = new Agent({ maxCachedSessions: 5, ...agentPair, ca: authority.cert });
  const known = { organization: 'first', commonName: 'agent' };
  expect(await ask(server.port, { agent })).toMatchObject({ ...known, resumed: false });
  expect(await ask(server.port, { agent })).toMatchObject({ ...known, resumed: true });

  // It does not outlive the authority that vouched for the client.
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': stranger.cert });
  await tls.refresh();
  await expect(ask(server.port, { agent })).rejects.toMatchObject({ code: 'ECONNRESET' });
  await server.stop();
});

test.each([
  ['1.3', 'TLSv1.3', undefined],
  ['1.3', 'TLSv1.2', 'refused'],
  ['1.2', 'TLSv1.2', undefined],
  ['1.2', 'TLSv1.1', 'refused'],
  ['1.1', 'TLSv1.1', undefined],
  ['1.0', 'TLSv1', undefined],
  ['1.1', 'TLSv1', 'refused'],
] as const)('with a minimum of %s a client of %s is served or refused', async (minVersion, version, refused) => {
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key });
  const tls = await openServerTls(files({ minVersion }), options);
  const server = await serve(tls);
  const answer = ask(server.port, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });
  if (refused) await expect(answer).rejects.toThrow();
  else expect(await answer).toMatchObject({ version });
  await server.stop();
});

test('named suites and curves are the only ones', async () => {
  mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key });
  const tls = await openServerTls(
    files({ minVersion: '1.2', ciphers: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'], curves: ['CurveP384'] }),
    options,
  );
  const server = await serve(tls);
  expect(await ask(server.port, { maxVersion: 'TLSv1.2' })).toMatchObject({
    cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  });
  await expect(ask(server.port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).rejects.toThrow();
  await expect(ask(server.port, { ecdhCurve: 'P-256' })).rejects.toThrow();
  expect(await ask(server.port, { ecdhCurve: 'P-384' })).toMatchObject({ version: 'TLSv1.3' });
  await server.stop();
});

describe('files that are not good at the start', () => {
  test.each([
    [
      'no certificate',
      () => ({ 'tls.key': pair.key }),
      /^server credentials: open .*tls.crt: no such file or directory$/,
    ],
    ['no key', () => ({ 'tls.crt': pair.cert }), /^server credentials: open .*tls.key: no such file or directory$/],
    [
      'another key',
      () => ({ 'tls.crt': pair.cert, 'tls.key': agentPair.key }),
      /^server credentials: private key does not match the certificate$/,
    ],
    ['text', () => ({ 'tls.crt': 'x', 'tls.key': pair.key }), /^server credentials: there is no certificate in it$/],
    ['an empty key', () => ({ 'tls.crt': pair.cert, 'tls.key': '' }), /^server credentials: /],
    [
      'half a certificate',
      () => ({ 'tls.crt': pair.cert.slice(0, 200), 'tls.key': pair.key }),
      /^server credentials: there is no certificate in it$/,
    ],
  ])('such as %s are refused, and no key is shown', async (_name, content, message) => {
    mountSecret(directory, content());
    const opened = openServerTls(files(), options);
    await expect(opened).rejects.toMatchObject({ code: 'TLS_CONFIG_INVALID', message: expect.stringMatching(message) });
    await expect(opened).rejects.toMatchObject({ message: expect.not.stringContaining(pair.key.split('\n')[1]!) });
  });

  test('such as an authority without a certificate are refused', async () => {
    mountSecret(directory, { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': '' });
    await expect(openServerTls(files({ clientCaFile: join(directory, 'ca.crt') }), options)).rejects.toThrow(
      /^reading client CA: .*ca.crt: there is no certificate in it$/,
    );
  });
});

test('a client trusts the system, or the authority it is given', async () => {
  mountSecret(directory, { 'ca.crt': authority.cert, 'tls.crt': agentPair.cert, 'tls.key': agentPair.key });
  const system = await openClientTls({ skipVerify: false, minVersion: '1.3' }, options);
  expect(system.current).toMatchObject({ serverName: undefined, notAfterMs: undefined });
  const own = await openClientTls(
    {
      caFile: join(directory, 'ca.crt'),
      certFile: join(directory, 'tls.crt'),
      keyFile: join(directory, 'tls.key'),
      serverName: 'ingester',
      skipVerify: true,
      minVersion: '1.2',
    },
    options,
  );
  expect(own.current).toMatchObject({ serverName: 'ingester', skipVerify: true, context: { minVersion: 'TLSv1.2' } });
  expect(own.current.notAfterMs).toBeGreaterThan(Date.now());
});
