import fc from 'fast-check';
import { labelsOf, type Labels } from '@gauntlet/model';
import { compileMatcher, createOverlay, type LabelMatcher, type LabelQuery } from '@gauntlet/select';
import { collect, ModelStore, type ModelSeries, restlessPace, stillPace } from '@gauntlet/select/testing';
import { openBlockFiles } from './block-files.js';
import { type BlockReader, openBlockReader } from './block-reader.js';
import { blockDir, floatChunks, memoryBlock } from './testing/lab.js';

const long = process.env['GAUNTLET_LONG'] !== undefined;
if (long) jest.setTimeout(600_000);

const names = ['a', 'b', 'c', 'é', 'job', 'z'];
/** Mostly absent or the same: the labels of one series should often begin those of another. */
const values = ['', '', '', '', '1', '1', '1', '2', '10', 'ä', 'x'.repeat(70)];

const labels = fc
  .array(fc.constantFrom(...values), { minLength: names.length, maxLength: names.length })
  .map((chosen): Labels => labelsOf(Object.fromEntries(names.map((name, index) => [name, chosen[index]!]))))
  .filter(({ length }) => length > 0);

/** Runs of times, each a chunk. */
const runs = fc
  .array(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
  .map((all) => {
    let timeMs = 1_000;
    return all.map((steps) => steps.map((step) => (timeMs += step)));
  });

const series = fc
  .uniqueArray(fc.record({ labels, runs }), {
    minLength: 1,
    maxLength: 40,
    selector: (one) => JSON.stringify(one.labels),
  })
  .map((all): ModelSeries[] =>
    all.map(({ labels: own, runs: times }) => ({ labels: own, chunks: floatChunks(times) })),
  );

const matcher = fc
  .tuple(
    fc.constantFrom('=', '!=', '=~', '!~'),
    fc.constantFrom(...names, 'none'),
    fc.constantFrom('', '1', '2', '1|2', '1.*', '.+', '.*', '|x+', 'ä'),
  )
  .map(([type, name, value]): LabelMatcher => compileMatcher(type, name, value));

const times = fc.oneof(
  fc.constant({ minTimeMs: -Infinity, maxTimeMs: Infinity }),
  fc.record({ minTimeMs: fc.integer({ min: 990, max: 1_300 }), maxTimeMs: fc.integer({ min: 990, max: 1_300 }) }),
);

const overlay = fc
  .record({
    external: fc.dictionary(fc.constantFrom('0', 'a', 'bb', 'job', 'replica', 'zz'), fc.constantFrom('1', 'z'), {
      maxKeys: 3,
    }),
    removed: fc.array(fc.constantFrom('a', 'c', 'job', 'replica', 'z'), { maxLength: 2 }),
  })
  .map(({ external, removed }) => createOverlay(labelsOf(external), removed));

const query = fc
  .record({ matchers: fc.array(matcher, { maxLength: 3 }), times, isRestless: fc.boolean() })
  .map(({ matchers, times: range, isRestless }): LabelQuery => ({
    matchers,
    ...range,
    limit: 0,
    pace: isRestless ? restlessPace : stillPace,
  }));

const budget = fc.record({ windowBytes: fc.constantFrom(1, 300, 5_000), sortBytes: fc.constantFrom(1, 200, 100_000) });

async function opened(all: readonly ModelSeries[]): Promise<BlockReader> {
  const { vfs, meta } = await memoryBlock(all);
  return openBlockReader(await openBlockFiles(vfs, blockDir), meta);
}

/** Equal labels in a row come in any order. */
function sorted<T extends { readonly labels: Uint8Array }>(all: readonly T[]): unknown[] {
  const plain = all.map((one) => ({ ...one, labels: Buffer.from(one.labels).toString('latin1') }));
  const text = (one: unknown): string => JSON.stringify(one);
  return plain.sort((a, b) => (a.labels === b.labels && text(a) < text(b) ? -1 : a.labels === b.labels ? 1 : 0));
}

test('a block answers as a plain list of its series does', async () => {
  await fc.assert(
    fc.asyncProperty(
      series,
      fc.array(fc.record({ query, overlay, budget, skipChunks: fc.boolean() }), { minLength: 1, maxLength: 4 }),
      async (all, questions) => {
        const block = await opened(all);
        const model = new ModelStore(all);
        for (const { query: asked, overlay: laid, budget: held, skipChunks } of questions) {
          const selection = { ...asked, overlay: laid, skipChunks };
          const found = await collect(await block.select(selection, held));
          expect(sorted(found)).toEqual(sorted(await collect(await model.select(selection))));
        }
        await block.close();
      },
    ),
    { numRuns: long ? 5_000 : 150 },
  );
});

test('names and values of labels are those of a plain list of series', async () => {
  await fc.assert(
    fc.asyncProperty(series, fc.array(query, { minLength: 1, maxLength: 6 }), async (all, questions) => {
      const block = await opened(all);
      const model = new ModelStore(all);
      for (const asked of questions) {
        const anyTime = { ...asked, minTimeMs: -Infinity, maxTimeMs: Infinity };
        expect(await block.labelNames(anyTime)).toEqual(await model.labelNames(anyTime));
        for (const name of ['a', 'job', 'none'])
          expect(await block.labelValues(name, anyTime)).toEqual(await model.labelValues(name, anyTime));
      }
      await block.close();
    }),
    { numRuns: long ? 2_000 : 60 },
  );
});

test('with a limit, so many come in order, all of them from the whole answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      series,
      query,
      overlay,
      budget,
      fc.integer({ min: 1, max: 10 }),
      async (all, asked, laid, held, limit) => {
        const block = await opened(all);
        const model = new ModelStore(all);
        const selection = { ...asked, overlay: laid, skipChunks: false };
        const whole = sorted(await collect(await model.select(selection))).map((one) => JSON.stringify(one));
        const found = await collect(await block.select({ ...selection, limit }, held));
        expect(found).toHaveLength(Math.min(limit, whole.length));
        const places = sorted(found).map((one) => whole.indexOf(JSON.stringify(one)));
        expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
        expect(places).not.toContain(-1);

        const anyTime = { ...asked, minTimeMs: -Infinity, maxTimeMs: Infinity };
        for (const ask of [(q: LabelQuery) => block.labelNames(q), (q: LabelQuery) => block.labelValues('a', q)]) {
          const every = await ask(anyTime);
          const some = await ask({ ...anyTime, limit });
          expect(some).toHaveLength(Math.min(limit, every.length));
          expect(every.filter((text) => some.includes(text))).toEqual(some);
        }
        await block.close();
      },
    ),
    { numRuns: long ? 2_000 : 80 },
  );
});

test('series whose labels begin those of others are in the order of their final labels', async () => {
  const stored = ['b', 'd', 'f', 'h'];
  const nested = fc
    .uniqueArray(fc.tuple(...stored.map(() => fc.constantFrom('', '1', '1', '2'))), {
      minLength: 2,
      maxLength: 60,
      selector: String,
    })
    .map((all): ModelSeries[] =>
      all
        .filter((chosen) => chosen.some((value) => value !== ''))
        .map((chosen) => ({
          labels: labelsOf(Object.fromEntries(stored.map((name, index) => [name, chosen[index]!]))),
          chunks: floatChunks([[1_000]]),
        })),
    );
  const between = fc.subarray(['a', 'c', 'e', 'g', 'i'], { minLength: 1 });
  const taken = fc.subarray(stored, { maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(nested, between, taken, budget, async (all, added, removed, held) => {
      fc.pre(all.length > 0);
      const block = await opened(all);
      const model = new ModelStore(all);
      const laid = createOverlay(labelsOf(Object.fromEntries(added.map((name) => [name, 'x']))), removed);
      const selection = {
        matchers: [],
        minTimeMs: 0,
        maxTimeMs: 2_000,
        limit: 0,
        pace: stillPace,
        overlay: laid,
        skipChunks: true,
      };
      expect(sorted(await collect(await block.select(selection, held)))).toEqual(
        sorted(await collect(await model.select(selection))),
      );
      await block.close();
    }),
    { numRuns: long ? 5_000 : 150 },
  );
});
