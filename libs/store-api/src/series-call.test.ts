import { MiB, OperationalError, silentLog, systemClock, type Log } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { canonicalLabels, labelsOf } from '@gauntlet/model';
import { grpcCodeNames, grpcStatusOf } from '@gauntlet/rpc';
import type { SelectedSeries, SeriesSource, SeriesStore } from '@gauntlet/select';
import { sourceOf, type ModelSeries } from '@gauntlet/select/testing';
import { answerLabelNames, answerLabelValues } from './label-calls.js';
import { readLabelNamesRequest, readLabelValuesRequest, readSeriesRequest } from './read-requests.js';
import { answerSeries } from './series-call.js';
import type { StoreApiOptions } from './store-api-options.js';
import type { TenantReader, TenantReaders } from './tenant-reader.js';
import { decodeMessage, encodeMessage, type Plain } from './testing/messages.js';
import { modelReader, readersOf } from './testing/model-reader.js';
import { callOf, RecordingSink } from './testing/recording-sink.js';

/* What becomes of an answer when tenants fail, and of calls that nobody waits for. */

class BrokenBlockError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'BLOCK_BROKEN';
}

const options: StoreApiOptions = {
  limits: { seriesMax: 0, samplesMax: 0 },
  codec: { encode: snappyFramedEncode, decode: snappyFramedDecode },
  clock: systemClock,
  log: silentLog,
};
const seriesOf = (labels: Record<string, string>, chunkCount = 1): ModelSeries => ({
  labels: labelsOf({ __name__: 'up', ...labels }),
  chunks: Array.from({ length: chunkCount }, (_, index) => ({
    minTimeMs: 100 + index,
    maxTimeMs: 100 + index,
    encoding: 1,
    data: Buffer.from(`chunk ${index}`),
  })),
});
const tenantOf = (tenant: string, series: readonly ModelSeries[]): TenantReader =>
  modelReader({ tenant, externalLabels: labelsOf({ replica: 'r1', tenant_id: tenant }), series });
const whole = tenantOf('whole', [seriesOf({ i: '1' }), seriesOf({ i: '2' })]);
const broken = { ...whole, tenant: 'broken', externalLabels: labelsOf({ replica: 'r1', tenant_id: 'broken' }) };

function withStore(reader: TenantReader, store: Partial<SeriesStore>): TenantReader {
  return { ...reader, store: { ...boundTo(reader.store), ...store } };
}

function boundTo(store: SeriesStore): SeriesStore {
  return {
    select: (selection) => store.select(selection),
    labelNames: (query) => store.labelNames(query),
    labelValues: (name, query) => store.labelValues(name, query),
  };
}

/** Fails at the source's second series. */
function failingSource(source: SeriesSource, isAsync: boolean): SeriesSource {
  let count = 0;
  return {
    next() {
      count += 1;
      if (count < 2) return source.next();
      if (isAsync) return Promise.reject(new BrokenBlockError('Cannot read block: it is torn'));
      throw new BrokenBlockError('Cannot read block: it is torn');
    },
    close: () => source.close(),
  };
}

interface Outcome {
  readonly labels: readonly string[];
  readonly warnings: readonly string[];
  readonly error?: string;
}

async function series(
  readers: TenantReaders | readonly TenantReader[],
  request: Plain = {},
  more: Partial<StoreApiOptions> = {},
): Promise<Outcome> {
  const out = new RecordingSink();
  const matchers = [{ type: 'EQ', name: '__name__', value: 'up' }];
  const bytes = encodeMessage('thanos.SeriesRequest', { maxTime: 1000, matchers, ...request });
  const all = 'isReady' in readers ? readers : readersOf(readers);
  const error = await answerSeries(readSeriesRequest(bytes), all, callOf(), out, { ...options, ...more }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const messages = out.messages('thanos.SeriesResponse');
  const entries = messages.flatMap(({ series: one, batch }) => (one ? [one] : (batch?.series ?? [])));
  return {
    labels: entries.map(({ labels }) => labels.map(({ name, value }: Plain) => `${name}=${value}`).join(' ')),
    warnings: messages.flatMap(({ warning }) => (warning === undefined ? [] : [warning])),
    ...(error === undefined ? {} : { error: textOf(error) }),
  };
}

function textOf(error: unknown): string {
  const { code, details } = grpcStatusOf(error);
  return `${grpcCodeNames[code]} ${details}`;
}

const wholeLabels = ['1', '2'].map((i) => `__name__=up i=${i} replica=r1 tenant_id=whole`);
const reason =
  'receive series from MinTime: 100 MaxTime: 9223372036854775807: rpc error: code = DataLoss desc = Cannot read block: it is torn';
const failures: readonly (readonly [string, TenantReader, readonly string[]])[] = [
  [
    'when it is asked',
    withStore(broken, { select: () => Promise.reject(new BrokenBlockError('Cannot read block: it is torn')) }),
    [],
  ],
  [
    'at once in the middle',
    withStore(broken, { select: async (selection) => failingSource(await broken.store.select(selection), false) }),
    ['__name__=up i=1 replica=r1 tenant_id=broken'],
  ],
  [
    'later in the middle',
    withStore(broken, { select: async (selection) => failingSource(await broken.store.select(selection), true) }),
    ['__name__=up i=1 replica=r1 tenant_id=broken'],
  ],
];

test('what a call may hold is shared among its tenants', async () => {
  const shares: (number | undefined)[] = [];
  const asked = withStore(whole, {
    select: (selection) => {
      shares.push(selection.bytesMax);
      return whole.store.select(selection);
    },
  });
  await series([asked]);
  await series(Array.from({ length: 64 }, () => asked));
  expect(shares[0]).toBeLessThanOrEqual(32 * MiB);
  expect(shares.slice(1)).toEqual(Array.from({ length: 64 }, () => shares[0]! / 64));
});

test.each(failures)(
  'a tenant that fails %s leaves out what it still had, with a warning',
  async (_when, reader, before) => {
    const warned: unknown[] = [];
    const log: Log = { ...silentLog, warn: (_message, fields) => void warned.push(fields) };
    const { labels, warnings, error } = await series([reader, whole], {}, { log });
    expect(error).toBeUndefined();
    expect(labels).toEqual([...before, ...wholeLabels].sort());
    expect(warnings).toEqual([reason]);
    expect(warned).toEqual([{ tenant: 'broken', code: 'BLOCK_BROKEN', reason: 'Cannot read block: it is torn' }]);
  },
);

test.each(failures)('a tenant that fails %s fails the call of who wants all or nothing', async (_when, reader) => {
  for (const strict of [{ partialResponseStrategy: 'ABORT' }, { partialResponseDisabled: true }])
    expect((await series([whole, reader], strict)).error).toBe(`ABORTED ${reason}`);
});

test.each([[true], [false]])('sources are closed when a call fails, at once or later: %p', async (isAsync) => {
  const opened: (SeriesSource & { isClosed: boolean })[] = [];
  const watched = withStore(whole, {
    select: () => {
      const source = sourceOf([{ labels: new Uint8Array(), chunks: [] }]);
      opened.push(source);
      return Promise.resolve(source);
    },
  });
  const failing = withStore(broken, {
    select: () =>
      isAsync
        ? Promise.resolve({ next: () => Promise.reject(new BrokenBlockError('x')), close: () => undefined })
        : Promise.reject(new BrokenBlockError('x')),
  });
  await series([watched, failing, watched], { partialResponseStrategy: 'ABORT' });
  expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, true]);
});

test('our own bugs are no warnings', async () => {
  const reader = withStore(whole, { select: () => Promise.reject(new TypeError('x is undefined')) });
  expect((await series([reader])).error).toBe('INTERNAL x is undefined');
});

test('what a tenant says of itself comes as a warning, or fails the call', async () => {
  const reader = { ...whole, warnings: ['samples from 5 on are still being replayed'] };
  expect(await series([reader])).toEqual({ labels: wholeLabels, warnings: reader.warnings });
  expect((await series([reader], { partialResponseStrategy: 'ABORT' })).error).toBe(
    'ABORTED samples from 5 on are still being replayed',
  );
  // It has nothing to do with who is not asked.
  const others = {
    matchers: [
      { name: '__name__', value: 'up' },
      { name: 'tenant_id', value: 'else' },
    ],
  };
  expect(await series([reader], others)).toEqual({ labels: [], warnings: [] });
});

test('an ingester that is not ready says that something is missing', async () => {
  const text = 'not all tenants are there: the ingester is not ready';
  expect(await series(readersOf([whole], false))).toEqual({ labels: wholeLabels, warnings: [text] });
  expect((await series(readersOf([whole], false), { partialResponseStrategy: 'ABORT' })).error).toBe(`ABORTED ${text}`);
});

test('without tenants there is nothing, and who wants all or nothing is told so', async () => {
  expect(await series([])).toEqual({ labels: [], warnings: [] });
  expect((await series([], { partialResponseDisabled: true })).error).toBe('UNKNOWN No StoreAPIs available');
});

test('two tenants whose labels become the same keep their series apart', async () => {
  const { labels } = await series([whole, broken], { withoutReplicaLabels: ['tenant_id', 'nothing'] });
  expect(labels).toEqual(['1', '1', '2', '2'].map((i) => `__name__=up i=${i} replica=r1`));
});

test.each([
  [{ seriesMax: 2, samplesMax: 0 }, {}, undefined],
  [{ seriesMax: 1, samplesMax: 0 }, {}, 'send series response: failed to send series: limit 1 violated (got 2)'],
  [{ seriesMax: 1, samplesMax: 0 }, { limit: 1 }, undefined],
  [{ seriesMax: 0, samplesMax: 840 }, {}, undefined],
  [{ seriesMax: 0, samplesMax: 839 }, {}, 'send series response: failed to send samples: limit 839 violated (got 840)'],
  [{ seriesMax: 0, samplesMax: 1 }, { skipChunks: true }, undefined],
])('limits of %j hold for a request with %j', async (limits, request, details) => {
  const reader = tenantOf('a', [seriesOf({ i: '1' }, 3), seriesOf({ i: '2' }, 4)]);
  const dropped: string[] = [];
  const { error, labels } = await series([reader], request, { limits, onSelectDropped: (why) => dropped.push(why) });
  expect(error).toBe(details && `UNKNOWN ${details}`);
  expect(dropped).toHaveLength(details ? 1 : 0);
  expect(labels.length).toBeLessThanOrEqual(limits.seriesMax || 2);
});

test.each([
  ['a negative shard', { shardInfo: { totalShards: '2', shardIndex: '-1' } }, []],
  ['a limit without end', { limit: '9223372036854775807' }, wholeLabels],
  ['batches of any size', { responseBatchSize: '9223372036854775807' }, wholeLabels],
  ['a negative batch', { responseBatchSize: '-7' }, wholeLabels],
])('%s is no error', async (_name, request, labels) => {
  expect(await series([whole], request)).toEqual({ labels, warnings: [] });
});

test('more shards than numbers can count are refused', async () => {
  const request = { shardInfo: { totalShards: '9223372036854775807' } };
  await expect(series([whole], request)).rejects.toMatchObject({ code: 'STORE_REQUEST_INVALID' });
});

async function names(readers: readonly TenantReader[], request: Plain = {}): Promise<Plain> {
  const bytes = encodeMessage('thanos.LabelNamesRequest', { end: 1000, ...request });
  const answer = await answerLabelNames(readLabelNamesRequest(bytes), readersOf(readers), callOf(), options);
  return decodeMessage('thanos.LabelNamesResponse', answer);
}

async function values(readers: readonly TenantReader[], request: Plain): Promise<Plain> {
  const bytes = encodeMessage('thanos.LabelValuesRequest', { end: 1000, ...request });
  const answer = await answerLabelValues(readLabelValuesRequest(bytes), readersOf(readers), callOf(), options);
  return decodeMessage('thanos.LabelValuesResponse', answer);
}

test('labels of a tenant that fails are left out with a warning, or fail the call', async () => {
  const failure = (): Promise<never> => Promise.reject(new BrokenBlockError('it is torn'));
  const failing = withStore(broken, { labelNames: failure, labelValues: failure, select: failure });
  const store = 'store MinTime: 100 MaxTime: 9223372036854775807: rpc error: code = DataLoss desc = it is torn';
  expect(await names([failing, whole])).toMatchObject({
    names: ['__name__', 'i', 'replica', 'tenant_id'],
    warnings: [`fetch label names from ${store}`],
  });
  expect(await values([failing, whole], { label: 'i' })).toMatchObject({
    values: ['1', '2'],
    warnings: [`fetch label values from ${store}`],
  });
  const matchers = [{ name: 'i', value: '1' }];
  expect(await values([failing, whole], { label: 'tenant_id', matchers })).toMatchObject({
    values: ['whole'],
    warnings: [`fetch label values from ${store}`],
  });
  const strict = { partialResponseStrategy: 'ABORT' };
  const error = await names([failing, whole], strict).catch((thrown: unknown) => textOf(thrown));
  expect(error).toBe(`DATA_LOSS fetch label names from ${store}`);
});

test('values and names of several tenants are cut together', async () => {
  const other = tenantOf('other', [seriesOf({ i: '0', z: '1' }), seriesOf({ i: '2' })]);
  expect((await names([whole, other], { limit: 3 })).names).toEqual(['__name__', 'i', 'replica']);
  expect((await values([whole, other], { label: 'i' })).values).toEqual(['0', '1', '2']);
  expect((await values([whole, other], { label: 'i', limit: 2 })).values).toHaveLength(2);
});

test('a call that is cancelled ends, and closes what it has opened', async () => {
  const controller = new AbortController();
  let closed = 0;
  let given = 0;
  const endless: SeriesSource = {
    next: (): SelectedSeries => {
      given += 1;
      if (given === 1000) setTimeout(() => controller.abort(new BrokenBlockError('gone')), 5);
      return { labels: new Uint8Array(), chunks: [] };
    },
    close: () => void (closed += 1),
  };
  const reader = withStore(whole, { select: () => Promise.resolve(endless) });
  const out = { write: () => undefined, ready: undefined };
  const request = readSeriesRequest(
    encodeMessage('thanos.SeriesRequest', { maxTime: 1000, matchers: [{ name: '__name__', value: 'up' }] }),
  );
  await expect(answerSeries(request, readersOf([reader]), callOf(controller.signal), out, options)).rejects.toThrow(
    'gone',
  );
  expect(closed).toBeGreaterThan(0);
});

test('an answer takes no more memory when it is larger', async () => {
  const labels = canonicalLabels(labelsOf({ __name__: 'up', job: 'x'.repeat(500) }));
  let left = 150_000;
  const source: SeriesSource = {
    next: () => (left-- > 0 ? { labels, chunks: [] } : undefined),
    close: () => undefined,
  };
  const reader = withStore(whole, { select: () => Promise.resolve(source) });
  const before = process.memoryUsage().arrayBuffers;
  let [most, bytes] = [0, 0];
  const out = {
    write(message: Uint8Array) {
      bytes += message.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    },
    ready: undefined,
  };
  // Batches without end: they are cut by their size.
  const matchers = [{ name: '__name__', value: 'up' }];
  const request = { maxTime: 1000, matchers, responseBatchSize: 1_000_000 };
  const bytesOf = encodeMessage('thanos.SeriesRequest', request);
  await answerSeries(readSeriesRequest(bytesOf), readersOf([reader]), callOf(), out, options);
  expect(bytes).toBeGreaterThan(75_000_000);
  expect(most).toBeLessThan(16 * MiB);
});
