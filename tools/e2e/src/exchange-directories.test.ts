import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dumpBucket } from './bucket-blocks.js';
import { endToEnd, waitFor } from './lab.js';
import { subject } from './peers.js';
import { differences, type Dump } from './promtool.js';
import { remoteWrite } from './remote-write-client.js';
import { SampleLedger, sampleRound } from './sample-ledger.js';
import { startIngester, startPrometheus, startRouter } from './servers.js';

const rounds = 60;
const series = 40;
const blockPattern = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const blocksIn = (dir: string): string[] => readdirSync(dir).filter((name) => blockPattern.test(name));

/** A minute of samples, oldest first, so that blocks of a few seconds can be cut at once. */
async function writeMinute(url: string, kind: string, success: number): Promise<SampleLedger> {
  const ledger = new SampleLedger();
  const startMs = Date.now() - rounds * 1000;
  for (let round = 0; round < rounds; round++) {
    const body = sampleRound({ kind, series, timestampMs: startMs + round * 1000, value: round * 1.25 });
    expect(await remoteWrite(url, body)).toEqual({ status: success, text: '' });
    ledger.add(body);
  }
  return ledger;
}

endToEnd(
  'Prometheus opens a copy of a tenant directory of an ingester, blocks and log, and answers with the same samples',
  { needs: ['prometheus'], timeoutMs: 60_000 },
  async (lab) => {
    const cutsEarly = subject === 'gauntlet';
    const ingester = await startIngester(lab, { name: 'one', ...(cutsEarly ? { blockDuration: '10s' } : {}) });
    const router = await startRouter(lab, { ingesters: [ingester.grpc] });
    const ledger = await writeMinute(router.remoteWriteUrl, 'ours', 200);
    const tenantDir = join(ingester.dataDir, 'default-tenant');
    if (cutsEarly)
      await waitFor(() => blocksIn(tenantDir).length >= 2, { timeoutMs: 25_000, what: 'blocks to be cut' });
    // Killed, so that the directory is as a crash leaves it.
    await ingester.child.stop({ signal: 'SIGKILL' });
    const copy = join(lab.dir, 'copy');
    cpSync(tenantDir, copy, { recursive: true });

    const prometheus = await startPrometheus(lab, { dataDir: copy, config: {} });
    const query = new URLSearchParams({ query: '{__name__="e2e_ours"}[10m]' }).toString();
    const { data } = (await (await fetch(`http://${prometheus.http}/api/v1/query?${query}`)).json()) as {
      data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
    };
    const found: Dump = new Map(
      data.result.map(({ metric, values }) => [
        `{__name__="e2e_ours", index="${metric['index']}"}`,
        values.map(([seconds, value]) => [Math.round(seconds * 1000), value] as const),
      ]),
    );
    expect(differences(ledger.asDump(), found)).toEqual([]);
  },
);

endToEnd(
  'an ingester started on a copy of a Prometheus directory replays it and ships blocks with the same samples',
  { needs: ['prometheus', 'promtool'], timeoutMs: 60_000 },
  async (lab) => {
    const original = lab.folder('prometheus-data');
    const prometheus = await startPrometheus(lab, {
      dataDir: original,
      config: {},
      flags: [
        '--web.enable-remote-write-receiver',
        '--storage.tsdb.min-block-duration=10s',
        '--storage.tsdb.max-block-duration=10s',
      ],
    });
    const ledger = await writeMinute(`http://${prometheus.http}/api/v1/write`, 'theirs', 204);
    await waitFor(() => blocksIn(original).length >= 2, { timeoutMs: 20_000, what: 'Prometheus to cut blocks' });
    await prometheus.child.stop({ signal: 'SIGKILL' });

    const dataDir = lab.folder('ingester-data');
    cpSync(original, join(dataDir, 'default-tenant'), { recursive: true });
    const bucketDir = lab.folder('bucket');
    const ingester = await startIngester(lab, { name: 'one', dataDir, bucketDir });
    expect(await ingester.child.stop()).toEqual({ code: 0, signal: null });
    const shipped = await dumpBucket(bucketDir, { replica: 'one', tenant_id: 'default-tenant' }, lab.folder('shipped'));
    const newestMs = Math.max(
      ...[...ledger.asDump().values()].flatMap((samples) => samples.map(([timestampMs]) => timestampMs)),
    );
    const reach = (dump: Dump): Dump =>
      new Map(
        [...dump].map(([name, samples]) => [
          name,
          samples.filter(([timestampMs]) => subject === 'gauntlet' || timestampMs < newestMs),
        ]),
      );
    expect(differences(reach(ledger.asDump()), reach(shipped))).toEqual([]);
  },
);
