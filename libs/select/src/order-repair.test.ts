import fc from 'fast-check';
import { canonicalLabels, compareCanonicalLabels, labelsOf } from '@gauntlet/model';
import { repairOrder, type StoredSeriesReader } from './order-repair.js';
import { createOverlay } from './overlay.js';

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const stored = fc
  .array(fc.dictionary(name, fc.constantFrom('1', '2'), { maxKeys: 5 }), { maxLength: 40 })
  .map((records) => [...new Map(records.map((record) => [JSON.stringify(labelsOf(record)), record])).values()])
  .map((records) => records.map((record) => canonicalLabels(labelsOf(record))).sort(compareCanonicalLabels));
const external = fc
  .dictionary(fc.constantFrom('Z', 'aa', 'bb', 'cc', 'ee', 'z'), fc.constantFrom('x', 'y'), { maxKeys: 4 })
  .map(labelsOf);

/** Gives each series in the same buffer, as a reader of an index does. */
function readerOf(
  series: readonly Uint8Array[],
  isAsync: boolean,
): StoredSeriesReader<number> & { readCount: () => number } {
  const view = new Uint8Array(256);
  let at = -1;
  const read = () => {
    at += 1;
    const labels = series[at];
    if (labels === undefined) return undefined;
    view.fill(0).set(labels);
    return { labels: view.subarray(0, labels.length), handle: at };
  };
  return Object.assign(() => (isAsync ? Promise.resolve(read()) : read()), { readCount: () => at });
}

test('series come in the order of their final labels, each with its own handle', async () => {
  await fc.assert(
    fc.asyncProperty(stored, external, fc.boolean(), async (series, added, isAsync) => {
      const overlay = createOverlay(added, []);
      const next = repairOrder(readerOf(series, isAsync), overlay);
      const handles: number[] = [];
      for (let given = await next(); given !== undefined; given = await next()) {
        expect(given.labels).toEqual(series[given.handle]);
        handles.push(given.handle);
      }
      expect(handles).toEqual([...series.keys()].sort((a, b) => overlay.compare(series[a]!, series[b]!)));
    }),
    { numRuns: 400 },
  );
});

test('no more is read ahead than the labels of one series and one beyond', () => {
  fc.assert(
    fc.property(stored, external, (series, added) => {
      const reader = readerOf(series, false);
      const next = repairOrder(reader, createOverlay(added, []));
      for (let given = 1; next() !== undefined; given += 1)
        expect(reader.readCount() + 1 - given).toBeLessThanOrEqual(6);
    }),
  );
});

test('after the end it stays at its end', () => {
  const next = repairOrder(readerOf([canonicalLabels(labelsOf({ a: '1' }))], false), createOverlay([], []));
  expect([next(), next(), next()]).toEqual([expect.objectContaining({ handle: 0 }), undefined, undefined]);
});
