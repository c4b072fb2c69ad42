import fc from 'fast-check';
import { decodeChunk, encodeChunks } from '@gauntlet/chunk';
import { canonicalLabels, labelsOf } from '@gauntlet/model';
import { createOverlay, type SelectedChunk } from '@gauntlet/select';
import { collect, sourceOf } from '@gauntlet/select/testing';
import { joinOverlaps, ownChunks, SourceOverlay } from './join-overlaps.js';

const labels = canonicalLabels(labelsOf({ a: '1' }));

function chunkOf(times: readonly number[]): SelectedChunk {
  const [chunk] = encodeChunks(times.map((time) => ({ timestampMs: BigInt(time), bits: BigInt(time) })));
  if (chunk === undefined) throw new Error('there are times');
  const { encoding, data, minTimeMs, maxTimeMs } = chunk;
  return { encoding, data, minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs) };
}

const timesOf = (chunks: readonly SelectedChunk[]): number[] =>
  chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data).map(({ timestampMs }) => Number(timestampMs)));

const runs = fc
  .array(fc.uniqueArray(fc.nat(400), { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 6 })
  .map((all) => all.map((times) => times.sort((a, b) => a - b)).sort((a, b) => a[0]! - b[0]! || a.at(-1)! - b.at(-1)!));

test('whatever overlaps, each time comes once, in order, in chunks of their own', async () => {
  await fc.assert(
    fc.asyncProperty(runs, fc.boolean(), async (given, isAsync) => {
      const series = { labels, chunks: given.map(chunkOf) };
      const source = joinOverlaps(sourceOf([series], { isAsync }));
      const [found] = await collect(source);
      const { chunks } = found!;
      expect(timesOf(chunks)).toEqual([...new Set(given.flat())].sort((a, b) => a - b));
      for (const [index, { minTimeMs, maxTimeMs, data, encoding }] of chunks.entries()) {
        const times = timesOf([{ minTimeMs, maxTimeMs, data, encoding }]);
        expect([minTimeMs, maxTimeMs]).toEqual([times[0], times.at(-1)]);
        if (index > 0) expect(minTimeMs).toBeGreaterThan(chunks[index - 1]!.maxTimeMs);
      }
    }),
  );
});

test('chunks that do not overlap are left alone', async () => {
  const given = [{ labels, chunks: [chunkOf([1, 2]), chunkOf([3, 4])] }];
  expect(await collect(joinOverlaps(sourceOf(given)))).toEqual(given);
});

test('of series that only removed labels told apart, each is joined for itself', async () => {
  const overlay = new SourceOverlay(createOverlay(labelsOf({ tenant_id: 't' }), ['replica']));
  const stored = ['a', 'b', undefined].map((replica) =>
    canonicalLabels(labelsOf({ __name__: 'm', ...(replica === undefined ? {} : { replica }) })),
  );
  const given = [chunkOf([1, 3, 5]), chunkOf([1, 4, 6]), chunkOf([2, 7])];
  const owned: SelectedChunk[] = [];
  for (const [index, chunk] of [...given, chunkOf([2, 4]), chunkOf([2, 5])].entries()) {
    const source = { next: () => ({ labels: overlay.apply(stored[index % 3]!), chunks: [chunk] }), close: () => {} };
    const series = await ownChunks(source, overlay).next();
    expect(series?.labels).toEqual(canonicalLabels(labelsOf({ __name__: 'm', tenant_id: 't' })));
    owned.push(...series!.chunks);
  }
  const byTime = owned.sort((a, b) => a.minTimeMs - b.minTimeMs || a.maxTimeMs - b.maxTimeMs);
  const [found] = await collect(joinOverlaps(sourceOf([{ labels, chunks: byTime }])));
  expect(found!.chunks.map((chunk) => timesOf([chunk]))).toEqual([
    [1, 2, 3, 4, 5],
    [1, 2, 4, 5, 6],
    [2, 7],
  ]);
});
