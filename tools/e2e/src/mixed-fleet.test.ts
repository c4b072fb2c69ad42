import { join } from 'node:path';
import { endToEnd, type Lab, waitFor } from './lab.js';
import { subject, type Maker } from './peers.js';
import { differences, promtoolDump } from './promtool.js';
import { remoteWrite } from './remote-write-client.js';
import { SampleLedger, sampleRound } from './sample-ledger.js';
import { startIngester, startRouter, readMetrics } from './servers.js';
import { sumOf } from '@gauntlet/stack-tool';

const rounds = 20;
const series = 300;

async function writeThrough(lab: Lab, { router, ingester }: { router: Maker; ingester: Maker }): Promise<void> {
  const ingesters = await Promise.all(
    ['one', 'two', 'three'].map((name) => startIngester(lab, { name, maker: ingester })),
  );
  const front = await startRouter(lab, {
    maker: router,
    ingesters: ingesters.map(({ grpc }) => grpc),
    replicationFactor: 3,
  });
  const ledger = new SampleLedger();
  const startMs = Date.now() - rounds * 1000;
  for (let round = 0; round < rounds; round++) {
    const body = sampleRound({ kind: 'mixed', series, timestampMs: startMs + round * 1000, value: round / 3 });
    expect(await remoteWrite(front.remoteWriteUrl, body)).toEqual({ status: 200, text: '' });
    ledger.add(body);
  }
  // The answer came with the second copy; the third may still be on its way.
  for (const one of ingesters) {
    await waitFor(
      async () => sumOf(await readMetrics(one), 'prometheus_tsdb_head_samples_appended_total') === rounds * series,
      { timeoutMs: 15_000, what: `all samples on ${one.child.name}` },
    );
    await one.child.stop({ signal: 'SIGKILL' });
    expect(differences(ledger.asDump(), await promtoolDump(join(one.dataDir, 'default-tenant')))).toEqual([]);
  }
}

endToEnd(
  'a Thanos router before our ingesters: every sample arrives on each of them',
  { needs: ['thanos', 'promtool'], timeoutMs: 60_000 },
  (lab) => writeThrough(lab, { router: 'thanos', ingester: subject }),
);

endToEnd(
  'our router before Thanos ingesters: every sample arrives on each of them',
  { needs: ['thanos', 'promtool'], timeoutMs: 60_000 },
  (lab) => writeThrough(lab, { router: subject, ingester: 'thanos' }),
);
