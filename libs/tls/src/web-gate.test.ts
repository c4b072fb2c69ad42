import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import fc from 'fast-check';
import { type Log, silentLog } from '@gauntlet/base';
import { BasicAuth } from './basic-auth.js';
import { createGatedServer, openWebGate, TlsConfigError, type WebGate } from './index.js';
import { createTestAuthority, type TestAuthority, type TestPair } from './testing/index.js';

const hash = hashSync('pass:word', 4);
let directory: string;
let path: string;
let authority: TestAuthority;
let pair: TestPair;
beforeAll(async () => {
  authority = await createTestAuthority();
  pair = await authority.issue();
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'web-'));
  path = join(directory, 'web.yml');
  writeFileSync(join(directory, 'tls.crt'), pair.cert);
  writeFileSync(join(directory, 'tls.key'), pair.key);
  writeFileSync(join(directory, 'ca.crt'), authority.cert);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (yaml: string, log: Log = silentLog): Promise<WebGate> => {
  writeFileSync(path, yaml);
  return openWebGate(path, { log, pollMs: 0 });
};

async function serve(gate: WebGate): Promise<{ port: number; stop(): Promise<unknown> }> {
  const { server } = createGatedServer((_request, response) => response.end('in'), gate);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

function ask(
  port: number,
  { auth, tls }: { auth?: string; tls?: RequestOptions } = {},
): Promise<{ status: number | undefined; body: string; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: false, ...(auth !== undefined && { auth }), ...tls };
    const outgoing = tls ? httpsRequest({ ca: authority.cert, ...options }) : httpRequest(options);
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode, body, headers: response.headers }));
    });
    outgoing.on('error', reject).end();
  });
}

test('users get in with their password, and nobody else does', async () => {
  const gate = await open(`basic_auth_users:\n  john: ${hash}\n`);
  const server = await serve(gate);
  expect(await ask(server.port, { auth: 'john:pass:word' })).toMatchObject({ status: 200, body: 'in' });
  expect(await ask(server.port)).toMatchObject({
    status: 401,
    body: 'Unauthorized\n',
    headers: {
      'www-authenticate': 'Basic',
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    },
  });
  for (const auth of ['john:pass', 'jane:pass:word', 'john', ':pass:word'])
    expect(await ask(server.port, { auth })).toMatchObject({ status: 401 });
  await server.stop();
});

test('a changed file counts from the next request on, and a bad one leaves who could come in', async () => {
  const lines: string[] = [];
  const log = {
    ...silentLog,
    error: (message: string, fields: unknown) => lines.push(message + JSON.stringify(fields)),
  };
  const gate = await open(`basic_auth_users: {john: ${hash}}`, log);
  const server = await serve(gate);
  const status = async (auth: string) => (await ask(server.port, { auth })).status;
  expect(await status('john:pass:word')).toBe(200);
  writeFileSync(
    path,
    `basic_auth_users: {jane: ${hashSync('other', 4)}}\nhttp_server_config: {headers: {X-Frame-Options: deny}}`,
  );
  expect(await status('john:pass:word')).toBe(401);
  const { headers } = await ask(server.port, { auth: 'jane:other' });
  expect(headers).toMatchObject({ 'x-frame-options': 'deny' });
  writeFileSync(path, 'basic_auth_users: {jane: plaintext-secret}');
  expect(await status('jane:other')).toBe(200);
  expect(await status('jane:plaintext-secret')).toBe(401);
  expect(lines.at(-1)).toContain('basic_auth_users.jane: must be a bcrypt hash');
  expect(lines.join()).not.toContain('plaintext-secret');
  // Whoever writes it may be half way.
  writeFileSync(path, '');
  expect(await status('x:y')).toBe(401);
  expect(lines.at(-1)).toContain('all users were removed, which takes a restart');
  await server.stop();
});

test('an empty file is a valid one', async () => {
  for (const yaml of ['', '# nothing\n', 'tls_server_config:\nbasic_auth_users:\n']) {
    const gate = await open(yaml);
    expect([gate.tls, gate.config.current.users.size]).toEqual([undefined, 0]);
  }
});

test('TLS comes from files beside it, and what it asks of clients can change', async () => {
  const tlsYaml = 'tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n';
  const gate = await open(tlsYaml);
  const server = await serve(gate);
  expect(await ask(server.port, { tls: {} })).toMatchObject({ status: 200 });
  writeFileSync(path, `${tlsYaml}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n`);
  await gate.config.refresh();
  await expect(ask(server.port, { tls: {} })).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await ask(server.port, { tls: { ...pair } })).toMatchObject({ status: 200 });
  writeFileSync(path, `${tlsYaml}  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [elsewhere]\n`);
  await gate.config.refresh();
  await expect(ask(server.port, { tls: { ...pair } })).rejects.toMatchObject({ code: 'ECONNRESET' });
  writeFileSync(path, `${tlsYaml}  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [localhost]\n`);
  await gate.config.refresh();
  const foreign = await (await createTestAuthority('other')).issue();
  expect(await ask(server.port, { tls: { ...foreign } })).toMatchObject({ status: 200 });

  // Off is nothing that a running listener can do.
  writeFileSync(path, '');
  await gate.config.refresh();
  expect(gate.config.tally).toMatchObject({ failing: true, failures: 1 });
  expect(await ask(server.port, { tls: { ...pair } })).toMatchObject({ status: 200 });
  await server.stop();
});

test('certificates may stand in the file itself', async () => {
  const indent = (pem: string) => pem.replaceAll(/^/gm, '    ');
  const gate = await open(`tls_server_config:\n  cert: |\n${indent(pair.cert)}\n  key: |\n${indent(pair.key)}\n`);
  const server = await serve(gate);
  expect(await ask(server.port, { tls: {} })).toMatchObject({ status: 200 });
  await server.stop();
});

const pairYaml = 'cert_file: tls.crt, key_file: tls.key';
test.each([
  ['tls_server_config: {cert_filse: a}', 'field tls_server_config.cert_filse not found'],
  ['nonsense', 'document: must be a map'],
  ['- a', 'document: must be a map'],
  ['a: [', 'yaml: line 1'],
  ['a: *b', 'yaml: an alias is unknown or expands too far'],
  ['basic_auth_users: {john: doe}', 'basic_auth_users.john: must be a bcrypt hash'],
  ['basic_auth_users: [john]', 'basic_auth_users: must be a map'],
  ['rate_limit: {burst: 1}', 'field rate_limit not found'],
  ['http_server_config: {http2: maybe}', 'http_server_config.http2: must be one of true, false'],
  ['http_server_config: {headers: {Content-Type: foo}}', 'HTTP header "Content-Type" can not be configured'],
  [
    'http_server_config: {headers: {X-Frame-Options: foo}}',
    'http_server_config.headers.X-Frame-Options: must be one of deny, sameorigin',
  ],
  ['http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}', 'has a character that headers cannot carry'],
  ['tls_server_config: {key_file: tls.key}', 'missing one of cert or cert_file'],
  ['tls_server_config: {cert_file: tls.crt}', 'missing one of key or key_file'],
  ['tls_server_config: {client_auth_type: NoClientCert}', 'missing one of cert or cert_file'],
  [`tls_server_config: {${pairYaml}, client_auth_type: x}`, 'invalid client_auth_type'],
  [
    `tls_server_config: {${pairYaml}, client_ca_file: ca.crt}`,
    "client CA's have been configured without a client_auth_type",
  ],
  [`tls_server_config: {${pairYaml}, client_ca_file: none.crt}`, 'none.crt: no such file or directory'],
  [
    `tls_server_config: {${pairYaml}, min_version: TLS11111}`,
    'tls_server_config.min_version: must be one of TLS10, TLS11, TLS12, TLS13',
  ],
  [
    `tls_server_config: {${pairYaml}, min_version: TLS13, max_version: TLS12}`,
    'min_version: must be at most max_version',
  ],
  [
    `tls_server_config: {${pairYaml}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]}`,
    'invalid cipher suite',
  ],
  [`tls_server_config: {${pairYaml}, curve_preferences: [CurveP257]}`, 'invalid curve: CurveP257'],
  ['tls_server_config: {cert_file: none, key_file: tls.key}', 'tls_server_config: cert_file: open '],
])('a file %j is refused: %s', async (yaml, message) => {
  await expect(open(yaml)).rejects.toMatchObject({
    code: 'TLS_CONFIG_INVALID',
    message: expect.stringContaining(message),
  });
});

test('whatever a file says, it is taken or refused in words', async () => {
  const good = `tls_server_config: {${pairYaml}}\nbasic_auth_users:\n  john: ${hash}\nhttp_server_config: &a\n  headers: {X-Frame-Options: deny}\n`;
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 5 }), async (at, cut, put) => {
      const yaml = good.slice(0, at) + put + good.slice(at + cut);
      const refused = await open(yaml).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused !== undefined) expect(refused).toBeInstanceOf(TlsConfigError);
    }),
    { numRuns: 200 },
  );
});

test('a file that is not there is refused', async () => {
  await expect(openWebGate(path, { log: silentLog })).rejects.toThrow(`open ${path}: no such file or directory`);
});

describe('passwords', () => {
  const users = new Map([['john', hash]]);
  const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  test('are compared once, and again when the hash changes', async () => {
    const compared: string[] = [];
    const auth = new BasicAuth(async (password, against) => {
      compared.push(against);
      return password === 'right';
    });
    expect(await auth.check(header('john:right'), users)).toBe('ok');
    expect(await auth.check(header('john:right'), users)).toBe('ok');
    expect(compared).toEqual([hash]);
    const other = hashSync('right', 4);
    expect(await auth.check(header('john:right'), new Map([['john', other]]))).toBe('ok');
    expect(compared).toEqual([hash, other]);
  });

  test('of unknown users cost as much as those of known ones', async () => {
    const compared: string[] = [];
    const auth = new BasicAuth(async (_password, against) => {
      compared.push(against);
      return true;
    });
    const costly = `$2y$12$${'a'.repeat(53)}`;
    expect(await auth.check(header('who:x'), new Map([...users, ['jane', costly]]))).toBe('refused');
    expect(compared).toEqual([`$2b$12$${'.'.repeat(53)}`]);
  });

  test('that are wrong wait for each other, and too many are turned away', async () => {
    let running = 0;
    let most = 0;
    const auth = new BasicAuth(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return false;
    });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => auth.check(header(`john:${at}`), users)));
    expect(most).toBe(1);
    expect(answers.filter((answer) => answer === 'busy')).toHaveLength(8);
    expect(answers.filter((answer) => answer === 'refused')).toHaveLength(32);
  });

  test.each(['Bearer x', 'Basic', 'Basic ====', 'Basic !!!', 'Basic am9obg=='])('a header %j is none', async (text) =>
    expect(await new BasicAuth(() => Promise.resolve(true)).check(text, users)).toBe('refused'),
  );
});
