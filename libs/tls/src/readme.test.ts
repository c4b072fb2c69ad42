import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog as log } from '@gauntlet/base';
import { createGatedServer, createWebServer, openServerTls, openWebGate } from './index.js';
import { createTestAuthority } from './testing/index.js';

test('the example of the README works', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tls-readme-'));
  const authority = await createTestAuthority();
  const pair = await authority.issue();
  const [certFile, keyFile, clientCaFile, webConfigFile] = ['crt', 'key', 'ca', 'yml'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string];
  writeFileSync(certFile, pair.cert);
  writeFileSync(keyFile, pair.key);
  writeFileSync(clientCaFile, authority.cert);
  writeFileSync(webConfigFile, '');

  // <README>
  const files = { certFile, keyFile, clientCaFile, minVersion: '1.3', ciphers: [], curves: [] } as const;
  const tls = await openServerTls(files, { log, use: 'remote-write' });
  const { server } = createWebServer((_request, response) => response.end('hello'), tls);
  tls.onChange(({ notAfterMs }) => log.info('new certificate', { notAfterMs }));
  const gate = await openWebGate(webConfigFile, { log });
  const gated = createGatedServer((_request, response) => response.end('metrics'), gate);
  tls.close();
  gate.close();
  // </README>

  expect([server.listening, gated.tally.refusedConnections]).toEqual([false, 0]);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(
    own.replaceAll(/^ {2}/gm, '').replaceAll(/\n\n$/g, '\n'),
  );
  rmSync(directory, { recursive: true });
});
