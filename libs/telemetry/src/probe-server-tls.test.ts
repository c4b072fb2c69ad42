import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { type Log, silentLog } from '@gauntlet/base';
import { createTestAuthority, type TestAuthority } from '@gauntlet/tls/testing';
import { createRegistry, createRequestLog, parseRequestLogConfig, startProbeServer } from './index.js';

let directory: string;
let authority: TestAuthority;
beforeAll(async () => {
  authority = await createTestAuthority();
});
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'probes-'))));
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

function fetchText(
  port: number,
  path: string,
  { secure = true, auth }: { secure?: boolean; auth?: string } = {},
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      ca: authority.cert,
      ...(auth !== undefined && { auth }),
    };
    (secure ? httpsGet : httpGet)(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    }).on('error', reject);
  });
}

test('a web configuration asks for TLS and users on every path', async () => {
  const pair = await authority.issue();
  write('tls.crt', pair.cert);
  write('tls.key', pair.key);
  const webConfigFile = write(
    'web.yml',
    `tls_server_config: {cert_file: tls.crt, key_file: tls.key}\nbasic_auth_users: {prom: ${hashSync('secret', 4)}}\n`,
  );
  const server = await startProbeServer({
    address: '127.0.0.1:0',
    registry: createRegistry(),
    ready: () => true,
    webConfigFile,
  });
  const auth = 'prom:secret';
  expect(await fetchText(server.port, '/-/healthy', { auth })).toEqual({ status: 200, body: 'OK' });
  for (const path of ['/-/healthy', '/-/ready', '/metrics', '/nothing'])
    expect(await fetchText(server.port, path)).toEqual({ status: 401, body: 'Unauthorized\n' });
  await expect(fetchText(server.port, '/-/healthy', { secure: false, auth })).rejects.toThrow();
  const { body } = await fetchText(server.port, '/metrics', { auth });
  expect(body).toMatch(/^tls_reloads_total\{use="http"\} 0$/m);
  expect(body).toMatch(/^tls_certificate_end_timestamp_seconds\{use="http"\} \d+$/m);
  expect(body).toMatch(/^tls_refused_connections_total 1$/m);
  await server.stop(100);
});

test('a web configuration that is missing or wrong is a start that cannot go on', async () => {
  const start = (webConfigFile: string) =>
    startProbeServer({ address: '127.0.0.1:0', registry: createRegistry(), ready: () => true, webConfigFile });
  const missing = join(directory, 'none.yml');
  await expect(start(missing)).rejects.toThrow(
    `server could not be started: open ${missing}: no such file or directory`,
  );
  await expect(start(write('bad.yml', 'nope: 1'))).rejects.toThrow(
    /^server could not be started: .*field nope not found$/,
  );
});

test('requests are logged as the operator asks for it', async () => {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    debug: (message, fields) => lines.push(`${message} ${String(fields?.['http.status_code'])}`),
  };
  const config = parseRequestLogConfig(
    'http: {options: {level: DEBUG, decision: {log_end: true}}, config: [{path: /-/ready}]}',
  );
  const server = await startProbeServer({
    address: '127.0.0.1:0',
    registry: createRegistry(),
    ready: () => true,
    requestLog: createRequestLog(config, log),
  });
  for (const path of ['/-/healthy', '/-/ready']) await fetchText(server.port, path, { secure: false });
  await server.stop(100);
  expect(lines).toEqual(['finished call 200']);
});
