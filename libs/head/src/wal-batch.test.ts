import { decodeMarkers, decodeSamples, recordType } from '@gauntlet/wal';
import { floatHistogram, integerHistogram, customHistogram } from './testing/histograms.js';
import { WalBatch } from './wal-batch.js';
import { WblBatch } from './wbl-batch.js';

const none = new Uint8Array(0);
const entry = (
  ref: number,
  histogram = integerHistogram(1) as Parameters<WalBatch['addHistogram']>[0]['histogram'],
) => ({
  ref,
  timestampMs: 1n,
  histogram,
});

test('series come first, then runs with floats before histograms, exemplars last', () => {
  const wal = new WalBatch();
  wal.addExemplar({ ref: 1, timestampMs: 1n, valueBits: 0n, labels: [] });
  wal.addHistogram(entry(1));
  wal.addHistogram(entry(2, floatHistogram(1)));
  wal.addHistogram(entry(3, customHistogram(1)));
  expect([wal.flavourOf(1), wal.flavourOf(2), wal.flavourOf(3), wal.flavourOf(4)]).toEqual([
    'integer',
    'float',
    'custom integer',
    undefined,
  ]);
  wal.endRun(Buffer.of(2, 1));
  expect(wal.flavourOf(1)).toBeUndefined();
  wal.addHistogram(entry(1));
  wal.addSeries(Buffer.of(1));
  wal.endRun(none);
  wal.endRun(Buffer.of(2, 2));
  expect(wal.records().map(recordType)).toEqual([1, 2, 7, 9, 8, 7, 2, 4]);
});

test('what is in the memory of a shard is copied when asked for', () => {
  const wal = new WalBatch();
  const [series, samples] = [Uint8Array.of(1, 5), Uint8Array.of(2, 5)];
  wal.addSeries(series);
  wal.endRun(samples);
  wal.keep();
  series[1] = 6;
  samples[1] = 6;
  expect(wal.records().map((record) => record[1])).toEqual([5, 5]);
});

test('many histograms and exemplars go in records of a few megabytes', () => {
  const wal = new WalBatch();
  for (let i = 0; i < 30_000; i += 1) wal.addHistogram(entry(i));
  for (let i = 0; i < 30_000; i += 1) {
    wal.addExemplar({
      ref: i,
      timestampMs: 1n,
      valueBits: 0n,
      labels: [{ name: 'n'.repeat(60), value: 'v'.repeat(60) }],
    });
  }
  wal.endRun(none);
  const records = wal.records();
  expect(new Set(records.map(recordType))).toEqual(new Set([7, 4]));
  expect(Math.max(...records.map(({ length }) => length))).toBeLessThan(3 * 2 ** 20);
  expect(records.length).toBeLessThan(8);
});

test('a marker lies behind the samples of its series that are in the chunk, and before the others', () => {
  const wbl = new WblBatch();
  const float = (t: number) => ({ timestampMs: BigInt(t), bits: 0n });
  wbl.addSample(1, float(1));
  wbl.addMarker(2, 20n); // Of a series that has no samples here: no new group.
  wbl.addSample(2, float(2));
  wbl.addSample(1, { timestampMs: 3n, histogram: integerHistogram(1) });
  wbl.addMarker(1, 10n);
  wbl.addSample(1, float(4));
  wbl.addSample(2, float(5));
  const records = wbl.records();
  expect(records.map(recordType)).toEqual([5, 2, 7, 5, 2]);
  expect([records[0]!, records[3]!].flatMap(decodeMarkers)).toEqual([
    { ref: 2, chunkRef: 20n },
    { ref: 1, chunkRef: 10n },
  ]);
  expect(
    [records[1]!, records[4]!].map((record) => decodeSamples(record).map(({ timestampMs }) => Number(timestampMs))),
  ).toEqual([
    [1, 2],
    [4, 5],
  ]);
});
