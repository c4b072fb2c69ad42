import { type ChunkSample } from '@gauntlet/chunk';
import { canonicalLabels, compareCanonicalLabels, compareUtf8, type Labels } from '@gauntlet/model';
import {
  compileMatcher,
  createOverlay,
  type LabelMatcher,
  type SelectedSeries,
  type Selection,
  type SeriesSource,
} from '@gauntlet/select';
import { encodeTombstones } from '@gauntlet/wal';
import fc from 'fast-check';
import { createHead, type Head, type HeadOptions, type HeadSelectionQuery } from './index.js';
import { dumpInOrder, dumpLate } from './testing/dump-head.js';
import { integerHistogram } from './testing/histograms.js';
import { layOutBatch, type TestLabels } from './testing/lay-out-batch.js';
import { MemorySink } from './testing/memory-sink.js';
import { readSource, restless, textOf } from './testing/read-source.js';

const start = 1_699_999_200_000; // A multiple of the range.
const rangeMs = 600_000;

const names = ['__name__', 'a', 'ab', 'replica', 'z'];
const texts = ['', 'x', 'xy', 'y', '\u{fffd}', '\u{10ffff}'];
const anyLabels: fc.Arbitrary<TestLabels> = fc
  .tuple(...names.map((name) => fc.constantFrom(...texts).map((value) => [name, value] as const)))
  .map((labels) => labels.filter(([, value]) => value !== ''))
  .filter((labels) => labels.length > 0);
const anyMatcher = fc
  .tuple(
    fc.constantFrom('=' as const, '!=' as const, '=~' as const, '!~' as const),
    fc.constantFrom(...names, 'none'),
    fc.constantFrom('', 'x', 'y', 'xy', '\u{10ffff}'),
    fc.constantFrom('', 'x|y', 'x.*', '.*y', '.+', '.*', 'x|', '[^x]*'),
  )
  .map(([type, name, value, expression]) => compileMatcher(type, name, type.endsWith('~') ? expression : value));
const anyOverlay = fc
  .tuple(fc.subarray(['aa', 'replica', 'zz', 'a'] as const), fc.subarray(['replica', 'a', 'none'] as const))
  .map(([added, removed]) =>
    createOverlay(
      [...added].sort(compareUtf8).map((name) => ({ name, value: 'e' })),
      removed,
    ),
  );

interface Row {
  readonly labels: TestLabels;
  readonly late: boolean;
  readonly count: number;
  readonly isHistogram: boolean;
}
type Step =
  | { readonly kind: 'append'; readonly rows: readonly Row[] }
  | { readonly kind: 'spill' }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'truncate'; readonly share: number };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      rows: fc.array(
        fc.record({
          labels: anyLabels,
          late: fc.boolean(),
          count: fc.integer({ min: 1, max: 12 }),
          isHistogram: fc.constantFrom(false, false, false, true),
        }),
        { minLength: 1, maxLength: 40 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('spill' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
);

/** A head with files, and what is done to it. */
class Bench {
  readonly sink = new MemorySink();
  readonly head: Head;
  now = start;

  constructor(options: Partial<HeadOptions> = {}) {
    this.head = createHead({
      chunkRangeMs: rangeMs,
      samplesPerChunk: 8,
      shardSeriesMax: 60,
      outOfOrderWindowMs: rangeMs,
      outOfOrderCapMax: 4,
      chunkSink: this.sink,
      chunkSource: {
        read: async (chunks, into) => {
          await Promise.resolve();
          chunks.forEach((chunk, index) => {
            into(index, this.sink.read(chunk));
          });
        },
      },
      ...options,
    });
  }

  run(step: Step): void {
    const { head } = this;
    if (step.kind === 'append') {
      for (const { labels, late, count, isHistogram } of step.rows) this.append(labels, late, count, isHistogram);
    } else if (step.kind === 'spill') {
      while (head.spill(Infinity));
    } else if (step.kind === 'snapshot') {
      dumpInOrder(head, (stored) => this.sink.read(stored));
    } else if (head.minTimeMs < Infinity) {
      const time = Math.floor(head.minTimeMs + (head.maxTimeMs - head.minTimeMs) * step.share);
      while (head.truncate(time, 0));
    }
  }

  append(labels: TestLabels, late: boolean, count: number, isHistogram = false): void {
    this.now += 100;
    const times = Array.from({ length: count }, (_, i) => BigInt(late ? this.now - 60_000 - i * 70 : this.now + i));
    const row = isHistogram
      ? { labels, samples: [], histograms: times.map((t) => ({ t, histogram: integerHistogram(Number(t % 7n)) })) }
      : { labels, samples: times.map((t) => ({ t, bits: t })) };
    this.head.append(layOutBatch([row]), 0, { timestampMsMax: Infinity });
    if (!late) this.now += count;
  }

  /** All that is there, by its dumps. */
  naive(): Map<string, { readonly labels: Labels; readonly samples: ChunkSample[] }> {
    const all = new Map<string, { readonly labels: Labels; readonly samples: ChunkSample[] }>();
    const read = (stored: { readonly file: number; readonly offset: number; readonly dataLength: number }) =>
      this.sink.read(stored);
    for (const { labels: pairs, samples } of [...dumpInOrder(this.head, read), ...dumpLate(this.head, read)]) {
      const labels = pairs.map(([name, value]) => ({ name, value }));
      const key = textOf(canonicalLabels(labels));
      const known = all.get(key);
      if (known === undefined) all.set(key, { labels, samples: [...samples] });
      else known.samples.push(...samples);
    }
    return all;
  }
}

const everything = (query: Partial<HeadSelectionQuery> = {}): HeadSelectionQuery => ({
  matchers: [],
  minTimeMs: -Infinity,
  maxTimeMs: Infinity,
  limit: 0,
  pace: restless(),
  overlay: createOverlay([], []),
  skipChunks: false,
  ...query,
});

const matches = (labels: Labels, matchers: readonly LabelMatcher[]): boolean =>
  matchers.every((m) => m.matches(labels.find(({ name }) => name === m.name)?.value ?? ''));

function finalLabels(labels: Labels, { added, hidden }: Selection['overlay']): Uint8Array {
  const kept = [...labels.filter(({ name }) => !hidden.includes(name)), ...added];
  return canonicalLabels(kept.sort((a, b) => compareUtf8(a.name, b.name)));
}

const samplesKey = (samples: readonly ChunkSample[]): string[] =>
  samples
    .map((s) => ('bits' in s ? `${String(s.timestampMs)} ${String(s.bits)}` : `${String(s.timestampMs)} h`))
    .sort();

test('after any steps, a head answers as a list of its series does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 12 }),
      fc.array(fc.array(anyMatcher, { maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      anyOverlay,
      fc.constantFrom(...names),
      async (steps, questions, overlay, name) => {
        const bench = new Bench();
        const { head } = bench;
        // Asked early, the index has to follow; asked at the end only, it begins there.
        const asksEarly = questions.length % 2 === 0;
        for (const step of steps) {
          bench.run(step);
          if (asksEarly) await head.labelNames(everything());
        }
        const answers: {
          series: Awaited<ReturnType<typeof readSource>>;
          names: readonly string[];
          values: readonly string[];
        }[] = [];
        for (const matchers of questions) {
          answers.push({
            series: await readSource(await head.select(everything({ matchers, overlay }))),
            names: await head.labelNames(everything({ matchers })),
            values: await head.labelValues(name, everything({ matchers })),
          });
        }
        const naive = [...bench.naive().values()].filter(({ samples }) => samples.length > 0);
        for (const [i, matchers] of questions.entries()) {
          const chosen = naive.filter(({ labels }) => matches(labels, matchers));
          const expected = chosen
            .map(({ labels, samples }) => ({ final: finalLabels(labels, overlay), samples: samplesKey(samples) }))
            .sort((a, b) => compareCanonicalLabels(a.final, b.final));
          expect(answers[i]!.series.map(({ labels }) => labels)).toEqual(expected.map(({ final }) => textOf(final)));
          const bySamples = (list: readonly (readonly [string, string[]])[]): string[] =>
            list.map((entry) => JSON.stringify(entry)).sort();
          expect(bySamples(answers[i]!.series.map(({ labels, samples }) => [labels, samplesKey(samples)]))).toEqual(
            bySamples(expected.map(({ final, samples }) => [textOf(final), samples])),
          );
          const all = chosen.flatMap(({ labels }) => labels);
          expect(answers[i]!.names).toEqual([...new Set(all.map((label) => label.name))].sort(compareUtf8));
          const values = all.filter((label) => label.name === name).map(({ value }) => value);
          expect(answers[i]!.values).toEqual([...new Set(values)].sort(compareUtf8));
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('many series of a shard, which the kernel sorts, come in the order of their final labels', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyLabels, { minLength: 65, maxLength: 150, selector: (labels) => JSON.stringify(labels) }),
      anyOverlay,
      async (all, overlay) => {
        const { head } = new Bench({ shardSeriesMax: 1000 });
        appendAll(head, all, start);
        const found = await readSource(await head.select(everything({ overlay, skipChunks: true })));
        const expected = all
          .map((labels) =>
            finalLabels(
              labels.map(([name, value]) => ({ name, value })),
              overlay,
            ),
          )
          .sort(compareCanonicalLabels);
        expect(found.map(({ labels }) => labels)).toEqual(expected.map(textOf));
      },
    ),
    { numRuns: 40 },
  );
});

test('while others append, spill, cut and truncate, a selection has every series that stays, whole and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 4, maxLength: 12 }),
      fc.array(anyStep, { minLength: 1, maxLength: 30 }),
      anyOverlay,
      fc.constantFrom(40, 1000),
      async (before, meanwhile, overlay, shardSeriesMax) => {
        const bench = new Bench({ shardSeriesMax });
        const { head } = bench;
        for (const step of before) bench.run(step);
        const there = new Map([...bench.naive()].filter(([, { samples }]) => samples.length > 0));
        const left = [...meanwhile];
        let turn = 0;
        const pace = restless(() => {
          turn += 1;
          const step = turn % 7 === 0 ? left.shift() : undefined;
          if (step !== undefined) bench.run(step);
        });
        const source = await head.select(everything({ overlay, pace }));
        const found: { final: Uint8Array; samples: string[] }[] = [];
        for (let series = await source.next(); series !== undefined; series = await source.next()) {
          const [read] = await readSource(listSource([series]));
          found.push({ final: series.labels.slice(), samples: samplesKey(read!.samples) });
          await pace.rest();
        }
        source.close();
        expect(head.openSelections(Infinity)).toBe(0);
        for (let i = 1; i < found.length; i += 1) {
          expect(compareCanonicalLabels(found[i - 1]!.final, found[i]!.final)).toBeLessThanOrEqual(0);
        }
        // What is there before and after was there all the time; of samples, those that are left at the end.
        const after = bench.naive();
        const foundByLabels = new Map<string, Set<string>>();
        for (const { final, samples } of found) {
          const known = foundByLabels.get(textOf(final)) ?? new Set();
          for (const sample of samples) known.add(sample);
          foundByLabels.set(textOf(final), known);
        }
        for (const [key, { labels, samples }] of there) {
          const stayed = new Set(samplesKey(after.get(key)?.samples ?? []));
          for (const sample of samplesKey(samples)) {
            if (!stayed.has(sample)) continue;
            expect(foundByLabels.get(textOf(finalLabels(labels, overlay)))).toContain(sample);
          }
        }
      },
    ),
    { numRuns: 20 },
  );
});

function listSource(list: SelectedSeries[]): SeriesSource {
  return { next: () => list.shift(), close: () => undefined };
}

const manyLabels = (count: number, from = 0): TestLabels[] =>
  Array.from({ length: count }, (_, i) => [
    ['__name__', i % 2 === 0 ? 'even' : 'odd'],
    ['n', String(from + i)],
    ['replica', 'stored'],
  ]);

/** One sample each, in one request. */
function appendAll(head: Head, all: readonly TestLabels[], t: number): void {
  const rows = all.map((labels) => ({ labels, samples: [{ t: BigInt(t), bits: 1n }] }));
  head.append(layOutBatch(rows), 0, { timestampMsMax: Infinity });
}

test('a sample is read as soon as its append has returned', async () => {
  const { head } = new Bench();
  for (let i = 0; i < 5; i += 1) {
    appendAll(head, manyLabels(10, i * 10), start + i);
    expect(await readSource(await head.select(everything()))).toHaveLength((i + 1) * 10);
  }
});

test('only chunks that meet the range are read, whole', async () => {
  const bench = new Bench();
  for (let i = 0; i < 40; i += 1) appendAll(bench.head, [[['a', 'x']]], start + i * 1000);
  const chunksOf = async (query: Partial<HeadSelectionQuery>): Promise<readonly (readonly [number, number])[]> => {
    const [series] = await readSource(await bench.head.select(everything(query)));
    return (series?.chunks ?? []).map(([min, max]) => [min - start, max - start] as const);
  };
  const all = await chunksOf({});
  expect(all.length).toBeGreaterThan(3);
  const [first, second, third] = all;
  expect(await chunksOf({ minTimeMs: start + second![1], maxTimeMs: start + third![0] })).toEqual([second, third]);
  expect(await chunksOf({ maxTimeMs: start - 1 })).toEqual([]);
  expect(await chunksOf({ inOrderFromMs: start + first![1] + 1 })).toEqual(all.slice(1));
  // The open chunk is there as long as its samples are.
  expect(await chunksOf({ minTimeMs: start + 39_000 })).toEqual([all.at(-1)]);
});

test('no more series than the limit are found', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(200), start);
  expect(await readSource(await head.select(everything({ limit: 7 })))).toHaveLength(7);
  expect(await head.labelValues('n', everything({ limit: 7 }))).toHaveLength(7);
  expect(await head.labelNames(everything({ limit: 2 }))).toHaveLength(2);
});

test('nothing is found outside the times of the head', async () => {
  const { head } = new Bench();
  expect(await head.labelNames(everything())).toEqual([]);
  appendAll(head, manyLabels(2), start);
  expect(await head.labelNames(everything({ maxTimeMs: start - 1 }))).toEqual([]);
  expect(await head.labelValues('n', everything({ minTimeMs: start + 1 }))).toEqual([]);
  expect(await head.labelValues('n', everything({ minTimeMs: start }))).toEqual(['0', '1']);
});

test('after a truncation, what is gone has no names and values, and the index is built anew when much has gone', async () => {
  const { head } = new Bench({ shardSeriesMax: 3000 });
  appendAll(head, manyLabels(5000), start);
  appendAll(head, manyLabels(1000, 2_000_000), start + 3 * rangeMs);
  expect(await head.labelValues('n', everything())).toHaveLength(6000);
  const bytes = head.indexBytes;
  while (head.truncate(start + rangeMs, 0));
  expect(head.seriesCount).toBe(1000);
  expect(head.indexBytes).toBeLessThan(bytes / 2);
  expect(await head.labelValues('n', everything())).toHaveLength(1000);
  appendAll(head, manyLabels(10, 3_000_000), start + 3 * rangeMs);
  const found = await readSource(await head.select(everything({ matchers: [compileMatcher('=', '__name__', 'odd')] })));
  expect(found).toHaveLength(505);
});

test('a first read in the middle of a truncation finds what is left', async () => {
  const { head } = new Bench({ shardSeriesMax: 100_000 });
  appendAll(head, manyLabels(4000), start);
  appendAll(head, manyLabels(4000, 2_000_000), start + 3 * rangeMs);
  expect(head.truncate(start + rangeMs, 0)).toBe(true);
  let turns = 0;
  let more = true;
  const pace = restless(() => {
    turns += 1;
    if (turns % 3 === 0) more = head.truncate(start + rangeMs, 0);
  });
  const values = await head.labelValues('n', everything({ pace }));
  while (more) more = head.truncate(start + rangeMs, 0);
  const found = new Set(values);
  const left = await head.labelValues('n', everything());
  expect(left).toHaveLength(4000);
  expect(left.filter((value) => !found.has(value))).toEqual([]);
});

test('an index that nobody has read since the last truncation goes with the next', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(100), start);
  appendAll(head, manyLabels(100), start + 3 * rangeMs);
  await head.labelNames(everything());
  while (head.truncate(start + rangeMs, 0));
  expect(head.indexBytes).toBeGreaterThan(0);
  while (head.truncate(start + 2 * rangeMs, 0));
  while (head.truncate(start + 3 * rangeMs, 0));
  expect(head.indexBytes).toBe(0);
  expect(await head.labelValues('n', everything())).toHaveLength(100);
});

test('a truncation can wait for selections, or end those that read what it removes', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(100), start);
  appendAll(head, manyLabels(50), start + 3 * rangeMs);
  const old = await head.select(everything({ minTimeMs: start }));
  const young = await head.select(everything({ minTimeMs: start + rangeMs }));
  const cut = await head.select(everything({ inOrderFromMs: start + rangeMs }));
  expect(head.openSelections(start + rangeMs)).toBe(1);
  expect(head.openSelections(Infinity)).toBe(3);
  head.abortSelections(start + rangeMs, new Error('too late'));
  while (head.truncate(start + rangeMs, 0));
  expect(() => old.next()).toThrow('too late');
  expect(head.openSelections(start + rangeMs)).toBe(0);
  expect(await readSource(young)).toHaveLength(50);
  expect(await readSource(cut)).toHaveLength(50);
  old.close();
  expect(head.openSelections(Infinity)).toBe(0);
});

test('where a matcher may take long for one value, the clock is looked at after each', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(300), start);
  const asked = async (pattern: string, ask: (query: HeadSelectionQuery) => Promise<unknown>): Promise<number> => {
    let looks = 0;
    const pace = {
      get isDue() {
        looks += 1;
        return false;
      },
      rest: () => Promise.resolve(),
    };
    await ask(everything({ matchers: [compileMatcher('=~', 'n', pattern)], pace }));
    return looks;
  };
  const select = async (query: HeadSelectionQuery): Promise<void> => (await head.select(query)).close();
  await select(everything());
  for (const ask of [select, (query: HeadSelectionQuery) => head.labelValues('n', query)]) {
    expect(await asked('([^x]|x)*', ask)).toBeGreaterThanOrEqual(300);
    expect(await asked('.+', ask)).toBeLessThan(150);
  }
});

test('statistics have a bounded number of rows, whatever is asked for', async () => {
  const { head } = new Bench({ shardSeriesMax: 20_000 });
  appendAll(head, manyLabels(10_100), start);
  const { seriesByPair, valuesByName } = await head.statistics(2 ** 31 - 1, restless());
  expect(seriesByPair).toHaveLength(10_000);
  expect(valuesByName.find(({ name }) => name === 'n')?.value).toBe(10_100);
});

test('files that are gone because their chunks are in a block now end no selection', async () => {
  let isGone = false;
  const sink = new MemorySink();
  const { head } = new Bench({
    chunkSink: sink,
    chunkSource: {
      read: (chunks, into) => {
        if (!isGone) {
          isGone = true;
          const snapshot = head.outOfOrderSnapshot();
          snapshot.drop();
          return Promise.reject(new Error('no such file'));
        }
        chunks.forEach((chunk, index) => void into(index, sink.read(chunk)));
        return Promise.resolve();
      },
    },
  });
  const labels: TestLabels = [['n', 'a']];
  const rows = (times: readonly number[]) =>
    layOutBatch([{ labels, samples: times.map((t) => ({ t: BigInt(t), bits: 1n })) }]);
  head.append(rows([start + 100_000]), 0, { timestampMsMax: Infinity });
  head.append(rows([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => start + n * 10)), 0, { timestampMsMax: Infinity });
  const source = await head.select(everything());
  const found = await readSource(source);
  expect(isGone).toBe(true);
  expect(found).toHaveLength(1);
});

test('those selections can be told from later ones that were open at one moment', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(10), start);
  const earlier = await head.select(everything());
  const opened = head.selectionsOpened;
  const later = await head.select(everything());
  expect([head.openSelections(Infinity, opened), head.openSelections(Infinity)]).toEqual([1, 2]);
  head.abortSelections(Infinity, new Error('too late'), opened);
  expect(() => earlier.next()).toThrow('too late');
  expect(await readSource(later)).toHaveLength(10);
});

test.each([3, 20, 40, 50, 60, 80, 200])(
  'series that go while others are being sorted, after %i turns, change nothing of the order',
  async (turns) => {
    const { head } = new Bench({ shardSeriesMax: 4000 });
    appendAll(head, manyLabels(2000), start);
    appendAll(head, manyLabels(2000, 2_000_000), start + 3 * rangeMs);
    await head.labelNames(everything());
    let left = turns;
    let isTruncated = false;
    const pace = restless(() => {
      left -= 1;
      if (left > 0 || isTruncated) return;
      isTruncated = true;
      while (head.truncate(start + rangeMs, 0));
      // What takes the place of those that have gone is not among them.
      appendAll(head, manyLabels(1500, 4_000_000), start + 3 * rangeMs);
    });
    const overlay = createOverlay([{ name: 'o', value: 'e' }], ['replica']);
    const found = await readSource(await head.select(everything({ pace, overlay })));
    const labels = found.map((series) => series.labels);
    const young = (await readSource(await head.select(everything({ overlay })))).map((series) => series.labels);
    const stayed = young.filter((text) => text.includes('n=2'));
    expect(stayed).toHaveLength(2000);
    expect(isTruncated || labels.length === 4000).toBe(true);
    if (isTruncated) expect(labels).toEqual(stayed);
  },
);

test('a call that is cancelled leaves nothing open', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(300), start);
  for (const turns of [0, 1, 2, 3]) {
    let left = turns;
    const pace = restless(() => {
      if (left === 0) throw new Error('cancelled');
      left -= 1;
    });
    await expect(head.select(everything({ pace }))).rejects.toThrow('cancelled');
    expect(head.openSelections(Infinity)).toBe(0);
  }
  expect(await readSource(await head.select(everything()))).toHaveLength(300);
});

test('deleted samples are not read, nor series that have no others', async () => {
  const { head, sink } = new Bench();
  const source = createHead({ chunkRangeMs: rangeMs, samplesPerChunk: 8 });
  const times = Array.from({ length: 20 }, (_, i) => BigInt(start + i * 1000));
  const rows = ['a', 'b'].map((job) => ({
    labels: [['job', job]] as const,
    samples: times.map((t) => ({ t, bits: 1n })),
  }));
  for (const record of source.append(layOutBatch(rows), 0, { timestampMsMax: Infinity }).records)
    head.replay(record.slice());
  head.replay(
    encodeTombstones([
      { ref: 1, minTimeMs: BigInt(start), maxTimeMs: BigInt(start + 30_000) },
      { ref: 2, minTimeMs: BigInt(start + 5000), maxTimeMs: BigInt(start + 17_500) },
    ]),
  );
  while (head.spill(Infinity));
  expect(sink.chunks.length).toBeGreaterThan(0);
  const found = await readSource(await head.select(everything()));
  expect(found.map(({ labels }) => labels)).toEqual(['job=b']);
  expect(found[0]!.samples.map(({ timestampMs }) => Number(timestampMs) - start)).toEqual([
    0, 1000, 2000, 3000, 4000, 18_000, 19_000,
  ]);
  expect(await readSource(await head.select(everything({ skipChunks: true })))).toHaveLength(1);
});

test('statistics count the series that are there', async () => {
  const { head } = new Bench();
  appendAll(head, manyLabels(31), start);
  appendAll(head, manyLabels(11), start + 3 * rangeMs);
  const pace = restless();
  expect(await head.statistics(2, pace)).toEqual({
    minTimeMs: start,
    maxTimeMs: start + 3 * rangeMs,
    seriesCount: 31,
    labelPairCount: 34,
    seriesByMetric: [
      { name: 'even', value: 16 },
      { name: 'odd', value: 15 },
    ],
    valuesByName: [
      { name: 'n', value: 31 },
      { name: '__name__', value: 2 },
    ],
    bytesByName: [
      { name: 'replica', value: 186 },
      { name: '__name__', value: 109 },
    ],
    seriesByPair: [
      { name: 'replica=stored', value: 31 },
      { name: '__name__=even', value: 16 },
    ],
  });
  while (head.truncate(start + rangeMs, 0));
  const after = await head.statistics(1, pace);
  expect(after).toMatchObject({ seriesCount: 11, labelPairCount: 14, seriesByMetric: [{ name: 'even', value: 6 }] });
  expect((await head.statistics(0, pace)).seriesByPair).toEqual([]);
});

test('exemplars of series that match a selector are found, within the range', async () => {
  const { head } = new Bench({ exemplarsMax: 100 });
  const rows = ['b', 'a', 'c'].map((job, i) => ({
    labels: [['job', job]] as const,
    samples: [{ t: BigInt(start), bits: 1n }],
    exemplars: [0, 1].map((n) => ({
      t: BigInt(start + i * 10 + n),
      bits: BigInt(n),
      labels: [['id', String(n)]] as const,
    })),
  }));
  head.append(layOutBatch(rows), 0, { timestampMsMax: Infinity });
  const ask = async (selectors: LabelMatcher[][], minTimeMs = -Infinity, maxTimeMs = Infinity) =>
    (await head.selectExemplars({ selectors, minTimeMs, maxTimeMs, pace: restless() })).map(({ labels, exemplars }) => [
      textOf(labels),
      exemplars.map(({ timestampMs }) => Number(timestampMs) - start),
    ]);
  const ab = [[compileMatcher('=', 'job', 'a')], [compileMatcher('=~', 'job', 'b|x')]];
  expect(await ask(ab)).toEqual([
    ['job=a', [10, 11]],
    ['job=b', [0, 1]],
  ]);
  expect(await ask(ab, start + 1, start + 10)).toEqual([
    ['job=a', [10]],
    ['job=b', [1]],
  ]);
  expect(await ask([[compileMatcher('!=', 'job', 'a')]], start + 20)).toEqual([['job=c', [20, 21]]]);
  expect(await ask([])).toEqual([]);
});
