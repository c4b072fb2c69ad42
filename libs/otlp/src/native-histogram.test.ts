import fc from 'fast-check';
import { bitsOf } from './double-bits.js';
import { encodeNative, judgeExponential, type Buckets, type ExponentialHistogram } from './native-histogram.js';
import { ProtobufOutput } from './protobuf-output.js';
import { readSeries, type ReadHistogram } from './testing/read-series.js';

const empty: Buckets = { offset: 0, counts: [] };
const plain: ExponentialHistogram = {
  timestampMs: 5,
  isStale: false,
  count: 0n,
  sumBits: 0n,
  scale: 0,
  zeroCount: 0n,
  positive: empty,
  negative: empty,
};

function encodeAndRead(histogram: Partial<ExponentialHistogram>): ReadHistogram {
  const series = new ProtobufOutput();
  series.bytes(4, encodeNative({ ...plain, ...histogram }).view());
  const request = new ProtobufOutput();
  request.bytes(1, series.view());
  return readSeries(request.view())[0]!.histograms[0]!;
}

const layouts: [what: string, scale: number, offset: number, counts: number[], spans: number[][], deltas: number[]][] =
  [
    ['nothing', 0, 0, [], [], []],
    ['one bucket, an index further', 0, 0, [4], [[1, 1]], [4]],
    ['a negative offset', 0, -3, [4, 3], [[-2, 2]], [4, -1]],
    ['two empty buckets, which are written', 0, 0, [1, 0, 0, 2], [[1, 4]], [1, -1, 0, 2]],
    [
      'three empty buckets, which end the span',
      0,
      0,
      [1, 0, 0, 0, 2],
      [
        [1, 1],
        [3, 1],
      ],
      [1, 1],
    ],
    ['empty buckets at the ends', 0, 0, [0, 1, 0], [[1, 3]], [0, 1, -1]],
    [
      'many empty buckets first, after an empty span',
      0,
      0,
      [0, 0, 0, 2],
      [
        [1, 0],
        [3, 1],
      ],
      [2],
    ],
    ['nothing but empty buckets', 0, 0, [0, 0], [[1, 2]], [0, 0]],
    ['the finest resolution', 8, 7, [1, 2], [[8, 2]], [1, 1]],
    ['a finer one, merged in pairs', 9, 0, [1, 2, 3, 4], [[1, 2]], [3, 4]],
    ['a finer one, not aligned', 9, 1, [1, 2, 3], [[1, 2]], [1, 4]],
    ['a finer one below zero', 10, -5, [1, 2, 3, 4, 5], [[-1, 2]], [1, 13]],
    ['a finer one with empty buckets first', 9, 0, [0, 0, 1, 1], [[1, 2]], [0, 2]],
    ['the finest of all', 2147483647, -2, [1, 2, 3, 4], [[0, 2]], [3, 4]],
  ];
test.each(layouts)('buckets: %s', (_what, scale, offset, counts, spans, deltas) => {
  const buckets = { offset, counts: counts.map(BigInt) };
  for (const side of ['positive', 'negative'] as const) {
    const read = encodeAndRead({ scale, [side]: buckets });
    expect(read[`${side}Spans`]).toEqual(spans);
    expect(read[`${side}Deltas`]).toEqual(deltas);
    expect(read.schema).toBe(Math.min(scale, 8));
  }
});

test('a histogram keeps its count, zero count, sum and time, and gives no hint', () => {
  expect(encodeAndRead({ count: 2n ** 64n - 1n, zeroCount: 7n, sumBits: bitsOf(-1.5), scale: -4 })).toMatchObject({
    kind: 'int',
    count: '18446744073709551615',
    zero: '7',
    sum: '-1.5',
    schema: -4,
    zeroThreshold: 1e-128,
    reset: 'unknown',
    t: 5,
  });
});

test('the end of a series is in the sum and the count', () => {
  expect(encodeAndRead({ isStale: true, count: 3n, sumBits: 1n })).toMatchObject({
    count: String(0x7ff0000000000002n),
    sum: 'NaN:0x7ff0000000000002',
  });
});

test.each([
  [{ scale: -5 }, 'a scale of -5 is below -4'],
  [{ scale: -2147483648 }, 'a scale of -2147483648 is below -4'],
  [{ positive: { offset: 2147483646, counts: [1n] } }, 'its buckets reach beyond 32 bits'],
  [{ negative: { offset: 2147483645, counts: [1n] } }, undefined],
  [{ negative: { offset: -2147483648, counts: [1n] } }, undefined],
])('%j: %s', (histogram, reason) => {
  expect(judgeExponential({ ...plain, ...histogram })).toBe(reason);
});

test('each observation lies in the bucket of its merged index, however they are laid out', () => {
  const counts = fc.array(fc.oneof(fc.constant(0n), fc.bigInt(0n, 1000n)), { maxLength: 50 });
  fc.assert(
    fc.property(fc.integer({ min: -4, max: 40 }), fc.integer({ min: -200, max: 200 }), counts, (scale, offset, all) => {
      const read = encodeAndRead({ scale, positive: { offset, counts: all } });
      const expected = new Map<number, bigint>();
      const merged = 2 ** Math.max(scale - 8, 0);
      all.forEach((count, index) => {
        const at = Math.floor((offset + index) / merged) + 1;
        if (count !== 0n) expected.set(at, (expected.get(at) ?? 0n) + count);
      });
      expect(bucketsOf(read.positiveSpans, read.positiveDeltas)).toEqual(expected);
    }),
  );
});

/** What a reader of Prometheus makes of spans and deltas; empty buckets left out. */
function bucketsOf(spans: ReadHistogram['positiveSpans'], deltas: readonly number[]): Map<number, bigint> {
  const buckets = new Map<number, bigint>();
  let [index, count, next] = [0, 0n, 0];
  for (const [offset, length] of spans) {
    index += offset;
    for (let within = 0; within < length; within += 1, index += 1, next += 1) {
      count += BigInt(deltas[next]!);
      if (count !== 0n) buckets.set(index, count);
    }
  }
  return buckets;
}
