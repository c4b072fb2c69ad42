import { once } from 'node:events';
import { silentLog, systemClock } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import fc from 'fast-check';
import { snappyFramedDecode, snappyFramedEncode, xxh64 } from '@gauntlet/kernel';
import { canonicalLabels, compareLabels, compareUtf8, labelsOf, type Labels } from '@gauntlet/model';
import { createGrpcServer, connectPeer, type GrpcServer } from '@gauntlet/rpc';
import type { SelectedSeries, SeriesSource } from '@gauntlet/select';
import type { ModelSeries } from '@gauntlet/select/testing';
import { requestBytesMax, serveStoreApi, type TenantReader, type TenantReaders } from './index.js';
import { decodeMessage, encodeMessage, type Plain } from './testing/messages.js';
import { modelReader, readersOf, type ModelTenant } from './testing/model-reader.js';
import { StoreClient } from './testing/store-client.js';

/* Calls over a connection: random ones beside naive code, and callers that leave or do not read. */

const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
const path = '/thanos.Store/Series';
let readers: TenantReaders = readersOf([]);
let server: GrpcServer;
let port: number;
let client: StoreClient;
const bugs: unknown[] = [];

beforeAll(async () => {
  server = createGrpcServer({ address: '127.0.0.1:0', codec, onInternalError: (error) => bugs.push(error) });
  const current: TenantReaders = {
    all: () => readers.all(),
    get isReady() {
      return readers.isReady;
    },
  };
  const limits = { seriesMax: 0, samplesMax: 0 };
  serveStoreApi(server, current, { limits, codec, clock: systemClock, log: silentLog });
  port = await server.listen();
  client = new StoreClient(port);
});
afterEach(() => expect(bugs).toEqual([]));
afterAll(async () => {
  client.close();
  await server.stop(0);
});

// --- Beside naive code

const names = ['__name__', 'a', 'b', 'replica', 'z'];
const value = fc.constantFrom('1', '2', 'x', '\u{1f600}', '\uff5e');
const time = fc.integer({ min: 1, max: 30 });
const chunk = fc
  .record({ minTimeMs: time, length: fc.nat(9), encoding: fc.integer({ min: 1, max: 3 }), fill: fc.nat(255) })
  .map(({ minTimeMs, length, encoding, fill }) => ({
    minTimeMs,
    maxTimeMs: minTimeMs + length,
    encoding,
    data: Buffer.alloc(8, fill),
  }));
const oneSeries = fc.record({
  labels: fc.dictionary(fc.constantFrom(...names), value, { minKeys: 1 }).map(labelsOf),
  chunks: fc.array(chunk, { maxLength: 3 }).map((chunks) => chunks.sort((a, b) => a.minTimeMs - b.minTimeMs)),
});
const keyOf = (labels: Labels): string => labels.map(({ name, value: text }) => `${name}=${text}`).join();
const tenantsOf = (tenants: readonly (readonly ModelSeries[])[]): ModelTenant[] =>
  tenants.map((series, index) => ({
    tenant: `t${index}`,
    externalLabels: labelsOf({ replica: 'r1', tenant_id: `t${index}` }),
    series,
  }));
const tenants = fc
  .array(fc.uniqueArray(oneSeries, { maxLength: 12, selector: ({ labels }) => keyOf(labels) }), { maxLength: 3 })
  .map(tenantsOf);
const matcher = fc.record({
  type: fc.constantFrom('EQ', 'NEQ', 'RE', 'NRE'),
  name: fc.constantFrom(...names, 'tenant_id', 'missing'),
  value: fc.constantFrom('', '1', 'x', 'r1', 't0', '1|2', '.*', '.+', 't.', '[^x]'),
});
const question = fc.record({
  tenants,
  matchers: fc.array(matcher, { minLength: 1, maxLength: 3 }),
  minTime: fc.integer({ min: 0, max: 45 }),
  maxTime: fc.integer({ min: 0, max: 45 }),
  withoutReplicaLabels: fc.subarray(['replica', 'a', 'tenant_id', '__name__'], { maxLength: 2 }),
  skipChunks: fc.boolean(),
  responseBatchSize: fc.constantFrom(0, 1, 2, 64),
  shardInfo: fc.record({
    totalShards: fc.integer({ min: 0, max: 3 }),
    shardIndex: fc.nat(2),
    by: fc.boolean(),
    labels: fc.subarray(['a', 'z', 'tenant_id']),
  }),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

function requestOf(asked: Question): Omit<Question, 'tenants'> {
  const request: Partial<Question> = { ...asked };
  delete request.tenants;
  return request as Omit<Question, 'tenants'>;
}

/** Matchers of a tenant that are left when external ones have been judged; 'none' when one of these does not hold. */
function naiveMatchers({ externalLabels }: ModelTenant, matchers: Question['matchers']): Question['matchers'] | 'none' {
  const external = (name: string): string => externalLabels.find((label) => label.name === name)?.value ?? '';
  if (matchers.some((one) => external(one.name) !== '' && !holds(one, external(one.name)))) return 'none';
  return matchers.filter(({ name }) => external(name) === '');
}

function holds({ type, value: text }: Question['matchers'][number], tested: string): boolean {
  const isRegular = type === 'RE' || type === 'NRE';
  const does = isRegular ? new RegExp(`^(?:${text})$`, 'us').test(tested) : tested === text;
  return does === (type === 'EQ' || type === 'RE');
}

/** Stored series of all tenants that are asked for, each with its final labels. */
function naiveSeries(asked: Question): { final: Labels; stored: ModelSeries; chunks: ModelSeries['chunks'] }[] {
  return asked.tenants.flatMap((tenant) => {
    const left = naiveMatchers(tenant, asked.matchers);
    if (left === 'none') return [];
    return tenant.series.flatMap((stored) => {
      const chunks = stored.chunks.filter((c) => c.minTimeMs <= asked.maxTime && c.maxTimeMs >= asked.minTime);
      const valueOf = (name: string): string => stored.labels.find((label) => label.name === name)?.value ?? '';
      if (chunks.length === 0 || !left.every((one) => holds(one, valueOf(one.name)))) return [];
      const all = [...stored.labels, ...tenant.externalLabels].filter(
        ({ name }) => !asked.withoutReplicaLabels.includes(name),
      );
      return [{ final: labelsOf(Object.fromEntries(all.map(({ name, value: v }) => [name, v]))), stored, chunks }];
    });
  });
}

function naiveShard(final: Labels, { totalShards, shardIndex, by, labels }: Question['shardInfo']): boolean {
  if (totalShards < 1) return true;
  const parts = final
    .filter(({ name }) => labels.includes(name as 'a') === by)
    .flatMap(({ name, value: v }) => [Buffer.from(name), Buffer.of(0xff), Buffer.from(v), Buffer.of(0xff)]);
  return xxh64(Buffer.concat(parts)) % BigInt(totalShards) === BigInt(shardIndex);
}

/** What only external labels decide is refused, which other tests are about. */
const hasMatchersLeft = (asked: Question): boolean =>
  asked.tenants.every((tenant) => {
    const left = naiveMatchers(tenant, asked.matchers);
    return left === 'none' || left.length > 0;
  });

test('series of random questions are those of naive code', async () => {
  await fc.assert(
    fc.asyncProperty(question.filter(hasMatchersLeft), async (asked) => {
      readers = readersOf(asked.tenants.map(modelReader));
      const request = requestOf(asked);
      const { messages, error } = await client.call('thanos.Store', 'Series', request);
      expect(error).toBeUndefined();
      for (const { batch } of messages)
        if (batch) expect(asked.responseBatchSize).toBeGreaterThanOrEqual(batch.series.length);
      const entries = messages.flatMap(({ series, batch }) => (series ? [series] : batch.series));
      const rowOf = (labels: Labels, chunks: readonly string[]): string => `${keyOf(labels)} ${chunks.join()}`;
      const got = entries.map(({ labels, chunks }: Plain) =>
        rowOf(
          labels,
          chunks.map(({ minTime, raw }: Plain) => `${minTime}:${raw.type ?? 0}:${raw.data[0]}`),
        ),
      );
      const want = naiveSeries(asked)
        .filter(({ final }) => naiveShard(final, asked.shardInfo))
        .map(({ final, chunks }) =>
          rowOf(final, asked.skipChunks ? [] : chunks.map((c) => `${c.minTimeMs}:${c.encoding - 1}:${c.data[0]}`)),
        );
      expect([...got].sort()).toEqual(want.sort());
      const order = entries.map(({ labels }: Plain) => labels as Labels);
      for (let at = 1; at < order.length; at += 1)
        expect(compareLabels(order[at - 1]!, order[at]!)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 100 },
  );
});

test('names and values of random questions are those of naive code', async () => {
  const label = fc.constantFrom(...names, 'tenant_id', 'missing');
  await fc.assert(
    fc.asyncProperty(question, label, fc.boolean(), async (asked, name, hasMatchers) => {
      readers = readersOf(asked.tenants.map(modelReader));
      const { minTime: start, maxTime: end, withoutReplicaLabels } = asked;
      const matchers = hasMatchers ? asked.matchers : [];
      const found = naiveSeries({ ...asked, matchers, withoutReplicaLabels: [] });
      const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort(compareUtf8);
      const request = { start, end, matchers, withoutReplicaLabels };
      const namesAnswer = await client.call('thanos.Store', 'LabelNames', request);
      // A removed name is still told where a series has it.
      const external = ['replica', 'tenant_id'].filter((one) => !withoutReplicaLabels.includes(one as 'a'));
      const stored = found.flatMap((one) => one.stored.labels.map((each) => each.name));
      expect(namesAnswer.messages[0].names).toEqual(unique(found.length > 0 ? [...stored, ...external] : []));

      const valuesAnswer = await client.call('thanos.Store', 'LabelValues', { ...request, label: name });
      const isListed = withoutReplicaLabels.includes(name as 'a');
      const isExternal = name === 'replica' || name === 'tenant_id';
      const announced = asked.tenants.filter((tenant) => {
        const left = naiveMatchers(tenant, matchers);
        const begins = Math.min(...tenant.series.flatMap(({ chunks }) => chunks.map((c) => c.minTimeMs)));
        return isExternal && left !== 'none' && left.length === 0 && begins <= end;
      });
      const values = [...found.map(({ final }) => final), ...announced.map(({ externalLabels }) => externalLabels)];
      const texts = values.flatMap((labels) => labels.filter((each) => each.name === name).map((each) => each.value));
      expect(valuesAnswer.messages[0].values).toEqual(isListed ? [] : unique(texts));
    }),
    { numRuns: 100 },
  );
});

test('a limit gives the first series, after all else', async () => {
  await fc.assert(
    fc.asyncProperty(question.filter(hasMatchersLeft), fc.integer({ min: 1, max: 5 }), async (asked, limit) => {
      readers = readersOf(asked.tenants.map(modelReader));
      const request = { ...requestOf(asked), responseBatchSize: 0, skipChunks: true };
      const all = await client.call('thanos.Store', 'Series', request);
      const some = await client.call('thanos.Store', 'Series', { ...request, limit });
      expect(some.messages).toEqual(all.messages.slice(0, limit));
    }),
    { numRuns: 50 },
  );
});

// --- Callers

/** Series without end, or up to a count. */
class WatchedSource implements SeriesSource {
  given = 0;
  isClosed = false;
  readonly #count: number;
  readonly #labels = canonicalLabels(labelsOf({ __name__: 'up', job: 'x'.repeat(500) }));

  constructor(count = Infinity) {
    this.#count = count;
  }

  next(): SelectedSeries | undefined {
    if (this.given === this.#count || this.isClosed) return undefined;
    this.given += 1;
    return { labels: this.#labels, chunks: [] };
  }

  close(): void {
    this.isClosed = true;
  }
}

function serveSource(source: SeriesSource): void {
  const reader = modelReader({ tenant: 'a', externalLabels: labelsOf({ tenant_id: 'a' }), series: [] });
  const select = (): Promise<SeriesSource> => Promise.resolve(source);
  readers = readersOf([{ ...reader, minTimeMs: 0, store: { select } as unknown as TenantReader['store'] }]);
}

const request = encodeMessage('thanos.SeriesRequest', { maxTime: 9, matchers: [{ name: '__name__', value: 'up' }] });
/** Beside other work on the machine; what is to be done takes a few. */
const soonMs = 50;

test('a call that is cancelled ends at once', async () => {
  const source = new WatchedSource();
  serveSource(source);
  const stream = client.stream(path, request);
  stream.on('error', () => undefined);
  await once(stream, 'data');
  const cancelledMs = performance.now();
  stream.cancel();
  await until(() => source.isClosed);
  expect(performance.now() - cancelledMs).toBeLessThan(soonMs * 4);
});

test('a call whose deadline passes ends then', async () => {
  const source = new WatchedSource();
  serveSource(source);
  const beganMs = performance.now();
  const stream = client.stream(path, request, 100);
  stream.on('data', () => undefined);
  const [error] = (await once(stream, 'error')) as [{ code: number }];
  expect(error.code).toBe(4);
  await until(() => source.isClosed);
  expect(performance.now() - beganMs).toBeLessThan(100 + soonMs * 4);
});

test('of a caller that does not read, the source is asked no further, while others are answered', async () => {
  const source = new WatchedSource();
  serveSource(source);
  const lazy = new StoreClient(port);
  const stream = lazy.stream(path, request);
  stream.on('error', () => undefined);
  stream.pause();
  let before = -1;
  await until(() => {
    const isStill = source.given > 0 && source.given === before;
    before = source.given;
    return isStill;
  });
  // What lies in windows and queues.
  expect(source.given * 500).toBeLessThan(8 * 2 ** 20);
  const still = new WatchedSource(1000);
  serveSource(still);
  const { messages } = await client.call('thanos.Store', 'Series', {
    maxTime: 9,
    matchers: [{ name: '__name__', value: 'up' }],
  });
  expect(messages).toHaveLength(1000);
  expect(source.isClosed).toBe(false);
  stream.cancel();
  await until(() => source.isClosed);
  lazy.close();
});

test('requests may come in snappy', async () => {
  readers = readersOf([
    modelReader({
      tenant: 'a',
      externalLabels: labelsOf({ tenant_id: 'a' }),
      series: [
        {
          labels: labelsOf({ __name__: 'up' }),
          chunks: [{ minTimeMs: 1, maxTimeMs: 2, encoding: 1, data: Buffer.of(1) }],
        },
      ],
    }),
  ]);
  const peer = connectPeer(`127.0.0.1:${port}`, { codec });
  const bytes = encodeMessage('thanos.LabelValuesRequest', { label: '__name__', end: 5 });
  const message = { bytes: snappyFramedEncode(bytes), compressed: true };
  const answer = await peer.call('/thanos.Store/LabelValues', message, { deadlineMs: Date.now() + 10_000 });
  expect(decodeMessage('thanos.LabelValuesResponse', answer).values).toEqual(['up']);
  peer.close();
});

test('a request of more bytes than any has is refused', async () => {
  const { error } = await client.call('thanos.Store', 'LabelNames', Buffer.alloc(requestBytesMax + 1));
  expect(error?.code).toBe(8);
});

test('what is no message is refused, whatever was called', async () => {
  for (const [service, method] of [
    ['thanos.Store', 'Series'],
    ['thanos.Store', 'LabelNames'],
    ['thanos.Store', 'LabelValues'],
    ['thanos.Exemplars', 'Exemplars'],
    ['thanos.Status', 'TSDBStatistics'],
  ] as const) {
    const { error } = await client.call(service, method, Buffer.from('ffff', 'hex'));
    expect([method, error?.code]).toEqual([method, 13]);
  }
});

test('an ingester that is not ready is told from one that has nothing', async () => {
  readers = readersOf([], false);
  const info = await client.call('thanos.info.Info', 'Info', {});
  expect([info.error?.code, info.error?.details]).toEqual([2, 'Not ready']);
  const status = await client.call('thanos.Status', 'TSDBStatistics', {});
  expect([status.error?.code, status.error?.details]).toEqual([2, 'not ready']);
  const exemplars = await client.call('thanos.Exemplars', 'Exemplars', { query: 'up' });
  expect([exemplars.error?.code, exemplars.error?.details]).toEqual([2, 'not ready']);
});

test('who has no tenants announces all times and no labels', async () => {
  readers = readersOf([]);
  const { messages } = await client.call('thanos.info.Info', 'Info', {});
  expect(messages[0]).toMatchObject({
    labelSets: [],
    store: { minTime: '-9223372036854775808', maxTime: '9223372036854775807', tsdbInfos: [] },
  });
});
