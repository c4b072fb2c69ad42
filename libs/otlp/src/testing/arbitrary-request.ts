import fc from 'fast-check';

/** A request twice: as OTLP/JSON has it, and with ids in base64, as protobufjs wants them. */
export interface ArbitraryRequest {
  readonly json: object;
  readonly plain: object;
}

const uint64 = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 100n)).map(String);
const double = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .filter((n) => !Object.is(n, -0));
const word = fc.oneof(fc.stringMatching(/^[a-c._]{0,4}$/), fc.string({ unit: 'grapheme', maxLength: 6 }));

const { value } = fc.letrec<{ value: object; pair: object }>((tie) => ({
  pair: fc.record({ key: word, value: tie('value') }),
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ stringValue: word }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String) }),
    fc.record({ doubleValue: double }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('base64')) }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({ kvlistValue: fc.record({ values: fc.array(tie('pair'), { maxLength: 3 }) }) }),
    fc.constant({}),
  ),
}));
const attributes = fc.array(fc.record({ key: word, value }), { maxLength: 3 });

const id = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((content) => Buffer.from(content).toString('hex'));
const number = fc.oneof(
  fc.record({ asDouble: double }),
  fc.record({ asInt: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String) }),
);
const exemplars = fc.array(
  fc
    .tuple(
      fc.record(
        { timeUnixNano: uint64, spanId: id(8), traceId: id(16), filteredAttributes: attributes },
        { requiredKeys: [] },
      ),
      number,
    )
    .map(([exemplar, held]) => ({ ...exemplar, ...held })),
  { maxLength: 2 },
);

const flags = fc.integer({ min: 0, max: 3 });
const common = { attributes, timeUnixNano: uint64, flags };
const optional: { requiredKeys: [] } = { requiredKeys: [] };
const counts = fc.array(uint64, { maxLength: 6 });
const numberPoint = fc
  .tuple(fc.record({ ...common, exemplars }, optional), number)
  .map(([point, held]) => ({ ...point, ...held }));
const histogramPoint = fc.record(
  {
    ...common,
    exemplars,
    count: uint64,
    sum: double,
    bucketCounts: counts,
    explicitBounds: fc.array(double, { maxLength: 5 }),
  },
  optional,
);
const buckets = fc.record({ offset: fc.integer({ min: -1000, max: 1000 }), bucketCounts: counts }, optional);
const exponentialPoint = fc.record(
  {
    ...common,
    exemplars,
    count: uint64,
    sum: double,
    scale: fc.integer({ min: -6, max: 20 }),
    zeroCount: uint64,
    positive: buckets,
    negative: buckets,
  },
  optional,
);
const quantile = fc.record({ quantile: double, value: double });
const summaryPoint = fc.record(
  { ...common, count: uint64, sum: double, quantileValues: fc.array(quantile, { maxLength: 3 }) },
  optional,
);

const points = <T>(point: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(point, { maxLength: 3 });
const aggregationTemporality = fc.oneof({ weight: 4, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: fc.nat(3) });
const data = fc.oneof(
  fc.record({ gauge: fc.record({ dataPoints: points(numberPoint) }) }),
  fc.record({ sum: fc.record({ aggregationTemporality, isMonotonic: fc.boolean(), dataPoints: points(numberPoint) }) }),
  fc.record({ histogram: fc.record({ aggregationTemporality, dataPoints: points(histogramPoint) }) }),
  fc.record({ exponentialHistogram: fc.record({ aggregationTemporality, dataPoints: points(exponentialPoint) }) }),
  fc.record({ summary: fc.record({ dataPoints: points(summaryPoint) }) }),
);
const unit = fc.oneof(fc.constantFrom('', 's', '1', 'By/s', '{x}'), word);
const metric = fc.tuple(fc.record({ name: word, unit }), data).map(([named, held]) => ({ ...named, ...held }));
const serviceKeys = fc.constantFrom('service.name', 'service.namespace', 'service.instance.id', 'a', 'b');
const resource = fc.record({ attributes: fc.array(fc.record({ key: serviceKeys, value }), { maxLength: 5 }) });

export const arbitraryRequest: fc.Arbitrary<ArbitraryRequest> = fc
  .record({
    resourceMetrics: fc.array(
      fc.record({ resource, scopeMetrics: points(fc.record({ metrics: points(metric) })) }, optional),
      { maxLength: 3 },
    ),
  })
  .map((json) => ({ json, plain: withIdsInBase64(json) as object }));

function withIdsInBase64(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIdsInBase64);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'spanId' || key === 'traceId'
        ? Buffer.from(inner as string, 'hex').toString('base64')
        : withIdsInBase64(inner),
    ]),
  );
}
