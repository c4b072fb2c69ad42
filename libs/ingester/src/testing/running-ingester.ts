import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import { connectPeer } from '@gauntlet/rpc';
import { createRegistry, type Logger } from '@gauntlet/telemetry';
import type { IngesterConfig } from '../ingester-config.js';
import { startIngester, type RunningIngester } from '../start-ingester.js';

export interface IngesterUnderTest {
  readonly dir: string;
  readonly ingester: RunningIngester;
  /** Writes one sample of a series for each tenant, in one request. */
  write(tenants: readonly string[], timestampMs?: number): Promise<void>;
  /** Status and body of a path of its HTTP listener. */
  get(path: string): Promise<{ status: number; body: string }>;
  /** The value of a metric, by its line up to the blank; undefined when it is not there. */
  metric(name: string): Promise<number | undefined>;
  stop(): Promise<void>;
  /** Starts another one on the same directory, after this one has ended. */
  restart(more?: Partial<IngesterConfig>): Promise<IngesterUnderTest>;
  removeDir(): Promise<void>;
}

const log: Logger = { ...silentLog, with: () => log };

const field = (number: number, bytes: Uint8Array): Buffer => {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};

/** Starts an ingester with real sockets on a new directory. */
export async function startUnderTest(more: Partial<IngesterConfig> = {}): Promise<IngesterUnderTest> {
  return startOn(await mkdtemp(join(tmpdir(), 'ingester-')), more);
}

async function startOn(dir: string, more: Partial<IngesterConfig>): Promise<IngesterUnderTest> {
  const config: IngesterConfig = {
    httpAddress: '127.0.0.1:0',
    grpcAddress: '127.0.0.1:0',
    remoteWriteAddress: '127.0.0.1:0',
    httpGraceMs: 100,
    grpcGraceMs: 1000,
    grpcConnectionAgeMsMax: 3_600_000,
    dataDir: dir,
    lock: false,
    labels: { replica: '0' },
    tenantLabelName: 'tenant_id',
    tenantHeader: 'THANOS-TENANT',
    selectLimits: { seriesMax: 0, samplesMax: 0 },
    defaultTenant: 'default-tenant',
    retentionMs: 0,
    retentionBytesMax: 0,
    freeDiskBytesMin: 0,
    memoryBytesMax: 0,
    outOfOrderWindowMs: 0,
    outOfOrderCapMax: 32,
    exemplarsMax: 0,
    futureWindowMs: 0,
    blockRangeMs: 7_200_000,
    chunkRangeMs: 7_200_000,
    walCompression: true,
    walDurability: 'write',
    bucketConfig: undefined,
    shipper: { hashFunc: '', uploadConcurrency: 0, allowOutOfOrderUploads: false, skipCorruptedBlocks: false },
    ...more,
  };
  const ingester = await startIngester(config, { log, registry: createRegistry({ withoutProcessMetrics: true }) });
  const peer = connectPeer(`127.0.0.1:${ingester.grpcPort}`, {
    codec: { encode: snappyFramedEncode, decode: snappyFramedDecode },
  });
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(`http://127.0.0.1:${ingester.httpPort}${path}`);
    return { status: response.status, body: await response.text() };
  };
  const stop = async (): Promise<void> => {
    peer.close();
    await ingester.stop();
  };
  return {
    dir,
    ingester,
    async write(tenants, timestampMs = Date.now()) {
      const series = encodeWriteRequest({
        timeseries: [{ labels: [['__name__', 'up'] as const], samples: [{ timestampMs, value: 1 }] }],
      });
      const tuples = tenants.map((tenant) => field(4, Buffer.concat([series, field(2, Buffer.from(tenant))])));
      await peer.call(
        '/thanos.WriteableStore/RemoteWrite',
        { bytes: Buffer.concat(tuples), compressed: false },
        { deadlineMs: Date.now() + 30_000 },
      );
    },
    get,
    async metric(name) {
      const line = (await get('/metrics')).body.split('\n').find((one) => one.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.slice(name.length + 1));
    },
    stop,
    restart: (again = {}) => startOn(dir, { ...more, ...again }),
    removeDir: () => rm(dir, { recursive: true, force: true }),
  };
}
