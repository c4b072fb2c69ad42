/** One series of a remote write 1.0 body. Labels must be sorted by name already: receivers refuse others. */
export interface WireSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly WireSample[];
}
export interface WireSample {
  readonly timestampMs: number;
  readonly value: number;
  /** Writes the NaN that ends a series. A flag, since a JS number can lose the bits that make it one. */
  readonly stale?: boolean;
}

/**
 * Encodes `prometheus.WriteRequest` by hand, uncompressed.
 *
 *   WriteRequest { repeated TimeSeries timeseries = 1 }
 *   TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2 }
 *   Label        { string name = 1; string value = 2 }
 *   Sample       { double value = 1; int64 timestamp = 2 }
 */
export function encodeWriteRequest(series: readonly WireSeries[]): Buffer {
  return Buffer.concat(series.map((one) => field(0x0a, encodeSeries(one))));
}

function encodeSeries({ labels, samples }: WireSeries): Buffer {
  return Buffer.concat([
    ...labels.map(([name, value]) => field(0x0a, Buffer.concat([field(0x0a, Buffer.from(name)), field(0x12, Buffer.from(value))]))),
    ...samples.map((sample) => field(0x12, encodeSample(sample))),
  ]);
}

function encodeSample({ timestampMs, value, stale }: WireSample): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0x09;
  if (stale) bytes.writeBigUInt64LE(staleNaNBits, 1);
  else bytes.writeDoubleLE(value, 1);
  return Buffer.concat([bytes, Buffer.from([0x10]), varint(BigInt.asUintN(64, BigInt(timestampMs)))]);
}

const staleNaNBits = 0x7ff0000000000002n;

function field(tag: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), varint(BigInt(payload.length)), payload]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) {
      bytes.push(Number(rest));
      return Buffer.from(bytes);
    }
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
