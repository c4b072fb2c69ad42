import fc from 'fast-check';
import { CounterReset, type Histogram, type Span } from '@gauntlet/chunk';

/** How the recordings write a histogram. */
export interface RecordedHistogram {
  readonly kind: 'int' | 'float';
  readonly hint: keyof typeof CounterReset;
  readonly schema: number;
  readonly zeroThreshold: string;
  readonly sum: string;
  readonly count: string;
  readonly zeroCount: string;
  readonly posSpans: readonly (readonly [number, number])[];
  readonly negSpans: readonly (readonly [number, number])[];
  readonly pos: readonly string[];
  readonly neg: readonly string[];
  readonly custom?: readonly string[];
}

const floatsOf = (bits: readonly string[]): Float64Array =>
  new Float64Array(BigUint64Array.from(bits, (hex) => BigInt(`0x${hex}`)).buffer);
const floatOf = (bits: string): number => floatsOf([bits])[0] as number;
const spansOf = (spans: RecordedHistogram['posSpans']): Span[] => spans.map(([offset, length]) => ({ offset, length }));

export function histogramOf(recorded: RecordedHistogram): Histogram {
  const { hint, schema, count, zeroCount, pos, neg } = recorded;
  const shared = {
    hint: CounterReset[hint],
    schema,
    zeroThreshold: floatOf(recorded.zeroThreshold),
    sumBits: BigInt(`0x${recorded.sum}`),
    positiveSpans: spansOf(recorded.posSpans),
    negativeSpans: spansOf(recorded.negSpans),
    customBounds: floatsOf(recorded.custom ?? []),
  };
  if (recorded.kind === 'float') {
    const counts = { count: floatOf(count), zeroCount: floatOf(zeroCount) };
    return { kind: 'float', ...shared, ...counts, positive: floatsOf(pos), negative: floatsOf(neg) };
  }
  const counts = { count: BigInt(count), zeroCount: BigInt(zeroCount) };
  const buckets = { positive: BigInt64Array.from(pos, BigInt), negative: BigInt64Array.from(neg, BigInt) };
  return { kind: 'integer', ...shared, ...counts, ...buckets };
}

const int64s = fc.oneof(fc.bigInt(-300n, 300n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const uint64s = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 64n - 1n));
const floats = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.double());

const sides = fc
  .array(fc.record({ offset: fc.nat(3), length: fc.nat(4) }), { maxLength: 4 })
  .chain((spans) => fc.tuple(fc.constant(spans), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })))
  .map(([spans, first]) => spans.map((span, i) => (i === 0 ? { ...span, offset: first } : span)));

const lengthOf = (spans: readonly Span[]): number => spans.reduce((sum, { length }) => sum + length, 0);

/** Histograms of any content, as long as there is a count for each bucket. */
export const histograms: fc.Arbitrary<Histogram> = fc
  .record({
    hint: fc.constantFrom(...Object.values(CounterReset)),
    schema: fc.constantFrom(-53, -9, -4, 0, 3, 8),
    zeroThreshold: floats,
    sumBits: uint64s,
    positiveSpans: sides,
    negativeSpans: sides,
    bounds: fc.array(floats, { maxLength: 5 }),
    isFloat: fc.boolean(),
  })
  .chain(({ isFloat, bounds, ...scale }) => {
    const customBounds = Float64Array.from(scale.schema === -53 ? bounds : []);
    const sizes = [lengthOf(scale.positiveSpans), lengthOf(scale.negativeSpans)];
    const [positives, negatives] = sizes.map((size) => ({ minLength: size, maxLength: size }));
    return isFloat
      ? fc
          .tuple(floats, floats, fc.array(floats, positives), fc.array(floats, negatives))
          .map(([count, zeroCount, positive, negative]): Histogram => {
            const buckets = { positive: Float64Array.from(positive), negative: Float64Array.from(negative) };
            return { kind: 'float', ...scale, customBounds, count, zeroCount, ...buckets };
          })
      : fc
          .tuple(uint64s, uint64s, fc.array(int64s, positives), fc.array(int64s, negatives))
          .map(([count, zeroCount, positive, negative]): Histogram => {
            const buckets = { positive: BigInt64Array.from(positive), negative: BigInt64Array.from(negative) };
            return { kind: 'integer', ...scale, customBounds, count, zeroCount, ...buckets };
          });
  });
