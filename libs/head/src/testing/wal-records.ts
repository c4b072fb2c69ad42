/** Decodes WAL records 1 and 2 (spec/tsdb.md 2.4), plainly. */
export function decodeSeriesRecord(
  record: Uint8Array,
): { readonly ref: number; readonly labels: [string, string][] }[] {
  const input = new RecordReader(record);
  const series: { ref: number; labels: [string, string][] }[] = [];
  while (input.more) {
    const ref = Number(input.u64());
    const labels = Array.from({ length: Number(input.uv()) }, (): [string, string] => [input.string(), input.string()]);
    series.push({ ref, labels });
  }
  return series;
}

export function decodeSamplesRecord(record: Uint8Array): [ref: number, t: number, bits: bigint][] {
  const input = new RecordReader(record);
  const samples: [number, number, bigint][] = [];
  const ref = input.u64();
  const t = BigInt.asIntN(64, input.u64());
  while (input.more) samples.push([Number(ref + input.sv()), Number(t + input.sv()), input.u64()]);
  return samples;
}

class RecordReader {
  readonly #record: Buffer;
  #at = 1;

  constructor(record: Uint8Array) {
    this.#record = Buffer.from(record);
  }

  get more(): boolean {
    return this.#at < this.#record.length;
  }

  u64(): bigint {
    this.#at += 8;
    return this.#record.readBigUInt64BE(this.#at - 8);
  }

  uv(): bigint {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = this.#record[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  sv(): bigint {
    const value = this.uv();
    return (value >> 1n) ^ -(value & 1n);
  }

  string(): string {
    const length = Number(this.uv());
    this.#at += length;
    return this.#record.toString('utf8', this.#at - length, this.#at);
  }
}
