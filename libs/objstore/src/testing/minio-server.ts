import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@gauntlet/base/testing';
import { Client } from 'minio';

const startMsMax = 20_000;
const pollMs = 50;

/** A real MinIO of a test: its own port, its own directory, gone after `stop`. */
export interface MinioServer {
  readonly port: number;
  readonly client: Client;
  /** Makes an empty bucket and gives its configuration document. `port` may be that of a proxy before the server. */
  document(
    bucket: string,
    options?: { readonly port?: number; readonly more?: string; readonly top?: string },
  ): Promise<string>;
  stop(): Promise<void>;
}

const accessKey = 'test-access';
const secretKey = 'test-secret-key';

export async function startMinio(program: string): Promise<MinioServer> {
  const directory = mkdtempSync(join(tmpdir(), 'minio-'));
  const [port, consolePort] = (await findFreePorts(2)) as [number, number];
  const server = spawn(
    program,
    ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${consolePort}`, directory],
    {
      env: {
        ...process.env,
        MINIO_ROOT_USER: accessKey,
        MINIO_ROOT_PASSWORD: secretKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
        HOME: directory,
      },
      stdio: 'ignore',
    },
  );
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
      const keys = [
        `bucket: ${bucket}`,
        `endpoint: 127.0.0.1:${servedPort}`,
        `access_key: ${accessKey}`,
        `secret_key: ${secretKey}`,
        'insecure: true',
        ...more.split('\n'),
      ];
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
      if (server.exitCode !== null || performance.now() > deadlineMs)
        throw new Error('Cannot start minio', { cause: error });
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
