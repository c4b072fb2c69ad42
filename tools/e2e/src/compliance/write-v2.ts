/** A remote write 2.0 request to send: one entry per `TimeSeries` message, with the labels in the order given. */
export interface SeriesV2 {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples?: readonly { readonly timestampMs: number; readonly value: FloatInput }[];
  readonly histograms?: readonly (HistogramV2 & { readonly timestampMs: number })[];
  readonly exemplars?: readonly ExemplarV2[];
  readonly metadata?: MetadataV2;
  readonly createdMs?: number;
}
/** A number, or the bits of a double where a number would lose them. */
export type FloatInput = number | bigint;
export interface ExemplarV2 {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: FloatInput;
  readonly timestampMs: number;
}
export interface MetadataV2 {
  readonly type: number;
  readonly help: string;
  readonly unit: string;
}
/** A native histogram of integers. */
export interface HistogramV2 {
  readonly count: number;
  readonly sum: number;
  readonly schema?: number;
  readonly zeroCount?: number;
  readonly positive?: BucketsV2;
  readonly negative?: BucketsV2;
  readonly customValues?: readonly number[];
}
export interface BucketsV2 {
  readonly spans: readonly (readonly [offset: number, length: number])[];
  readonly deltas: readonly number[];
}

/**
 * Encodes `io.prometheus.write.v2.Request` as it stood when the receiver tests were written: the created timestamp is field 6 of a
 * `TimeSeries`, and metadata is always there, if empty.
 *
 * Request:    4 symbols (the first is empty), 5 timeseries
 * TimeSeries: 1 label refs (packed), 2 samples, 3 histograms, 4 exemplars, 5 metadata, 6 created timestamp
 * Sample:     1 value, 2 timestamp
 * Exemplar:   1 label refs (packed), 2 value, 3 timestamp
 * Metadata:   1 type, 3 ref of help, 4 ref of unit
 * Histogram:  1 count, 3 sum, 4 schema, 6 zero count, 8/9 negative spans and deltas, 11/12 positive ones, 15 timestamp, 16 custom values
 */
export function encodeWriteV2(series: readonly SeriesV2[]): Buffer {
  const symbols = new Symbols();
  const messages = series.map((one) => bytesField(5, encodeSeries(one, symbols)));
  return Buffer.concat([...symbols.texts.map((text) => bytesField(4, Buffer.from(text))), ...messages]);
}

class Symbols {
  readonly #refs = new Map([['', 0]]);

  get texts(): string[] {
    return [...this.#refs.keys()];
  }

  ref(text: string): number {
    const known = this.#refs.get(text) ?? this.#refs.size;
    this.#refs.set(text, known);
    return known;
  }

  packed(labels: readonly (readonly [string, string])[]): Buffer {
    return packedVarints(
      1,
      labels.flatMap(([name, value]) => [BigInt(this.ref(name)), BigInt(this.ref(value))]),
    );
  }
}

function encodeSeries(series: SeriesV2, symbols: Symbols): Buffer {
  const { labels, samples = [], histograms = [], exemplars = [], metadata, createdMs } = series;
  return Buffer.concat([
    symbols.packed(labels),
    ...samples.map(({ timestampMs, value }) =>
      bytesField(2, Buffer.concat([double(1, value), varintField(2, BigInt(timestampMs))])),
    ),
    ...histograms.map((histogram) => bytesField(3, encodeHistogram(histogram))),
    ...exemplars.map((exemplar) =>
      bytesField(
        4,
        Buffer.concat([
          symbols.packed(exemplar.labels),
          double(2, exemplar.value),
          varintField(3, BigInt(exemplar.timestampMs)),
        ]),
      ),
    ),
    bytesField(5, metadata === undefined ? Buffer.alloc(0) : encodeMetadata(metadata, symbols)),
    createdMs === undefined ? Buffer.alloc(0) : varintField(6, BigInt(createdMs)),
  ]);
}

const encodeMetadata = ({ type, help, unit }: MetadataV2, symbols: Symbols): Buffer =>
  Buffer.concat([
    varintField(1, BigInt(type)),
    varintField(3, BigInt(symbols.ref(help))),
    varintField(4, BigInt(symbols.ref(unit))),
  ]);

function encodeHistogram(histogram: HistogramV2 & { readonly timestampMs: number }): Buffer {
  const { count, sum, schema = 0, zeroCount, positive, negative, customValues = [], timestampMs } = histogram;
  return Buffer.concat([
    varintField(1, BigInt(count)),
    double(3, sum),
    varintField(4, zigzag(schema)),
    zeroCount === undefined ? Buffer.alloc(0) : varintField(6, BigInt(zeroCount)),
    encodeBuckets(8, negative),
    encodeBuckets(11, positive),
    varintField(15, BigInt(timestampMs)),
    customValues.length === 0 ? Buffer.alloc(0) : bytesField(16, Buffer.concat(customValues.map(doubleBytes))),
  ]);
}

function encodeBuckets(tag: number, buckets: BucketsV2 | undefined): Buffer {
  if (buckets === undefined) return Buffer.alloc(0);
  const spans = buckets.spans.map(([offset, length]) =>
    bytesField(tag, Buffer.concat([varintField(1, zigzag(offset)), varintField(2, BigInt(length))])),
  );
  return Buffer.concat([...spans, packedVarints(tag + 1, buckets.deltas.map(zigzag))]);
}

function bytesField(tag: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt(tag * 8 + 2)), varint(BigInt(bytes.length)), bytes]);
}
const varintField = (tag: number, value: bigint): Buffer => Buffer.concat([varint(BigInt(tag * 8)), varint(value)]);
const packedVarints = (tag: number, values: readonly bigint[]): Buffer =>
  values.length === 0 ? Buffer.alloc(0) : bytesField(tag, Buffer.concat(values.map(varint)));
const double = (tag: number, value: FloatInput): Buffer =>
  Buffer.concat([varint(BigInt(tag * 8 + 1)), doubleBytes(value)]);

function doubleBytes(value: FloatInput): Buffer {
  const bytes = Buffer.alloc(8);
  if (typeof value === 'bigint') bytes.writeBigUInt64LE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}

const zigzag = (value: number): bigint => BigInt(value < 0 ? -2 * value - 1 : 2 * value);

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (value = BigInt.asUintN(64, value); value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(value)]);
}
