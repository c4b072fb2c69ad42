import { join } from 'node:path';
import { sumOf } from '@gauntlet/stack-tool';
import { blocksIn } from './exchange-store.js';
import { endToEnd, waitFor, type Lab } from './lab.js';
import { subject } from './peers.js';
import { answerDifference, ask, textOf, type Answer, type Question } from './promql-answers.js';
import { questions } from './promql-questions.js';
import { rounds, senderLabel, stepMs, tenants, writesOfRounds, type WriteOfRounds } from './queried-samples.js';
import { remoteWrite } from './remote-write-client.js';
import {
  readMetrics,
  startIngester,
  startPrometheus,
  startRouter,
  startThanosQuery,
  type GrpcServer,
  type Ingester,
  type Router,
  type Server,
} from './servers.js';

const names = ['one', 'two', 'three'] as const;
/** Twenty minutes of samples make many blocks; the last few minutes stay in the heads. */
const blockDuration = '2m';
const questionsAtOnce = 4;

endToEnd(
  'a Querier over three ingesters answers as a Prometheus with the same samples: from heads and blocks, with one ingester down, and from each alone after it was killed or ended',
  { needs: ['thanos', 'prometheus'], timeoutMs: 120_000 },
  async (lab) => {
    const fleet = await startFleet(lab);
    const startMs = Math.floor((Date.now() - (rounds + 8) * stepMs) / stepMs) * stepMs;
    const endMs = startMs + (rounds - 1) * stepMs;
    for (const body of writesOfRounds(startMs)) await fleet.write(body);
    await fleet.settled();
    const asked = questions({ startMs, endMs });
    const expected = await answersOf(fleet.prometheus, asked);
    expect(expected.filter((answer) => isEmpty(answer)).length).toBeLessThan(asked.length / 4);
    /** Of every few questions one, beginning with the `first`: other ones each time. Exemplars are asked for each time, or never. */
    const check = async (
      server: Server,
      { every, first, exemplars = true }: { every: number; first: number; exemplars?: boolean },
    ): Promise<Answer[]> => {
      const isAsked = ({ path }: Question, index: number): boolean =>
        path === 'query_exemplars' ? exemplars : index % every === first;
      const some = asked.filter(isAsked);
      const found = await answersOf(server, some);
      const wanted = expected.filter((_, index) => isAsked(asked[index] as Question, index));
      expect(differencesOf(some, wanted, found)).toEqual([]);
      return found;
    };
    const [one, two] = fleet.ingesters as [Ingester, Ingester, Ingester];
    const [aloneOne, aloneTwo, aloneThree] = fleet.queriers as [GrpcServer, GrpcServer, GrpcServer];

    for (const querier of [fleet.querier, ...fleet.queriers]) await knows(querier, startMs);
    expect(labelSetsOf(await storesOf(fleet.querier))).toEqual(labelSets);
    // Thanos knows blocks of hours only.
    if (subject === 'gauntlet')
      for (const { dataDir } of fleet.ingesters)
        for (const tenant of tenants)
          await waitFor(() => blocksIn(join(dataDir, tenant)).length >= 3, { timeoutMs: 15_000, what: 'blocks' });
    // Thanos serves them to writers.
    if (subject === 'gauntlet') await checkCounts();
    await check(fleet.querier, { every: 3, first: 0 });
    await check(aloneThree, { every: 12, first: 1 });

    await one.child.stop({ signal: 'SIGKILL' });
    const partial = await check(fleet.querier, { every: 12, first: 3 });
    expect(partial.some(({ warnings = [] }) => warnings.some((text) => text.includes(one.grpc)))).toBe(true);
    const oneAgain = await one.restart();
    // All of it is in blocks then: the other tenant's database stays closed, the default tenant's is always open.
    const { code } = await two.child.stop({ signal: 'SIGTERM' });
    expect(code).toBe(0);
    const twoAgain = await two.restart();
    if (subject === 'gauntlet')
      await waitFor(async () => (await openTenants(twoAgain)) === 1, { timeoutMs: 10_000, what: 'its tenants' });
    for (const querier of [aloneOne, aloneTwo]) {
      await waitFor(async () => !isEmpty(await ask(querier, temperatureAt(endMs))), {
        timeoutMs: 20_000,
        what: `${querier.child.name} to find its ingester again`,
      });
      await knows(querier, startMs);
    }
    if (subject === 'gauntlet') expect(await openTenants(oneAgain)).toBe(tenants.length);
    // Exemplars are in logs only, and those of samples in blocks leave these with the next checkpoint.
    await check(aloneOne, { every: 12, first: 5, exemplars: false });
    await check(aloneTwo, { every: 12, first: 7, exemplars: false });

    // A sample is there as soon as its write is answered, whichever two ingesters have it by then.
    for (let value = 1; value <= 5; value++) {
      const timestampMs = endMs + 1000 * value;
      const sample = { labels: [['__name__', 'fresh']] as const, samples: [{ timestampMs, value }] };
      expect(await remoteWrite(fleet.router.remoteWriteUrl, [sample])).toEqual({ status: 200, text: '' });
      const { data } = await ask(fleet.querier, {
        path: 'query',
        params: [
          ['query', 'fresh'],
          ['time', String(timestampMs / 1000)],
        ],
      });
      expect(data).toMatchObject({ result: [{ value: [timestampMs / 1000, String(value)] }] });
    }

    async function checkCounts(): Promise<void> {
      expect(await countsOf(one)).toEqual(await countsOf(two));
      const counted = await countsOf(one);
      const { seriesCountByMetricName } = (
        await ask(fleet.prometheus, { path: 'status/tsdb', params: [['limit', '100']] })
      ).data as Statistics;
      // Pairs of senders have two series where the Prometheus has one.
      const unpaired = seriesCountByMetricName.filter(({ name }) => namesAlive.includes(name) && name !== 'passing');
      expect(unpaired).toHaveLength(namesAlive.length);
      for (const { name, value } of unpaired) expect([name, counted.get(name)]).toEqual([name, value]);
    }
  },
);

const labelSets = names.flatMap((replica) => tenants.map((tenant) => `${replica} ${tenant}`)).sort();
const labelSetsOf = (stores: readonly StoreStatus[]): string[] =>
  stores.flatMap((store) => store.labelSets.map((labels) => `${labels['replica']} ${labels['tenant_id']}`)).sort();

const temperatureAt = (timestampMs: number): Question => ({
  path: 'query',
  params: [
    ['query', 'temperature'],
    ['time', String(timestampMs / 1000)],
  ],
});

function isEmpty({ data }: Answer): boolean {
  const list = Array.isArray(data) ? data : (data as { result?: readonly unknown[] } | undefined)?.result;
  return list === undefined || list.length === 0;
}

/** Waits until a Querier has heard how far back samples go; it asks every few seconds, and asks ingesters for no more than they told. */
const knows = (querier: Server, startMs: number): Promise<true> =>
  waitFor(async () => (await storesOf(querier)).every(({ minTime }) => minTime <= startMs) || undefined, {
    timeoutMs: 20_000,
    what: `${querier.child.name} to know how far back the samples go`,
  }) as Promise<true>;

interface Statistics {
  readonly seriesCountByMetricName: readonly { readonly name: string; readonly value: number }[];
}

/** Metrics of one sender, some of several tenants, that have samples up to the end: no cut takes them out of a head. */
const namesAlive: readonly string[] = [
  'temperature',
  'weight',
  'size_bytes',
  'queue',
  'only_there',
  'classic_seconds_bucket',
];

/** How many series the heads of an ingester have under each name, tenants taken together. */
async function countsOf({ http }: Server): Promise<Map<string, number>> {
  const response = await fetch(`http://${http}/api/v1/status/tsdb?all_tenants=true&limit=100`);
  const { data } = (await response.json()) as { data: readonly (Statistics & { readonly tenant: string })[] };
  expect(data.map(({ tenant }) => tenant)).toEqual(tenants);
  const counts = new Map<string, number>();
  // When a series that has ended leaves a head is a matter of its cuts.
  for (const { name, value } of data
    .flatMap(({ seriesCountByMetricName }) => seriesCountByMetricName)
    .filter(({ name }) => name !== 'passing'))
    counts.set(name, (counts.get(name) ?? 0) + value);
  return counts;
}

async function openTenants(server: Server): Promise<number> {
  const samples = await readMetrics(server);
  return samples.find(({ name, labels }) => name === 'ingester_tenants' && labels['state'] === 'open')?.value ?? NaN;
}

interface Fleet {
  readonly ingesters: Ingester[];
  readonly router: Router;
  readonly prometheus: Server;
  /** Over all ingesters. */
  readonly querier: GrpcServer;
  /** Over one ingester each. */
  readonly queriers: readonly GrpcServer[];
  write(body: WriteOfRounds): Promise<void>;
  /** Resolves when every ingester has everything that was written. */
  settled(): Promise<void>;
}

async function startFleet(lab: Lab): Promise<Fleet> {
  const ingesters = await Promise.all(
    names.map((name) =>
      startIngester(lab, {
        name,
        blockDuration,
        flags: ['--tsdb.out-of-order.time-window=1h', '--tsdb.max-exemplars=1000'],
      }),
    ),
  );
  const startQuerier = (name: string, some: readonly Ingester[]): Promise<GrpcServer> =>
    startThanosQuery(lab, {
      name,
      stores: some.map(({ grpc }) => grpc),
      flags: ['--query.replica-label=replica', `--query.replica-label=${senderLabel}`],
    });
  const [router, prometheus, querier, ...queriers] = await Promise.all([
    startRouter(lab, { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 }),
    startPrometheus(lab, {
      dataDir: lab.folder('prometheus-data'),
      config: { storage: { tsdb: { out_of_order_time_window: '1h' }, exemplars: { max_exemplars: 1000 } } },
      flags: ['--web.enable-remote-write-receiver', '--enable-feature=exemplar-storage'],
    }),
    startQuerier('querier', ingesters),
    ...ingesters.map((ingester, index) => startQuerier(`querier-${names[index]}`, [ingester])),
  ]);
  for (const [server, count] of [[querier, names.length], ...queriers.map((one) => [one, 1] as const)] as const)
    await waitFor(async () => (await storesOf(server)).filter(({ lastError }) => lastError === null).length === count, {
      timeoutMs: 20_000,
      what: `${server.child.name} to find its stores`,
    });
  let sent = 0;
  return {
    ingesters,
    router,
    prometheus,
    querier,
    queriers,
    async write({ sent: bodies, merged }) {
      expect(await remoteWrite(`http://${prometheus.http}/api/v1/write`, merged)).toEqual({ status: 204, text: '' });
      for (const tenant of tenants) {
        if (bodies[tenant].length === 0) continue;
        const answer = await remoteWrite(router.remoteWriteUrl, bodies[tenant], { 'THANOS-TENANT': tenant });
        expect(answer).toEqual({ status: 200, text: '' });
        for (const { samples, histograms = [] } of bodies[tenant]) sent += samples.length + histograms.length;
      }
    },
    settled: async () => {
      for (const ingester of ingesters)
        await waitFor(
          async () => sumOf(await readMetrics(ingester), 'prometheus_tsdb_head_samples_appended_total') === sent,
          { timeoutMs: 10_000, what: `all samples on ${ingester.child.name}` },
        );
    },
  };
}

async function answersOf(server: Server, asked: readonly Question[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < asked.length; from += questionsAtOnce)
    answers.push(
      ...(await Promise.all(asked.slice(from, from + questionsAtOnce).map((question) => ask(server, question)))),
    );
  return answers;
}

/** A Querier takes replica labels off series, but names them, whoever serves the series. */
function withoutReplicas({ path }: Question, answer: Answer): Answer {
  if (path !== 'labels') return answer;
  return { ...answer, data: (answer.data as string[]).filter((name) => name !== 'replica' && name !== senderLabel) };
}

interface StoreStatus {
  readonly name: string;
  readonly lastError: string | null;
  readonly labelSets: readonly Readonly<Record<string, string>>[];
  readonly minTime: number;
  readonly maxTime: number;
}

/** What a Querier knows of its ingesters. */
async function storesOf(querier: Server): Promise<StoreStatus[]> {
  const { data } = await ask(querier, { path: 'stores', params: [] });
  return Object.values(data as Record<string, StoreStatus[]>).flat();
}

/** A few of the questions that have other answers, and how. */
function differencesOf(asked: readonly Question[], expected: readonly Answer[], found: readonly Answer[]): string[] {
  const all = asked.flatMap((question, index) => {
    const difference = answerDifference(expected[index] as Answer, withoutReplicas(question, found[index] as Answer));
    return difference === undefined ? [] : [`${textOf(question)}: ${difference}`];
  });
  return all.length > 8 ? [...all.slice(0, 8), `and ${all.length - 8} more`] : all;
}
