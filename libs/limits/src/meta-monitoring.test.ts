import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority } from '@gauntlet/tls/testing';
import { MetaMonitoringError, parseLimits, type MetaMonitoring } from './index.js';
import { answerBytesMax, nodeFetch, querySeries } from './meta-monitoring.js';
import { MetaMonitoringServer, vectorOf } from './testing/meta-monitoring-server.js';

const server = new MetaMonitoringServer();
let origin: string;
let dir: string;
beforeAll(async () => {
  origin = await server.start();
  dir = await mkdtemp(join(tmpdir(), 'limits-'));
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  server.answer = {};
  server.requests.length = 0;
});

/** As the configuration gives it. */
function target(client = '{}', url = origin): MetaMonitoring {
  const { metaMonitoring } = parseLimits(
    `write: {global: {meta_monitoring_url: ${JSON.stringify(url)}, meta_monitoring_http_client: ${client}}, default: {head_series_limit: 1}}`,
  );
  return metaMonitoring!;
}

const query = (of: MetaMonitoring, signal = new AbortController().signal): Promise<Map<string, number>> =>
  querySeries(of, { nowMs: 2_000_000_000_000, fetch: nodeFetch, signal });

test('the request is the one that Thanos sends', async () => {
  await query(target('{}', `${origin}/prefix/`));
  const [request] = server.requests;
  expect(request!.method).toBe('GET');
  const url = new URL(request!.url!, origin);
  expect(url.pathname).toBe('/prefix/api/v1/query');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    query: 'sum(prometheus_tsdb_head_series) by (tenant)',
    time: '2033-05-18T03:33:20.000Z',
    dedup: 'true',
    partial_response: 'true',
    explain: 'false',
    analyze: 'false',
    engine: '',
  });
  expect(request!.headers.authorization).toBeUndefined();
});

test('numbers come by tenant; elements without one, and numbers that are none, are left out', async () => {
  server.answer = { a: 5, b: '+Inf', c: 'NaN', d: '1e3', __proto__x: 0 };
  expect([...(await query(target()))]).toEqual([
    ['a', 5],
    ['b', Infinity],
    ['d', 1000],
    ['__proto__x', 0],
  ]);
  const odd = [
    { metric: { job: 'x' }, value: [1, '1'] },
    null,
    1,
    { metric: { tenant: 'e' } },
    { metric: { tenant: 'f' }, value: [1, '2'] },
  ];
  server.answer = {
    status: 200,
    body: JSON.stringify({ status: 'success', data: { resultType: 'vector', result: odd } }),
  };
  expect([...(await query(target()))]).toEqual([['f', 2]]);
});

describe('credentials', () => {
  const authorizationOf = async (client: string): Promise<string | undefined> => {
    await query(target(client));
    return server.requests.at(-1)!.headers.authorization;
  };

  test('are sent as configured, and files are read anew for each query', async () => {
    const basic = `Basic ${Buffer.from('u:s3cret').toString('base64')}`;
    const file = join(dir, 'secret');
    await writeFile(file, 's3cret\n');
    expect(await authorizationOf('{basic_auth: {username: u, password: s3cret}}')).toBe(basic);
    expect(await authorizationOf(`{basic_auth: {username: u, password_file: ${file}}}`)).toBe(basic);
    expect(await authorizationOf('{bearer_token: t0ken}')).toBe('Bearer t0ken');
    expect(await authorizationOf(`{bearer_token_file: ${file}}`)).toBe('Bearer s3cret');
    await writeFile(file, 'other');
    expect(await authorizationOf(`{bearer_token_file: ${file}}`)).toBe('Bearer other');
  });

  test('are in no error', async () => {
    const attempts = [
      target('{bearer_token: "s3cret\\nx"}'),
      target('{bearer_token: s3cret}', 'http://127.0.0.1:1'),
      target('{}', origin.replace('http://', 'http://user:s3cret@').replace(/\d+$/, '1')),
      target(`{basic_auth: {username: u, password_file: ${join(dir, 'none')}}}`),
    ];
    for (const of of attempts) {
      const error: unknown = await query(of).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MetaMonitoringError);
      expect((error as Error).message).not.toContain('s3cret');
    }
  });
});

describe('an answer that cannot be used is an error', () => {
  const cases: readonly [name: string, status: number, body: string, reason: string][] = [
    ['another status', 503, '{}', "the answer's status is 503"],
    // Followed, it would carry credentials elsewhere.
    ['a redirect', 302, '', "the answer's status is 302"],
    ['no JSON', 200, '<html>', 'the answer is not JSON'],
    ['null', 200, 'null', 'the answer reports an error'],
    ['an error', 200, '{"status":"error"}', 'the answer reports an error'],
    [
      'a matrix',
      200,
      '{"status":"success","data":{"resultType":"matrix","result":[]}}',
      'the answer is not an instant vector',
    ],
    ['no result', 200, '{"status":"success","data":{"resultType":"vector"}}', 'the answer is not an instant vector'],
    ['a flood', 200, ' '.repeat(answerBytesMax + 1), 'the answer has more than 16777216 bytes'],
  ];
  test.each(cases)('%s', async (_, status, body, reason) => {
    server.answer = { status, body };
    await expect(query(target())).rejects.toThrow(`Cannot query meta-monitoring: ${reason}`);
  });

  test('a server that is not there, or a file', async () => {
    await expect(query(target('{}', 'http://127.0.0.1:1'))).rejects.toThrow(
      'Cannot query meta-monitoring: ECONNREFUSED',
    );
    const noCa = target(`{tls_config: {ca_file: ${join(dir, 'none')}}}`, 'https://127.0.0.1:1');
    await expect(query(noCa)).rejects.toThrow('Cannot query meta-monitoring: ca_file cannot be read: ENOENT');
  });

  test('a query that is aborted ends', async () => {
    const late = new AbortController();
    const pending = query(target(), late.signal);
    late.abort();
    await expect(pending).rejects.toThrow(MetaMonitoringError);
  });
});

test('a server is asked over TLS, with a certificate of ours if it wants one', async () => {
  const authority = await createTestAuthority();
  const [ours, theirs] = await Promise.all([authority.issue(), authority.issue()]);
  const files = { ca: authority.cert, cert: ours.cert, key: ours.key };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, `${name}.pem`), text)));
  const secure = createServer(
    { ...theirs, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    (_, response) => response.end(vectorOf({ a: 7 })),
  );
  await new Promise<void>((listening) => secure.listen(0, '127.0.0.1', listening));
  try {
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
    const pem = (name: string): string => join(dir, `${name}.pem`);
    const pair = `cert_file: ${pem('cert')}, key_file: ${pem('key')}`;
    const ask = (tls: string): Promise<Map<string, number>> => query(target(`{tls_config: {${tls}}}`, url));
    expect([...(await ask(`ca_file: ${pem('ca')}, ${pair}`))]).toEqual([['a', 7]]);
    expect([...(await ask(`ca_file: ${pem('ca')}, server_name: localhost, ${pair}`))]).toEqual([['a', 7]]);
    expect([...(await ask(`insecure_skip_verify: true, ${pair}`))]).toEqual([['a', 7]]);
    await expect(ask(pair)).rejects.toThrow(MetaMonitoringError);
    await expect(ask(`ca_file: ${pem('ca')}, server_name: elsewhere, ${pair}`)).rejects.toThrow(MetaMonitoringError);
    await expect(ask(`ca_file: ${pem('ca')}`)).rejects.toThrow(MetaMonitoringError);
  } finally {
    secure.closeAllConnections();
    await new Promise((closed) => secure.close(closed));
  }
});
