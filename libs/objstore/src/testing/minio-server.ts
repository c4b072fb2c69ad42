import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from 'minio';

const startMsMax = 20_000;
const pollMs = 50;

/** A real MinIO of a test: its own port, its own directory, gone after `stop`. */
export interface MinioServer {
  readonly port: number;
  readonly client: Client;
  /** Makes an empty bucket and gives its configuration document. `port` may be that of a proxy before the server. */
  document(bucket: string, options?: { readonly port?: number; readonly more?: string; readonly top?: string }): Promise<string>;
  stop(): Promise<void>;
}

const accessKey = 'test-access';
const secretKey = 'test-secret-key';

/**
 * Where a peer's program is: in PEERS_DIR, else on the PATH. Undefined, with a line that says so, when it is nowhere; an error
 * when GAUNTLET_REQUIRE_PEERS=1.
 */
export function findPeer(program: string): string | undefined {
  const folders = [process.env['PEERS_DIR'], ...(process.env['PATH'] ?? '').split(delimiter)];
  for (const folder of folders) {
    if (folder === undefined || folder === '') continue;
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  if (process.env['GAUNTLET_REQUIRE_PEERS'] === '1') throw new Error(`Cannot find ${program}: neither in PEERS_DIR nor on the PATH, and GAUNTLET_REQUIRE_PEERS=1`);
  process.stderr.write(`skipped: tests against ${program}, which is neither in PEERS_DIR nor on the PATH\n`);
  return undefined;
}

export async function startMinio(program: string): Promise<MinioServer> {
  const directory = mkdtempSync(join(tmpdir(), 'minio-'));
  const port = await freePort();
  const consolePort = await freePort();
  const server = spawn(program, ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${consolePort}`, directory], {
    env: { ...process.env, MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off', HOME: directory },
    stdio: 'ignore',
  });
  const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region: 'us-east-1' });
  const stop = async (): Promise<void> => {
    await end(server);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await answering(client, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    client,
    async document(bucket, { port: servedPort = port, more = '', top = '' } = {}) {
      await client.makeBucket(bucket);
      const keys = [`bucket: ${bucket}`, `endpoint: 127.0.0.1:${servedPort}`, `access_key: ${accessKey}`, `secret_key: ${secretKey}`, 'insecure: true', ...more.split('\n')];
      return `type: S3\n${top}\nconfig:\n${keys.map((line) => `  ${line}\n`).join('')}`;
    },
    stop,
  };
}

async function answering(client: Client, server: ChildProcess): Promise<void> {
  const deadlineMs = performance.now() + startMsMax;
  for (;;) {
    try {
      await client.listBuckets();
      return;
    } catch (error) {
      if (server.exitCode !== null || performance.now() > deadlineMs) throw new Error('Cannot start minio', { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL'); // Its directory goes, too: nothing to save.
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
