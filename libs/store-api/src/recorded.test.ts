import { grpcCodeNames, createGrpcServer, type GrpcServer } from '@gauntlet/rpc';
import { silentLog, systemClock } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode, xxh64 } from '@gauntlet/kernel';
import { compareUtf8 } from '@gauntlet/model';
import { serveStoreApi } from './index.js';
import type { Plain } from './testing/messages.js';
import { modelReader, readersOf } from './testing/model-reader.js';
import {
  externalLabelsOf,
  keyOf,
  recordedTenants,
  recording,
  shortened,
  type RecordedCase,
} from './testing/recorded-tenants.js';
import { StoreClient, type ClientAnswer } from './testing/store-client.js';

/* What a Thanos ingester answered, asked over a connection of a store that holds the same series. */

const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
const tenants = recordedTenants();
const idle = 'default-tenant';
const empty = [{ tenant: idle, externalLabels: externalLabelsOf(idle), series: [] }];
const limitsOf: Record<string, { seriesMax: number; samplesMax: number }> = {
  'limit-series': { seriesMax: 5, samplesMax: 0 },
  'limit-samples': { seriesMax: 0, samplesMax: 1200 },
};
const servers: GrpcServer[] = [];
const clients = new Map<string, StoreClient>();

beforeAll(async () => {
  for (const [setup, { load }] of Object.entries(recording.setups)) {
    const server = createGrpcServer({ address: '127.0.0.1:0', codec });
    serveStoreApi(server, readersOf((load ? tenants : empty).map(modelReader)), {
      limits: limitsOf[setup] ?? { seriesMax: 0, samplesMax: 0 },
      codec,
      clock: systemClock,
      log: silentLog,
    });
    servers.push(server);
    clients.set(setup, new StoreClient(await server.listen()));
  }
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await Promise.all(servers.map((server) => server.stop(0)));
});

const absolute = (value: unknown): unknown => {
  if (typeof value === 'string' && /^base[+-]\d+$/.test(value))
    return String(BigInt(recording.recordedBase) + BigInt(value.slice(4)));
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, absolute(inner)]));
};
const relative = (time: string): string => {
  const difference = BigInt(time) - BigInt(recording.recordedBase);
  if (difference > 1_000_000_000n || difference < -1_000_000_000n) return time;
  return difference < 0n ? `base${difference}` : `base+${difference}`;
};
const pairsOf = (labels: Plain): [string, string][] => labels.map(({ name, value }: Plain) => [name, shortened(value)]);

/** No answer tells all the chunks that these are about. */
const untold = ['samples limit exceeded', 'without stored label collapses series'];
const cases = recording.cases.filter(({ name }) => !untold.includes(name));

test.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, recorded) => {
  const { setup, service, method, request, rawRequest } = recorded;
  const message = rawRequest === undefined ? (absolute(request) as object) : Buffer.from(rawRequest, 'hex');
  const answer = await clients.get(setup)!.call(service, method, message);
  const { error } = recorded.response;
  expect(answer.error && grpcCodeNames[answer.error.code]).toBe(error?.name);
  if (error === undefined) check(recorded, answer);
  else if (error.compare === 'message') expect(answer.error?.details).toBe(error.message);
});

function check(recorded: RecordedCase, { messages }: ClientAnswer): void {
  switch (recorded.method) {
    case 'Series':
      return checkSeries(recorded, messages);
    case 'LabelNames':
      return checkTexts(recorded, messages[0].names, recorded.response.names, messages[0]);
    case 'LabelValues':
      return checkTexts(recorded, messages[0].values.map(shortened), recorded.response.values, messages[0]);
    case 'Info':
      return checkInfo(recorded, messages[0]);
    case 'Exemplars':
      return checkExemplars(recorded, messages);
    case 'TSDBStatistics':
      return checkStatistics(recorded, messages);
    default:
      throw new Error(`no case is about ${recorded.method}`);
  }
}

function checkSeries({ request, response, alsoEmpty }: RecordedCase, messages: readonly Plain[]): void {
  const batchMax = Number(request.responseBatchSize ?? 0);
  const warnings = messages.filter(({ warning }) => warning !== undefined);
  const entries = messages.flatMap(({ series, batch }) => (series ? [series] : (batch?.series ?? [])));
  for (const { batch } of messages)
    if (batch) expect(batch.series.length).toBeLessThanOrEqual(batchMax > 1 ? batchMax : 0);
  if (alsoEmpty && entries.length === 0) return;
  const joined: { labels: string; chunks: Plain[] }[] = [];
  for (const { labels, chunks } of entries) {
    const key = keyOf(pairsOf(labels));
    if (joined.at(-1)?.labels !== key) joined.push({ labels: key, chunks: [] });
    joined.at(-1)!.chunks.push(...chunks);
  }
  for (const { raw, minTime, maxTime } of joined.flatMap(({ chunks }) => chunks)) {
    const { min, max, type } = recording.chunks[Buffer.from(raw.data).toString()]!;
    const sent = [minTime, maxTime].map((time) => Number(time) - recording.recordedBase);
    expect([...sent, raw.type ?? 0]).toEqual([min, max, ['XOR', 'HISTOGRAM', 'FLOAT_HISTOGRAM'].indexOf(type)]);
    expect(BigInt(raw.hash)).toBe(xxh64(raw.data));
  }
  const idsOf = (chunks: Plain[]): string[] => chunks.map(({ raw }) => Buffer.from(raw.data).toString()).sort();
  expect(joined.map(({ labels, chunks }) => [labels, idsOf(chunks)])).toEqual(
    response.series.map(({ labels, chunks }: Plain) => [keyOf(recording.labelSets[labels]!), [...chunks].sort()]),
  );
  expect(warnings.length > 0).toBe(response.warnings.length > 0);
}

function checkTexts(
  { anyOf, atLeast, response }: RecordedCase,
  got: string[],
  recordedTexts: string[],
  message: Plain,
): void {
  const want = [...new Set(recordedTexts)];
  expect(got).toEqual([...new Set(got)].sort(compareUtf8));
  expect(message.warnings.length > 0).toBe(response.warnings.length > 0);
  if (anyOf) {
    expect(got).toHaveLength(want.length);
    expect(anyOf).toEqual(expect.arrayContaining(got));
  } else if (atLeast) {
    expect(want).toEqual(expect.arrayContaining(got));
    expect(got).toEqual(expect.arrayContaining([...atLeast]));
  } else {
    expect(got).toEqual(want);
  }
}

function checkInfo(
  { response }: RecordedCase,
  { labelSets, ComponentType, store, exemplars, status, ...others }: Plain,
): void {
  const labelsIn = (sets: Plain): Plain => sets.map(({ labels }: Plain) => pairsOf(labels));
  const infos = store.tsdbInfos.map(({ labels, minTime, maxTime }: Plain) => ({
    labels: pairsOf(labels.labels),
    minTime: relative(minTime),
    maxTime,
  }));
  const sorted = (list: Plain[]): Plain[] => [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  expect(ComponentType).toBe(response.ComponentType);
  expect(sorted(labelsIn(labelSets))).toEqual(sorted(response.labelSets));
  expect({ ...store, tsdbInfos: undefined, minTime: relative(store.minTime) }).toEqual({
    minTime: response.store.minTime,
    maxTime: response.store.maxTime,
    supportsSharding: true,
    supportsWithoutReplicaLabels: true,
  });
  expect(sorted(infos)).toEqual(sorted(response.store.tsdbInfos));
  expect([exemplars, status, others]).toEqual([{}, {}, {}]);
}

function checkExemplars({ response }: RecordedCase, messages: readonly Plain[]): void {
  const got = messages.map(({ data }) => ({
    seriesLabels: pairsOf(data.seriesLabels.labels),
    exemplars: data.exemplars.map(({ labels, value, ts }: Plain) => {
      const bits = Buffer.alloc(8);
      bits.writeDoubleBE(value ?? 0);
      return {
        labels: pairsOf(labels.labels),
        value: bits.toString('hex'),
        t: Number(BigInt(ts) - BigInt(recording.recordedBase)),
      };
    }),
  }));
  const sorted = (list: Plain[]): Plain[] =>
    [...list].sort((a, b) => compareUtf8(JSON.stringify(a.seriesLabels), JSON.stringify(b.seriesLabels)));
  expect(sorted(got)).toEqual(sorted(response.data));
}

function checkStatistics({ response }: RecordedCase, messages: readonly Plain[]): void {
  expect(messages).toHaveLength(response.frames);
  const { statistics } = messages[0].statistics;
  const wanted = Object.entries<Plain>(response.statistics);
  expect(Object.keys(statistics ?? {}).sort()).toEqual(wanted.map(([tenant]) => tenant).sort());
  for (const [tenant, want] of wanted) {
    const got = statistics[tenant];
    const head = got.headStatistics;
    expect({
      numSeries: Number(head.numSeries ?? 0),
      numLabelPairs: Number(head.numLabelPairs ?? 0),
      chunkCount: Number(head.chunkCount ?? 0),
      minTime: relative(head.minTime),
      maxTime: relative(head.maxTime ?? '0'),
    }).toEqual(want.headStats);
    const lists = ['seriesCountByMetricName', 'labelValueCountByLabelName', 'seriesCountByLabelValuePair'];
    for (const list of lists)
      expect(got[list].map(({ value }: Plain) => Number(value))).toEqual(want[list].map((row: Plain) => row[1]));
    expect(got.memoryInBytesByLabelName).toHaveLength(want.memoryInBytesByLabelName.length);
  }
}
