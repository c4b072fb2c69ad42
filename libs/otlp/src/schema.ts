/**
 * The fields that we read of an ExportMetricsServiceRequest, as the transcoder needs them: by message, and by name in JSON. Numbers
 * and types are those of proto/opentelemetry/metrics.proto.
 */
export interface Field {
  readonly number: number;
  readonly type: ScalarType | EnumType | MessageType;
  readonly repeated: boolean;
}

export type ScalarType =
  | 'string'
  | 'bool'
  | 'double'
  | 'int64'
  | 'uint64'
  | 'fixed64'
  | 'sfixed64'
  | 'sint32'
  | 'uint32'
  | 'bytes'
  /** Bytes that JSON writes in hexadecimal, not in base64. */
  | 'id';

/** An enumeration: its numbers by their names. */
export interface EnumType {
  readonly numbers: ReadonlyMap<string, number>;
}

/** Fields by their names in lowerCamelCase. A function, since values hold values. */
export interface MessageType {
  readonly name: string;
  readonly fields: () => ReadonlyMap<string, Field>;
}

function message(name: string, fields: () => Record<string, Field>): MessageType {
  let read: ReadonlyMap<string, Field> | undefined;
  return { name, fields: () => (read ??= new Map(Object.entries(fields()))) };
}

const one = (number: number, type: Field['type']): Field => ({ number, type, repeated: false });
const many = (number: number, type: Field['type']): Field => ({ number, type, repeated: true });

const temporality: EnumType = {
  numbers: new Map([
    ['AGGREGATION_TEMPORALITY_UNSPECIFIED', 0],
    ['AGGREGATION_TEMPORALITY_DELTA', 1],
    ['AGGREGATION_TEMPORALITY_CUMULATIVE', 2],
  ]),
};

const anyValue: MessageType = message('AnyValue', () => ({
  stringValue: one(1, 'string'),
  boolValue: one(2, 'bool'),
  intValue: one(3, 'int64'),
  doubleValue: one(4, 'double'),
  arrayValue: one(5, arrayValue),
  kvlistValue: one(6, keyValueList),
  bytesValue: one(7, 'bytes'),
}));
const arrayValue: MessageType = message('ArrayValue', () => ({ values: many(1, anyValue) }));
const keyValue: MessageType = message('KeyValue', () => ({ key: one(1, 'string'), value: one(2, anyValue) }));
const keyValueList: MessageType = message('KeyValueList', () => ({ values: many(1, keyValue) }));

const exemplar = message('Exemplar', () => ({
  timeUnixNano: one(2, 'fixed64'),
  asDouble: one(3, 'double'),
  spanId: one(4, 'id'),
  traceId: one(5, 'id'),
  asInt: one(6, 'sfixed64'),
  filteredAttributes: many(7, keyValue),
}));

const numberDataPoint = message('NumberDataPoint', () => ({
  timeUnixNano: one(3, 'fixed64'),
  asDouble: one(4, 'double'),
  exemplars: many(5, exemplar),
  asInt: one(6, 'sfixed64'),
  attributes: many(7, keyValue),
  flags: one(8, 'uint32'),
}));

const histogramDataPoint = message('HistogramDataPoint', () => ({
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  bucketCounts: many(6, 'fixed64'),
  explicitBounds: many(7, 'double'),
  exemplars: many(8, exemplar),
  attributes: many(9, keyValue),
  flags: one(10, 'uint32'),
}));

const buckets = message('ExponentialHistogramDataPoint.Buckets', () => ({
  offset: one(1, 'sint32'),
  bucketCounts: many(2, 'uint64'),
}));

const exponentialHistogramDataPoint = message('ExponentialHistogramDataPoint', () => ({
  attributes: many(1, keyValue),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  scale: one(6, 'sint32'),
  zeroCount: one(7, 'fixed64'),
  positive: one(8, buckets),
  negative: one(9, buckets),
  flags: one(10, 'uint32'),
  exemplars: many(11, exemplar),
}));

const valueAtQuantile = message('SummaryDataPoint.ValueAtQuantile', () => ({
  quantile: one(1, 'double'),
  value: one(2, 'double'),
}));

const summaryDataPoint = message('SummaryDataPoint', () => ({
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  quantileValues: many(6, valueAtQuantile),
  attributes: many(7, keyValue),
  flags: one(8, 'uint32'),
}));

const metric = message('Metric', () => ({
  name: one(1, 'string'),
  unit: one(3, 'string'),
  gauge: one(
    5,
    message('Gauge', () => ({ dataPoints: many(1, numberDataPoint) })),
  ),
  sum: one(
    7,
    message('Sum', () => ({
      dataPoints: many(1, numberDataPoint),
      aggregationTemporality: one(2, temporality),
      isMonotonic: one(3, 'bool'),
    })),
  ),
  histogram: one(
    9,
    message('Histogram', () => ({
      dataPoints: many(1, histogramDataPoint),
      aggregationTemporality: one(2, temporality),
    })),
  ),
  exponentialHistogram: one(
    10,
    message('ExponentialHistogram', () => ({
      dataPoints: many(1, exponentialHistogramDataPoint),
      aggregationTemporality: one(2, temporality),
    })),
  ),
  summary: one(
    11,
    message('Summary', () => ({ dataPoints: many(1, summaryDataPoint) })),
  ),
}));

const resource = message('Resource', () => ({ attributes: many(1, keyValue) }));
const scopeMetrics = message('ScopeMetrics', () => ({ metrics: many(2, metric) }));
const resourceMetrics = message('ResourceMetrics', () => ({
  resource: one(1, resource),
  scopeMetrics: many(2, scopeMetrics),
}));

export const exportRequest = message('ExportMetricsServiceRequest', () => ({
  resourceMetrics: many(1, resourceMetrics),
}));
