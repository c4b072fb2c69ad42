import { readUvarint } from '@gauntlet/base';
import { RecordMalformedError } from './wal-error.js';

/** Reads the primitives of spec/tsdb.md 1.1 off a record, from behind its type. */
export class RecordCursor {
  at = 1;
  readonly #bytes: Buffer;

  constructor(record: Uint8Array) {
    this.#bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  }

  get atEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  skip(count: number): void {
    if (!(count <= this.#bytes.length - this.at)) throw malformed(this.#bytes[0], 'it ends within a field');
    this.at += count;
  }

  u8(): number {
    this.skip(1);
    return this.#bytes[this.at - 1] as number;
  }

  u64(): bigint {
    this.skip(8);
    return this.#bytes.readBigUInt64BE(this.at - 8);
  }

  i64(): bigint {
    return BigInt.asIntN(64, this.u64());
  }

  f64(): number {
    this.skip(8);
    return this.#bytes.readDoubleBE(this.at - 8);
  }

  /** That many floats; their bytes are turned around as integers, which leaves every NaN as it is. */
  floats(count: number): Float64Array {
    this.skip(8 * count);
    const bits = new BigUint64Array(count);
    for (let i = 0; i < count; i += 1) bits[i] = this.#bytes.readBigUInt64BE(this.at - 8 * (count - i));
    return new Float64Array(bits.buffer);
  }

  /** A series ref; ours are counted from 1 and stay far below 2^53. */
  ref(ref: bigint = this.u64()): number {
    if (ref < 0n || ref > BigInt(Number.MAX_SAFE_INTEGER))
      throw malformed(this.#bytes[0], `series ref ${ref} is out of range`);
    return Number(ref);
  }

  uvarint(): bigint {
    const value = readUvarint(() => this.u8());
    if (value === undefined) throw malformed(this.#bytes[0], 'a varint is longer than 10 bytes');
    return value;
  }

  svarint(): bigint {
    const zigzag = this.uvarint();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  /** A signed varint as a number: exact up to 2^53, near enough to compare beyond it, and ten times as fast. */
  svarintNear(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw malformed(this.#bytes[0], 'a varint is longer than 10 bytes');
  }

  /** A count or length; each of what it counts takes a byte at least, so it cannot exceed the rest. */
  count(): number {
    const count = this.uvarint();
    if (count > BigInt(this.#bytes.length - this.at))
      throw malformed(this.#bytes[0], `it counts ${count} of something behind its end`);
    return Number(count);
  }

  skipString(): void {
    this.skip(this.count());
  }

  string(): string {
    const length = this.count();
    this.skip(length);
    return this.#bytes.toString('utf8', this.at - length, this.at);
  }

  malformed(problem: string): RecordMalformedError {
    return malformed(this.#bytes[0], problem);
  }

  /** Bytes from `start` up to here. */
  since(start: number): Buffer {
    return this.#bytes.subarray(start, this.at);
  }
}

export function malformed(type: number | undefined, problem: string): RecordMalformedError {
  return new RecordMalformedError(`Cannot decode WAL record of type ${type}: ${problem}`);
}
