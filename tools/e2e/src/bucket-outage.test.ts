import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { FaultProxy, type ProxiedRequest, type ProxyFault } from '@gauntlet/objstore/testing';
import { Client } from 'minio';
import { listBucket } from './bucket-blocks.js';
import { endToEnd, waitFor } from './lab.js';
import { subject } from './peers.js';
import { differences, promtoolDump } from './promtool.js';
import { remoteWrite } from './remote-write-client.js';
import { SampleLedger, sampleRound } from './sample-ledger.js';
import { startIngester, startMinio, startRouter, type Router } from './servers.js';

const bucketName = 'metrics';
const hourMs = 3_600_000;
const blocksOf = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(name))
    .sort();

endToEnd(
  'a bucket that is down, slow, broken and back: nothing is lost, nothing is there in halves',
  { needs: ['minio', 'promtool'], timeoutMs: 90_000 },
  async (lab) => {
    if (subject === 'thanos') return; // It gives up its last upload in another way.
    const { endpoint, accessKey, secretKey } = await startMinio(lab);
    const port = Number(endpoint.split(':')[1]);
    const store = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region: 'us-east-1' });
    await store.makeBucket(bucketName);
    const proxy = await FaultProxy.start(port);
    try {
      const config = JSON.stringify({
        type: 'S3',
        config: {
          bucket: bucketName,
          endpoint: `127.0.0.1:${proxy.port}`,
          access_key: accessKey,
          secret_key: secretKey,
          insecure: true,
        },
      });
      const first = await startIngester(lab, { name: 'one', flags: [`--objstore.config=${config}`] });
      const router = await startRouter(lab, { ingesters: [first.grpc] });
      const ledger = new SampleLedger();
      const tenantDir = join(first.dataDir, 'default-tenant');

      // Down from the first moment to after the end: the blocks stay on disk, and the process ends well all the same.
      proxy.plan = () => 'refuse';
      await writeHours(router, ledger, { fromMs: Date.now() - 12 * hourMs, hours: 5 });
      first.child.signal('SIGTERM');
      expect(await first.child.ended).toEqual({ code: 0, signal: null });
      const kept = blocksOf(tenantDir);
      expect(kept.length).toBeGreaterThanOrEqual(3);
      expect(await objects(store)).toEqual([]);

      // Back, slow and breaking: the next start ships what is there. At no time is there a meta.json without the rest.
      proxy.plan = unreliable;
      const second = await first.restart();
      await waitFor(
        async () => {
          const names = await objects(store);
          expect(incomplete(names)).toEqual([]);
          return kept.every((id) => names.includes(`${id}/meta.json`));
        },
        { timeoutMs: 25_000, what: 'the blocks to be uploaded' },
      );
      expect(new Set(proxy.requests.map(({ method }) => method))).toContain('PUT');

      // The last flush goes through the same bucket.
      await writeHours(router, ledger, { fromMs: Date.now() - 4 * hourMs, hours: 3 });
      second.child.signal('SIGTERM');
      expect(await second.child.ended).toEqual({ code: 0, signal: null });
      const names = await objects(store);
      expect(incomplete(names)).toEqual([]);
      expect(blocksOf(tenantDir).filter((id) => !names.includes(`${id}/meta.json`))).toEqual([]);

      const copy = lab.folder('copy');
      mkdirSync(join(copy, 'wal'));
      for (const name of names) {
        mkdirSync(dirname(join(copy, name)), { recursive: true });
        writeFileSync(join(copy, name), await buffer(await store.getObject(bucketName, name)));
      }
      expect(listBucket(copy).reduce((sum, { meta }) => sum + (meta.stats.numSamples ?? 0), 0)).toBe(ledger.count);
      expect(differences(ledger.asDump(), await promtoolDump(copy))).toEqual([]);
    } finally {
      await proxy.stop();
    }
  },
);

/** Every request is slow, and of those that write, some are refused, cut in the middle, or done without an answer. */
function unreliable({ index, method }: ProxiedRequest): ProxyFault | undefined {
  if (method !== 'PUT' && method !== 'POST') return 20;
  return (['refuse', 20, 'cut-body', 40, 20, 'lose-answer', 20, 40, 'reset', 20, 20] as const)[index % 11];
}

/** A sample of each series for every quarter of an hour. */
async function writeHours(
  router: Router,
  ledger: SampleLedger,
  { fromMs, hours }: { fromMs: number; hours: number },
): Promise<void> {
  for (let round = 0; round < hours * 4; round++) {
    const body = sampleRound({ kind: 'outage', series: 20, timestampMs: fromMs + (round * hourMs) / 4, value: round });
    expect((await remoteWrite(router.remoteWriteUrl, body)).status).toBe(200);
    ledger.add(body);
  }
}

async function objects(store: Client): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.listObjectsV2(bucketName, '', true) as AsyncIterable<{ name?: string }>)
    if (name !== undefined) names.push(name);
  return names;
}

/** Blocks that a reader would take for whole and that are not. */
function incomplete(names: readonly string[]): string[] {
  const ids = names.filter((name) => name.endsWith('/meta.json')).map((name) => name.slice(0, 26));
  return ids.filter((id) => !names.includes(`${id}/index`) || !names.includes(`${id}/chunks/000001`));
}
