import { createIntake, type ScannedBatch } from '@gauntlet/kernel';
import { encodeWriteRequest, type Histogram, type SeriesInput } from '@gauntlet/remote-write';
import { judgeUnseen } from './judge-unseen.js';

const intake = createIntake({ messageBytesMax: 1 << 24 });
const scan = (...timeseries: SeriesInput[]): ScannedBatch =>
  intake.scan(encodeWriteRequest({ timeseries }), 'identity', { kind: 'prometheus', tenant: 't' });
const labels = [['a', '1']] as const;
const samples = (...times: number[]) => times.map((timestampMs) => ({ timestampMs, value: 1 }));
/** Two buckets with one observation each, and so many that are said to be there. */
const histogram = (timestampMs: number, count = 2n): Histogram => ({
  count: { int: count },
  sumBits: 0n,
  schema: 0,
  zeroThresholdBits: 0n,
  zeroCount: { int: 0n },
  negativeSpans: [],
  negativeDeltas: [],
  negativeCountBits: [],
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveDeltas: [1n, 0n],
  positiveCountBits: [],
  resetHint: 0,
  timestampMs: BigInt(timestampMs),
  customValueBits: [],
});
const exemplar = (timestampMs: number, id = 'x') => ({
  labels: [[Buffer.from('id'), Buffer.from(id)] as const],
  bits: 0n,
  timestampMs: BigInt(timestampMs),
});
const bounds = { minTimeMs: 100, maxTimeMs: 200, takesExemplars: true };

test('items are refused by what can be seen of them, and the others counted', () => {
  const batch = scan(
    { labels, samples: samples(99, 100, 200, 201, 202) },
    { labels: [['a', '']], samples: samples(150) },
    { labels, samples: [], histograms: [histogram(150), histogram(150, 1n), histogram(99), histogram(151)] },
    { labels, samples: samples(150), exemplars: [exemplar(150), exemplar(201), exemplar(150, 'x'.repeat(200))] },
  );
  const { rejections, ...counts } = judgeUnseen(batch, 0, bounds);
  expect([...rejections]).toEqual([
    { series: 0, item: 'sample', first: 0, count: 1, reason: 'outOfBounds' },
    { series: 0, item: 'sample', first: 3, count: 2, reason: 'outOfBounds' },
    { series: 1, item: 'series', first: 0, count: 1, reason: 'emptyLabel' },
    { series: 2, item: 'histogram', first: 1, count: 1, reason: 'invalidHistogram' },
    { series: 2, item: 'histogram', first: 2, count: 1, reason: 'outOfBounds' },
    { series: 3, item: 'exemplar', first: 1, count: 1, reason: 'outOfBounds' },
    { series: 3, item: 'exemplar', first: 2, count: 1, reason: 'exemplarLabels' },
  ]);
  expect(counts).toEqual({ samples: 5, exemplars: 1 });
});

test('exemplars are passed over where none are kept, and where the last sample is refused', () => {
  const batch = scan(
    { labels, samples: samples(150), exemplars: [exemplar(201)] },
    { labels, samples: samples(150, 99), exemplars: [exemplar(150)] },
  );
  expect([...judgeUnseen(batch, 0, { ...bounds, takesExemplars: false }).rejections]).toHaveLength(1);
  const { rejections, exemplars } = judgeUnseen(batch, 0, bounds);
  expect([...rejections].map(({ series, item }) => [series, item])).toEqual([
    [0, 'exemplar'],
    [1, 'sample'],
  ]);
  expect(exemplars).toBe(0);
});
