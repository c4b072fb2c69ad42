/** What a call for series asks: all labels as they are stored, of a range of time that holds everything. */
export interface SeriesQuestion {
  readonly matchers: Readonly<Record<string, string>>;
  readonly range: TimeRange;
  readonly skipChunks?: boolean;
  readonly withoutLabels?: readonly string[];
  /** How many series a message may have; 0 or 1: one. */
  readonly batchSeriesMax?: number;
}

export interface TimeRange {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/*
 * Requests of StoreAPI, written by hand: they are a few fields, and the bytes of the request that both are asked must be the same. Fields are in the
 * order of their numbers, and those with their default are left out, as protobuf encoders do.
 */

/** A `thanos.SeriesRequest` whose matchers are all equalities. */
export function encodeSeriesRequest({
  matchers,
  range: { minTimeMs, maxTimeMs },
  skipChunks = false,
  withoutLabels = [],
  batchSeriesMax = 0,
}: SeriesQuestion): Buffer {
  const equalities = Object.entries(matchers).map(([name, value]) =>
    bytesField(3, Buffer.concat([bytesField(2, Buffer.from(name)), bytesField(3, Buffer.from(value))])),
  );
  return Buffer.concat([
    numberField(1, minTimeMs),
    numberField(2, maxTimeMs),
    ...equalities,
    numberField(8, Number(skipChunks)),
    ...withoutLabels.map((name) => bytesField(14, Buffer.from(name))),
    numberField(16, batchSeriesMax),
  ]);
}

/** A `thanos.LabelNamesRequest` without matchers. */
export function encodeLabelNamesRequest({ minTimeMs, maxTimeMs }: TimeRange): Buffer {
  return Buffer.concat([numberField(3, minTimeMs), numberField(4, maxTimeMs)]);
}

/** A `thanos.LabelValuesRequest` without matchers. */
export function encodeLabelValuesRequest(label: string, { minTimeMs, maxTimeMs }: TimeRange): Buffer {
  return Buffer.concat([bytesField(1, Buffer.from(label)), numberField(4, minTimeMs), numberField(5, maxTimeMs)]);
}

const numberField = (field: number, value: number): Buffer =>
  value === 0 ? Buffer.alloc(0) : Buffer.from([...varint(field << 3), ...varint(value)]);

const bytesField = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(bytes.length)]), bytes]);

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}
