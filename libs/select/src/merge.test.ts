import fc from 'fast-check';
import { canonicalLabels, compareCanonicalLabels, labelsOf } from '@gauntlet/model';
import { limitSource } from './limit-source.js';
import { mergeSources } from './merge.js';
import type { SelectedChunk, SelectedSeries, SeriesSource } from './series-source.js';
import { collect, sourceOf } from './testing/index.js';

const labels = (record: Record<string, string>) => canonicalLabels(labelsOf(record));
const chunk = (minTimeMs: number, ...bytes: number[]): SelectedChunk => ({
  minTimeMs,
  maxTimeMs: minTimeMs + 10,
  encoding: 1,
  data: Uint8Array.from(bytes),
});
const seriesOf = (a: string, ...chunks: SelectedChunk[]): SelectedSeries => ({ labels: labels({ a }), chunks });

test('series of one tenant become one, with their chunks in order and each once', async () => {
  const head = [seriesOf('1', chunk(30, 3), chunk(40, 4)), seriesOf('2', chunk(30, 9))];
  const block = [seriesOf('0', chunk(0, 7)), seriesOf('1', chunk(10, 1), chunk(30, 3), chunk(30, 5))];
  expect(await collect(mergeSources([sourceOf(head), sourceOf(block)], { chunks: 'join' }))).toEqual([
    seriesOf('0', chunk(0, 7)),
    seriesOf('1', chunk(10, 1), chunk(30, 3), chunk(30, 5), chunk(40, 4)),
    seriesOf('2', chunk(30, 9)),
  ]);
});

test('series of different tenants stay apart, next to each other', async () => {
  const sources = [[seriesOf('1', chunk(1, 1)), seriesOf('2')], [seriesOf('1', chunk(1, 1))]].map((all) =>
    sourceOf(all),
  );
  expect(await collect(mergeSources(sources, { chunks: 'apart' }))).toEqual([
    seriesOf('1', chunk(1, 1)),
    seriesOf('1', chunk(1, 1)),
    seriesOf('2'),
  ]);
});

const sorted = fc
  .array(fc.record({ a: fc.constantFrom('', '1', '2', '3'), b: fc.constantFrom('', '1', '2') }), { maxLength: 8 })
  .map((records) => records.map(labels).sort(compareCanonicalLabels));
const sources = fc.array(fc.tuple(sorted, fc.boolean()), { maxLength: 6 });

test('any sources give all their series in order', async () => {
  await fc.assert(
    fc.asyncProperty(sources, async (given) => {
      const all = given.map(([series, isAsync]) =>
        sourceOf(
          series.map((labels) => ({ labels, chunks: [] })),
          { isAsync },
        ),
      );
      const merged = await collect(mergeSources(all, { chunks: 'apart' }));
      const expected = given.flatMap(([series]) => series).sort(compareCanonicalLabels);
      expect(merged.map((series) => series.labels)).toEqual(expected);
      expect(all.every(({ isClosed }) => isClosed)).toBe(true);
    }),
  );
});

/** A source whose views end with its next call, as the contract allows. */
function reusing(series: readonly SelectedSeries[]): SeriesSource {
  const view = new Uint8Array(64);
  let at = 0;
  return {
    next() {
      const { labels: given, chunks } = series[at] ?? { labels: new Uint8Array(), chunks: [] };
      view.fill(0).set(given);
      at += 1;
      return at > series.length ? undefined : { labels: view.subarray(0, given.length), chunks };
    },
    close() {},
  };
}

test('a view is not used after its source has been asked again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sorted, { maxLength: 4 }), async (given) => {
      const all = given.map((series) => reusing(series.map((labels) => ({ labels, chunks: [] }))));
      const merged = await collect(mergeSources(all, { chunks: 'join' }));
      const copies = given.map((series) => sourceOf(series.map((labels) => ({ labels, chunks: [] }))));
      expect(merged).toEqual(await collect(mergeSources(copies, { chunks: 'join' })));
    }),
  );
});

test.each([
  [
    'at once',
    () => {
      throw new Error('disk is gone');
    },
  ],
  ['later', () => Promise.reject(new Error('disk is gone'))],
])('a source that fails %s fails the merge, and all sources are closed', async (_, fail) => {
  const sound = sourceOf([seriesOf('1'), seriesOf('2')]);
  let asked = 0;
  const broken = {
    isClosed: false,
    next: () => ((asked += 1) === 1 ? seriesOf('1') : fail()),
    close() {
      this.isClosed = true;
    },
  };
  const merged = mergeSources([sound, broken], { chunks: 'join' });
  expect(await merged.next()).toEqual(seriesOf('1'));
  await expect((async () => merged.next())()).rejects.toThrow('disk is gone');
  expect([sound.isClosed, broken.isClosed, await merged.next()]).toEqual([true, true, undefined]);
});

test('a merge that is closed while it waits gives nothing more', async () => {
  let resolve: (series: SelectedSeries) => void = () => {};
  const promise = new Promise<SelectedSeries>((resolved) => (resolve = resolved));
  const slow = { next: () => promise, close: () => resolve(seriesOf('1')) };
  const merged = mergeSources([slow, sourceOf([seriesOf('0')])], { chunks: 'apart' });
  const next = merged.next();
  merged.close();
  expect(await next).toBeUndefined();
});

test('a limit ends a source, which is closed', async () => {
  const source = sourceOf([seriesOf('1'), seriesOf('2'), seriesOf('3')]);
  const limited = limitSource(source, 2);
  expect([limited.next(), limited.next(), source.isClosed]).toEqual([seriesOf('1'), seriesOf('2'), false]);
  expect([limited.next(), limited.next(), source.isClosed]).toEqual([undefined, undefined, true]);
  expect(limitSource(source, 0)).toBe(source);
});
