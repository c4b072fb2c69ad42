import {
  CounterReset,
  validateHistogram,
  staleHistogram,
  type FloatHistogram,
  type IntegerHistogram,
} from './index.js';

const nan = 0x7ff8000000000001n;
const integer: IntegerHistogram = {
  kind: 'integer',
  hint: CounterReset.unknown,
  schema: 0,
  zeroThreshold: 0.001,
  positiveSpans: [{ offset: -2, length: 2 }],
  negativeSpans: [{ offset: 1, length: 1 }],
  customBounds: new Float64Array(0),
  count: 10n,
  zeroCount: 1n,
  sumBits: 0n,
  positive: BigInt64Array.of(2n, 1n), // Counts 2 and 3.
  negative: BigInt64Array.of(4n),
};
const float: FloatHistogram = {
  ...integer,
  kind: 'float',
  count: 0.5, // Nothing ties it to the buckets.
  zeroCount: 1,
  positive: Float64Array.of(2, 3),
  negative: Float64Array.of(4),
};
const custom: IntegerHistogram = {
  ...integer,
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0n,
  count: 5n,
  positiveSpans: [{ offset: 1, length: 2 }],
  negativeSpans: [],
  negative: new BigInt64Array(0),
  customBounds: Float64Array.of(1, 2),
};
const spans = (...pairs: [number, number][]) => pairs.map(([offset, length]) => ({ offset, length }));

test.each([integer, float, custom, staleHistogram('integer'), staleHistogram('float')])(
  'valid histogram %#',
  (histogram) => expect(validateHistogram(histogram)).toBeUndefined(),
);

test.each([
  ['too few buckets', { ...integer, positiveSpans: spans([0, 3]) }, 'positive spans name 3 buckets, but there are 2'],
  ['too many', { ...float, negativeSpans: [] }, 'negative spans name 0 buckets, but there are 1'],
  [
    'spans that go back',
    { ...integer, positiveSpans: spans([0, 1], [-1, 1]) },
    'positive span 2 has a negative offset -1',
  ],
  ['schema 9', { ...integer, schema: 9 }, 'schema 9 is not known'],
  ['schema -5', { ...float, schema: -5 }, 'schema -5 is not known'],
  [
    'bounds it cannot have',
    { ...integer, customBounds: Float64Array.of(1) },
    'schema 0 has no custom bounds, but there are some',
  ],
  ['a count that is too large', { ...integer, count: 11n }, 'its buckets hold 10 observations, but its count is 11'],
  [
    'a count below its buckets, the sum a NaN',
    { ...integer, sumBits: nan, count: 9n },
    'its buckets hold 10 observations, but its count is 9',
  ],
  ['a negative bucket', { ...integer, positive: BigInt64Array.of(2n, -3n) }, 'a positive bucket counts -1'],
  ['a negative float bucket', { ...float, negative: Float64Array.of(-0.5) }, 'a negative bucket counts -0.5'],
  ['a negative count', { ...float, count: -1 }, 'its count is -1'],
  ['a negative zero bucket', { ...float, zeroCount: -1 }, 'its zero bucket counts -1'],
  [
    'custom: bounds that do not rise',
    { ...custom, customBounds: Float64Array.of(2, 2) },
    'custom bound 2 does not exceed the one before',
  ],
  ['custom: a NaN', { ...custom, customBounds: Float64Array.of(NaN, 2) }, 'custom bound 1 is not a number'],
  [
    'custom: +Inf',
    { ...custom, customBounds: Float64Array.of(1, Infinity) },
    'the last custom bound is +Inf, which goes without saying',
  ],
  [
    'custom: more buckets than bounds make',
    { ...custom, positiveSpans: spans([2, 2]) },
    'positive spans reach bucket 4, but 2 custom bounds make 3',
  ],
  [
    'custom: a negative offset',
    { ...custom, positiveSpans: spans([-1, 2]) },
    'a span of a histogram with custom bounds has a negative offset -1',
  ],
  ['custom: a zero bucket', { ...custom, zeroCount: 1n }, 'a histogram with custom bounds has a zero count'],
  ['custom: a threshold', { ...custom, zeroThreshold: 1 }, 'a histogram with custom bounds has a zero threshold'],
  [
    'custom: negative spans',
    { ...custom, negativeSpans: spans([0, 0]) },
    'a histogram with custom bounds has negative buckets',
  ],
] as const)('what is wrong is said: %s', (_, histogram, problem) => {
  expect(validateHistogram(histogram)).toBe(problem);
});

test('observations that are NaN are in the count alone', () => {
  expect(validateHistogram({ ...integer, sumBits: nan, count: 11n })).toBeUndefined();
});
