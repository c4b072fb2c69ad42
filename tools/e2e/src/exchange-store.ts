import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tsdbCommand } from '@gauntlet/tsdb-tool';
import { nodeVfs } from '@gauntlet/vfs';
import type { SeriesInput } from '@gauntlet/remote-write';
import { inspect } from './crash/inspect.js';
import { everySample, halfTime, textDifferences, textsOf, type EverySample } from './every-sample.js';
import { connectIngester } from './ingester-client.js';
import { waitFor, type Lab } from './lab.js';
import { readExemplars, remoteRead } from './prometheus-read.js';
import { runPeer } from './promtool.js';
import { remoteWrite } from './remote-write-client.js';
import { startIngester, startPrometheus } from './servers.js';

export const tenant = 'default-tenant';
export type Maker = 'gauntlet' | 'thanos' | 'prometheus';

/** A process on a data directory of its own or on a copy of another's, and where in it the database is. */
export interface Store {
  readonly databaseDir: string;
  write(series: readonly SeriesInput[]): Promise<void>;
  stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  readonly http: string;
}

export interface StorePlan {
  readonly name: string;
  readonly copyOf?: string;
  readonly bucketDir?: string;
  /** Length of a block; long ones keep everything in the head. */
  readonly block?: string;
  /** Given to a Prometheus only. */
  readonly flags?: readonly string[];
  readonly features?: readonly string[];
}

export async function startStore(
  lab: Lab,
  maker: Maker,
  { name, copyOf, bucketDir, block = '2h', flags = [], features = [] }: StorePlan,
): Promise<Store> {
  const dataDir = lab.folder(`${name}-data`);
  const databaseDir = maker === 'prometheus' ? dataDir : join(dataDir, tenant);
  if (copyOf !== undefined) cpSync(copyOf, databaseDir, { recursive: true });
  if (maker === 'prometheus') {
    const server = await startPrometheus(lab, {
      name,
      dataDir,
      config: {
        storage: { tsdb: { out_of_order_time_window: '1h' }, exemplars: { max_exemplars: 1000 } },
      },
      flags: [
        '--web.enable-remote-write-receiver',
        `--enable-feature=${['exemplar-storage', ...features].join(',')}`,
        `--storage.tsdb.min-block-duration=${block}`,
        `--storage.tsdb.max-block-duration=${block}`,
        '--storage.tsdb.retention.time=10y',
        ...flags,
      ],
    });
    return {
      databaseDir,
      http: server.http,
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
    http: server.http,
    write: (series) => client.write(tenant, series),
    async stop(signal) {
      client.close();
      const { code } = await server.child.stop({ signal });
      expect(signal === 'SIGTERM' ? code : 0).toBe(0);
    },
  };
}

/** What a Prometheus finds on a copy of a directory. */
export async function readCopy(
  lab: Lab,
  dir: string,
  name: string,
): Promise<{ samples: string[]; exemplars: string[] }> {
  const store = await startStore(lab, 'prometheus', { name, copyOf: dir });
  const samples = textsOf(await remoteRead(store, 'crash'));
  const exemplars = await readExemplars(store, 'crash');
  await store.stop('SIGKILL');
  return { samples, exemplars };
}

/** How a directory is left: what is in its blocks is gone from the head, but not all of it from the log. */
export type Form = 'blocks and log' | 'log alone';

export interface Heritage {
  readonly dir: string;
  readonly kept: EverySample;
}

/** Writes every kind of sample and kills the writer, which leaves a directory as a crash does. */
export async function leaveEverySample(
  lab: Lab,
  maker: Maker,
  {
    form,
    afterStart,
    beforeEnd,
    ...more
  }: {
    readonly form: Form;
    readonly afterStart?: (store: Store) => Promise<void>;
    /** Everything is written, and what blocks there should be are cut. */
    readonly beforeEnd?: (store: Store) => Promise<void>;
  } & Pick<StorePlan, 'flags' | 'features'>,
): Promise<Heritage> {
  const kept = everySample();
  const requests = [...kept.requests];
  // Thanos measures blocks in minutes: it cuts one when it ends in order, and goes on behind it.
  const cutsEarly = form === 'blocks and log' && maker !== 'thanos';
  let store = await startStore(lab, maker, { name: 'writer', ...more, ...(cutsEarly ? { block: '10s' } : {}) });
  if (form === 'blocks and log' && maker === 'thanos') {
    for (const request of requests.splice(0, 2 * halfTime)) await store.write(request);
    await store.stop('SIGTERM');
    store = await startStore(lab, maker, { name: 'writer-again', copyOf: store.databaseDir });
  }
  await afterStart?.(store);
  for (const request of requests) await store.write(request);
  if (cutsEarly)
    await waitFor(() => blocksIn(store.databaseDir).length >= 2, { timeoutMs: 40_000, what: 'blocks to be cut' });
  await beforeEnd?.(store);
  await store.stop('SIGKILL');
  expect(blocksIn(store.databaseDir).length > 0).toBe(form === 'blocks and log');
  return { dir: store.databaseDir, kept };
}

export const blocksIn = (dir: string): string[] =>
  readdirSync(dir).filter((name) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(name));

/** How our dump of a directory differs from that of promtool. */
export async function dumpDifferences(dir: string): Promise<string[]> {
  const ours: string[] = [];
  const terminal = { line: (text: string) => void ours.push(...text.split('\n')), bar: undefined };
  expect(await tsdbCommand(['dump', dir], new AbortController().signal, terminal)).toBe(0);
  const theirs = (await runPeer('promtool', ['tsdb', 'dump', dir])).trimEnd().split('\n');
  const isReadByBoth = readByPromtool(dir);
  return textDifferences(theirs.filter(isReadByBoth), ours.filter(isReadByBoth));
}

/**
 * Promtool takes the head to begin where the last block ends, whatever that block was made of. Prometheus itself does not count blocks of
 * out-of-order samples, beside which the head still has the others.
 */
function readByPromtool(dir: string): (line: string) => boolean {
  const metas = blocksIn(dir).map((id) => JSON.parse(readFileSync(join(dir, id, 'meta.json'), 'utf8')) as Meta);
  const end = (some: readonly Meta[]): number => Math.max(-Infinity, ...some.map(({ maxTime }) => maxTime));
  const [headMs, promtoolMs] = [end(metas.filter((meta) => !isOutOfOrder(meta))), end(metas)];
  return (line) => {
    const timestampMs = Number(line.slice(line.lastIndexOf(' ') + 1));
    return timestampMs < headMs || timestampMs >= promtoolMs;
  };
}

interface Meta {
  readonly maxTime: number;
  readonly compaction: { readonly hints?: readonly string[] };
}
const isOutOfOrder = ({ compaction }: Meta): boolean => compaction.hints?.includes('from-out-of-order') ?? false;

/** What the verifier finds wrong. */
export const flawsOf = (dir: string): Promise<string[]> => inspect(nodeVfs, dir);
