import { createTestAuthority, type TestAuthority } from '@gauntlet/tls/testing';
import { createServer, request } from 'node:https';
import type { CertificateField } from './tenancy.js';
import { oneSeries, runListener, send, type Running } from './testing/run-listener.js';

let running: Running | undefined;
afterEach(async () => {
  expect(running?.faults).toEqual([]);
  await running?.stop();
});

async function tenantOf(headers: Record<string, string | string[]>, options = {}): Promise<string> {
  running = await runListener(options);
  const { status, body } = await send(running.port, { body: oneSeries, headers });
  return status === 200 ? Object.keys(running.target.writes[0]!)[0]! : `${status} ${body}`;
}

const scoped = { tenantHeader: 'X-Scope', defaultTenant: 'nobody' };
const utf8 = (name: string): string => Buffer.from(name).toString('latin1');
test.each<[name: string, headers: Record<string, string | string[]>, options: object, tenant: string]>([
  ['none', {}, {}, 'default-tenant'],
  ['an empty header', { 'thanos-tenant': '' }, {}, 'default-tenant'],
  ['the header', { 'THANOS-TENANT': 'a' }, {}, 'a'],
  ['two headers', { 'thanos-tenant': ['a', 'b'] }, {}, 'a'],
  ['another header', { 'x-scope': 'a', 'thanos-tenant': 'b' }, scoped, 'a'],
  ['the usual header where another is configured', { 'thanos-tenant': 'b' }, scoped, 'b'],
  ['none of two', {}, scoped, 'nobody'],
  [
    'the header behind thousands',
    { ...Object.fromEntries(Array.from({ length: 1900 }, (_, i) => [`h${i}`, ''])), 'thanos-tenant': 'a' },
    {},
    'a',
  ],
  ['text beyond ASCII', { 'thanos-tenant': utf8('größe') }, {}, 'größe'],
  ['bytes that are no text', { 'thanos-tenant': '\xff' }, {}, '400 tenant name not valid\n'],
  ['a path', { 'thanos-tenant': '../x' }, {}, '400 tenant name not valid\n'],
  ['a directory', { 'thanos-tenant': '..' }, {}, '400 tenant name not valid\n'],
  [
    'a field of a certificate over plain HTTP',
    { 'thanos-tenant': 'a' },
    { certificateField: 'commonName' },
    '400 could not get required certificate field from client cert\n',
  ],
])('%s', async (_name, headers, options, tenant) => {
  expect(await tenantOf(headers, options)).toBe(tenant);
});

describe('of a client certificate', () => {
  let authority: TestAuthority;
  beforeAll(async () => (authority = await createTestAuthority()));

  async function writeWith(field: CertificateField, subject: string | undefined, issuer = authority): Promise<string> {
    const own = await authority.issue();
    running = await runListener({
      certificateField: field,
      createServer: (handler) =>
        createServer({ ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false }, handler),
    });
    const client = subject === undefined ? {} : await issuer.issue({ subject });
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
          port: running!.port,
          path: '/api/v1/receive',
          method: 'POST',
          ca: authority.cert,
          ...client,
          agent: false,
          headers: { 'thanos-tenant': 'of-header' },
        },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode!, body }));
        },
      );
      call.on('error', reject);
      call.end(oneSeries);
    });
    return answer.status === 200 ? Object.keys(running.target.writes[0]!)[0]! : `${answer.status} ${answer.body}`;
  }

  test.each<[field: CertificateField, subject: string | undefined, tenant: string]>([
    ['commonName', 'CN=client, O=first, O=second, OU=unit', 'client'],
    ['organization', 'CN=client, O=first, O=second, OU=unit', 'first'],
    ['organizationalUnit', 'CN=client, O=first, O=second, OU=unit', 'unit'],
    ['commonName', 'O=first', '400 could not get commonName field from client cert\n'],
    ['organization', 'CN=client', '400 could not get organization field from client cert\n'],
    ['organizationalUnit', 'CN=client', '400 could not get organizationalUnit field from client cert\n'],
    ['commonName', 'CN=../x', '400 tenant name not valid\n'],
    ['commonName', undefined, '400 could not get required certificate field from client cert\n'],
  ])('%s of %s', async (field, subject, tenant) => {
    expect(await writeWith(field, subject)).toBe(tenant);
  });

  test('nobody is believed whom the server has not verified', async () => {
    const stranger = await createTestAuthority('stranger');
    expect(await writeWith('commonName', 'CN=victim', stranger)).toBe(
      '400 could not get required certificate field from client cert\n',
    );
  });
});
