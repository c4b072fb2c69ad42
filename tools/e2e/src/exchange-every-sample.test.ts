import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SeriesInput } from '@gauntlet/remote-write';
import { gatherBlocks } from './bucket-blocks.js';
import { sampleAt, type SampleKind } from './crash/make-samples.js';
import { bitsOf, sentTexts } from './crash/sample-text.js';
import { connectIngester } from './ingester-client.js';
import { endToEnd, waitFor, type Lab } from './lab.js';
import { exemplarText, readExemplars, remoteRead } from './prometheus-read.js';
import { remoteWrite } from './remote-write-client.js';
import { startIngester, startPrometheus } from './servers.js';

const tenant = 'default-tenant';
const rounds = 60;
const seriesPerKind = 4;
const kinds: readonly SampleKind[] = [
  'float',
  'histogram',
  'float-histogram',
  'custom-histogram',
  'gauge-histogram',
  'mixed',
];
const lateKinds: readonly SampleKind[] = ['float', 'histogram', 'gauge-histogram'];

/** Everything under one roof: what is sent, in order of sending, and what must be found. */
interface EverySample {
  readonly requests: readonly (readonly SeriesInput[])[];
  readonly samples: readonly string[];
  readonly exemplars: readonly string[];
}

/** A minute of samples of every kind, then those that come late. The newest floats carry exemplars. */
function everySample(): EverySample {
  const startMs = Date.now() - rounds * 1000;
  const at = (round: number): number => startMs + round * 1000;
  const requests: SeriesInput[][] = [];
  const exemplars: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const series = kinds.flatMap((kind) =>
      Array.from({ length: seriesPerKind }, (_, index) => sampleAt(kind, `steady-${index}`, at(round))),
    );
    // Of these every other sample is left out for now.
    const late = round % 2 === 0 ? lateKinds.map((kind) => sampleAt(kind, 'late', at(round))) : [];
    const [first, ...others] = series as [SeriesInput, ...SeriesInput[]];
    if (round < rounds - 5) {
      requests.push([first, ...others, ...late]);
      continue;
    }
    const exemplar = { labels: { trace_id: `trace-${round}` }, value: round / 4, timestampMs: at(round) };
    const labels = [[Buffer.from('trace_id'), Buffer.from(`trace-${round}`)] as const];
    requests.push([
      { ...first, exemplars: [{ labels, timestampMs: BigInt(at(round)), bits: bitsOf(exemplar.value) }] },
      ...others,
      ...late,
    ]);
    exemplars.push(exemplarText(Object.fromEntries(first.labels) as Record<string, string>, exemplar));
  }
  for (let round = rounds - 3; round > 0; round -= 2)
    requests.push(lateKinds.map((kind) => sampleAt(kind, 'late', at(round))));
  return { requests, samples: textsOf(requests.flat()), exemplars: exemplars.sort() };
}

/** Remote read, like everything that Go encodes, leaves out the sign of a zero. */
const textsOf = (series: readonly SeriesInput[]): string[] =>
  series
    .flatMap(sentTexts)
    .map((text) => text.replace(/ 0\/8000000000000000$/, ' 0/0'))
    .sort();

type Maker = 'gauntlet' | 'thanos' | 'prometheus';

/** A process on a data directory of its own or on a copy of another's, and where in it the database is. */
interface Store {
  readonly databaseDir: string;
  write(series: readonly SeriesInput[]): Promise<void>;
  stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  readonly prometheus?: { readonly http: string };
}

interface StorePlan {
  readonly name: string;
  readonly copyOf?: string;
  readonly bucketDir?: string;
  /** Length of a block; long ones keep everything in the head. */
  readonly block?: string;
}

async function startStore(
  lab: Lab,
  maker: Maker,
  { name, copyOf, bucketDir, block = '2h' }: StorePlan,
): Promise<Store> {
  const dataDir = lab.folder(`${name}-data`);
  const databaseDir = maker === 'prometheus' ? dataDir : join(dataDir, tenant);
  if (copyOf !== undefined) cpSync(copyOf, databaseDir, { recursive: true });
  if (maker === 'prometheus') {
    const server = await startPrometheus(lab, {
      name,
      dataDir,
      config: { storage: { tsdb: { out_of_order_time_window: '1h' }, exemplars: { max_exemplars: 1000 } } },
      flags: [
        '--web.enable-remote-write-receiver',
        '--enable-feature=exemplar-storage',
        `--storage.tsdb.min-block-duration=${block}`,
        `--storage.tsdb.max-block-duration=${block}`,
        '--storage.tsdb.retention.time=10y',
      ],
    });
    return {
      databaseDir,
      prometheus: server,
      async write(series) {
        const answer = await remoteWrite(`http://${server.http}/api/v1/write`, series);
        expect(answer).toEqual({ status: 204, text: '' });
      },
      stop: async (signal) => void (await server.child.stop({ signal })),
    };
  }
  const server = await startIngester(lab, {
    maker,
    name,
    dataDir,
    blockDuration: block,
    ...(bucketDir === undefined ? {} : { bucketDir }),
    flags: ['--tsdb.out-of-order.time-window=1h', '--tsdb.max-exemplars=1000'],
  });
  const client = connectIngester(server);
  return {
    databaseDir,
    write: (series) => client.write(tenant, series),
    async stop(signal) {
      client.close();
      const { code } = await server.child.stop({ signal });
      expect(signal === 'SIGTERM' ? code : 0).toBe(0);
    },
  };
}

/** What a Prometheus finds on a copy of a directory. */
async function readCopy(lab: Lab, dir: string, name: string): Promise<{ samples: string[]; exemplars: string[] }> {
  const store = await startStore(lab, 'prometheus', { name, copyOf: dir });
  const server = store.prometheus as { readonly http: string };
  const samples = textsOf(await remoteRead(server, 'crash'));
  const exemplars = await readExemplars(server, 'crash');
  await store.stop('SIGKILL');
  return { samples, exemplars };
}

/** A few of what the second has otherwise: whole lists would fill the screen. */
function differences(expected: readonly string[], found: readonly string[]): string[] {
  const [want, got] = [new Set(expected), new Set(found)];
  const all = [
    ...expected.filter((text) => !got.has(text)).map((text) => `missing: ${text}`),
    ...found.filter((text) => !want.has(text)).map((text) => `unexpected: ${text}`),
    ...(found.length === got.size ? [] : [`${found.length - got.size} twice`]),
  ];
  return all.length > 8 ? [...all.slice(0, 8), `and ${all.length - 8} more`] : all;
}

const blocksIn = (dir: string): string[] => readdirSync(dir).filter((name) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(name));

const exchanges: readonly (readonly [writer: Maker, opener: Maker, block: string, says: string])[] = [
  ['gauntlet', 'prometheus', '10s', 'blocks and log'],
  ['gauntlet', 'prometheus', '2h', 'log alone'],
  ['gauntlet', 'thanos', '10s', 'blocks and log'],
  ['gauntlet', 'thanos', '2h', 'log alone'],
  ['prometheus', 'gauntlet', '10s', 'blocks and log'],
  ['prometheus', 'gauntlet', '2h', 'log alone'],
  ['thanos', 'gauntlet', '2h', 'log alone'],
  ['gauntlet', 'gauntlet', '10s', 'blocks and log'],
  ['thanos', 'prometheus', '2h', 'log alone'],
];

for (const [writer, opener, block, says] of exchanges) {
  describe(`${writer} to ${opener}`, () =>
    endToEnd(
      `${opener} opens what a killed ${writer} leaves, ${says}, with every kind of sample: killed in turn, it leaves the same`,
      { needs: ['prometheus', 'thanos'], timeoutMs: 90_000 },
      async (lab) => {
        const { requests, samples, exemplars } = everySample();
        const first = await startStore(lab, writer, { name: 'writer', block });
        for (const request of requests) await first.write(request);
        if (block !== '2h')
          await waitFor(() => blocksIn(first.databaseDir).length >= 2, { timeoutMs: 40_000, what: 'blocks to be cut' });
        await first.stop('SIGKILL');
        const opened = await startStore(lab, opener, { name: 'opener', copyOf: first.databaseDir });
        await opened.stop('SIGKILL');
        const found = await readCopy(lab, opened.databaseDir, 'reader');
        expect(differences(samples, found.samples)).toEqual([]);
        expect(differences(exemplars, found.exemplars)).toEqual([]);
      },
    ),
  );
}

for (const writer of ['gauntlet', 'prometheus', 'thanos'] as const) {
  describe(`${writer} to the bucket`, () =>
    endToEnd(
      `an ingester ships every kind of sample that a killed ${writer} has left`,
      { needs: ['prometheus', 'thanos'], timeoutMs: 90_000 },
      async (lab) => {
        const { requests, samples } = everySample();
        const first = await startStore(lab, writer, { name: 'writer' });
        for (const request of requests) await first.write(request);
        await first.stop('SIGKILL');
        const bucketDir = lab.folder('bucket');
        const opened = await startStore(lab, 'gauntlet', { name: 'opener', copyOf: first.databaseDir, bucketDir });
        await opened.stop('SIGTERM');
        const shipped = lab.folder('shipped');
        mkdirSync(join(shipped, 'wal'), { recursive: true });
        gatherBlocks(bucketDir, { replica: 'opener', tenant_id: tenant }, shipped);
        const found = await readCopy(lab, shipped, 'reader');
        expect(differences(samples, found.samples)).toEqual([]);
      },
    ),
  );
}
