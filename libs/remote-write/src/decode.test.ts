import { decodeSeriesParts, decodeWriteRequest, encodeWriteRequest, type Histogram } from './index.js';

const histogram = (buckets: number, timestampMs: bigint): Histogram => ({
  count: { int: 0n },
  zeroCount: { int: 0n },
  sumBits: 0n,
  schema: 0,
  zeroThresholdBits: 0n,
  resetHint: 0,
  timestampMs,
  positiveSpans: [{ offset: 0, length: buckets }],
  positiveDeltas: Array.from({ length: buckets }, () => 0n),
  positiveCountBits: [],
  negativeSpans: [],
  negativeDeltas: [],
  negativeCountBits: [],
  customValueBits: [],
});

test('a histogram may have more buckets than a call has arguments', () => {
  const body = encodeWriteRequest({ timeseries: [{ labels: [], samples: [], histograms: [histogram(500_000, 1n)] }] });
  expect(decodeWriteRequest(body).timeseries[0]!.histograms[0]!.positiveDeltas).toHaveLength(500_000);
});

test('the parts of a series come one at a time, and those that are too long are not decoded', () => {
  const exemplar = (text: string) => ({
    labels: [[Buffer.from('id'), Buffer.from(text)] as const],
    bits: 1n,
    timestampMs: 5n,
  });
  const series = {
    labels: [['job', 'a'] as const],
    samples: [{ timestampMs: 1, value: 1 }],
    exemplars: [exemplar('x'), exemplar('x'.repeat(100))],
    histograms: [histogram(2, 7n), histogram(1000, 8n), histogram(3, 9n)],
  };
  const body = encodeWriteRequest({ timeseries: [series, series] });
  const partsOf = (limits: { histogramBytesMax: number; exemplarBytesMax: number }) =>
    [...decodeSeriesParts(body, limits)].map((part) => {
      if (part.kind === 'histogram') return part.histogram === 'too long' ? '-' : Number(part.histogram.timestampMs);
      return part.exemplar === 'too long' ? '-' : String(part.exemplar.labels);
    });
  expect(partsOf({ histogramBytesMax: 100, exemplarBytesMax: 0 })).toEqual([7, '-', 9]);
  expect(partsOf({ histogramBytesMax: 0, exemplarBytesMax: 100 })).toEqual(['id,x', '-']);
});
