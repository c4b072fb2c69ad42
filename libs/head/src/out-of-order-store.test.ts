import { decodeChunk, type ChunkSample } from '@gauntlet/chunk';
import { OutOfOrderStore, type LateSamples } from './out-of-order-store.js';
import { integerHistogram } from './testing/histograms.js';
import { MemorySink } from './testing/memory-sink.js';

const float = (t: number, bits = BigInt(t)): ChunkSample => ({ timestampMs: BigInt(t), bits });
const times = (samples: readonly ChunkSample[]) => samples.map(({ timestampMs }) => Number(timestampMs));
const chunkTimes = (late: LateSamples | undefined) =>
  late?.chunks.map((chunk) => times(decodeChunk(chunk.encoding, chunk.data!)));

test('samples lie by time, and the first of a time stays', () => {
  const store = new OutOfOrderStore();
  for (const t of [5, 1, 9, 3]) expect(store.add(1, float(t)).isStored).toBe(true);
  expect(store.add(1, float(3, 77n)).isStored).toBe(false);
  expect(store.sampleCount).toBe(4);
  expect([store.minTimeMs, store.maxTimeMs]).toEqual([1, 9]);
  expect(store.freeze().series.get(1)!.samples).toEqual([float(1), float(3), float(5), float(9)]);
});

test('a full array is encoded when one more comes, a chunk for each type of sample in a row', () => {
  const store = new OutOfOrderStore({ capMax: 4 });
  store.add(1, float(10));
  store.add(1, { timestampMs: 20n, histogram: integerHistogram(1) });
  store.add(1, float(30));
  store.add(1, float(40));
  store.add(1, float(5));
  const late = store.freeze().series.get(1)!;
  expect(late.chunks.map(({ encoding, sampleCount }) => [encoding, sampleCount])).toEqual([
    [1, 1],
    [2, 1],
    [1, 2],
  ]);
  expect(chunkTimes(late)).toEqual([[10], [20], [30, 40]]);
  expect(times(late.samples)).toEqual([5]);
  expect(store.sampleCount).toBe(5);
});

test('with a sink, chunks go there, and the place of the last is told', () => {
  const sink = new MemorySink();
  const store = new OutOfOrderStore({ capMax: 2, sink });
  store.add(1, float(1));
  expect(store.add(1, { timestampMs: 2n, histogram: integerHistogram(1) }).chunk).toBeUndefined();
  expect(store.oldestFile).toBe(Infinity);
  const { chunk } = store.add(1, float(3));
  expect(sink.chunks.map(({ ref, isOutOfOrder, encoding }) => ({ ref, isOutOfOrder, encoding }))).toEqual([
    { ref: 1, isOutOfOrder: true, encoding: 1 },
    { ref: 1, isOutOfOrder: true, encoding: 2 },
  ]);
  expect(chunk).toMatchObject({ file: 1, offset: sink.chunks[1]!.offset });
  expect(store.oldestFile).toBe(1);
});

describe('dropping a round', () => {
  test('leaves what has come since', () => {
    const store = new OutOfOrderStore({ capMax: 2 });
    for (const t of [1, 2, 3]) store.add(1, float(t));
    store.add(2, float(7));
    const { round } = store.freeze();
    store.add(1, float(4));
    expect(store.drop(round)).toEqual([2]);
    expect(store.sampleCount).toBe(1);
    expect([store.minTimeMs, store.maxTimeMs]).toEqual([4, 4]);
    expect(store.has(2)).toBe(false);
  });

  test('drops arrays that were encoded after the snapshot, with what they held then', () => {
    const store = new OutOfOrderStore({ capMax: 2 });
    store.add(1, float(1));
    const first = store.freeze();
    for (const t of [2, 3, 4]) store.add(1, float(t));
    // All that the series has was encoded, since its marker is going to say so.
    expect(chunkTimes(store.freeze().series.get(1))).toEqual([[1], [2, 3]]);
    expect(times(first.series.get(1)!.samples)).toEqual([1]);
    store.drop(first.round);
    const rest = store.freeze().series.get(1);
    expect(chunkTimes(rest)).toEqual([[2, 3]]);
    expect(times(rest!.samples)).toEqual([4]);
    expect(store.sampleCount).toBe(3);
  });

  test('that was never dropped comes with the next', () => {
    const store = new OutOfOrderStore();
    store.add(1, float(2));
    store.freeze();
    store.add(1, float(1));
    store.add(1, float(2, 5n));
    const again = store.freeze();
    expect(again.series.get(1)!.samples).toEqual([float(1), float(2)]);
    expect(store.drop(again.round)).toEqual([1]);
    expect(store.sampleCount).toBe(0);
    expect([store.minTimeMs, store.maxTimeMs, store.oldestFile]).toEqual([Infinity, -Infinity, Infinity]);
  });
});
