import { OtlpMalformedError, OtlpTooLargeError } from './otlp-error.js';
import { strideBytes } from './steps.js';

/** Nothing that we know of writes groups; one is skipped in one go. */
const groupPartsMax = 262_144;

/**
 * Reads the fields of one protobuf message in place. The rules:
 *
 * 1. A varint has at most ten bytes; over-long forms count, and what is beyond 64 bits is cut off.
 * 2. A known field with another wire type is refused; packed fields may also come unpacked.
 * 3. Unknown fields are skipped, groups with all that is in them, and deep ones without recursion. Groups of very many fields are refused.
 * 4. Strings are bytes, one to a character (`latin1`): they need not be valid UTF-8, and order as bytes do.
 */
export class ProtobufCursor {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  #fieldAt = 0;
  #wireType = 0;
  #strideEnd: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#strideEnd = at + strideBytes;
  }

  get bytesLeft(): number {
    return this.#end - this.#at;
  }

  /** Whether much has been read since this was last true. */
  endsStride(): boolean {
    if (this.#at < this.#strideEnd) return false;
    this.#strideEnd = this.#at + strideBytes;
    return true;
  }

  /** What has not been read yet, one byte to a character. */
  latin1(): string {
    return this.#bytes.toString('latin1', this.#at, this.#end);
  }

  /** The number of the next field, whose content is to be read or skipped next; 0 at the end of the message. */
  nextField(): number {
    if (this.#at === this.#end) return 0;
    this.#fieldAt = this.#at;
    const tag = this.#tag();
    this.#wireType = tag % 8;
    const field = Math.floor(tag / 8);
    if (this.#wireType === 4) throw this.malformed('a group ends that was not begun');
    if (field === 0) throw this.malformed('a field has an illegal number');
    return field;
  }

  /** Skips the content of the field whose number was read last. */
  skip(): void {
    let depth = 0;
    let parts = 0;
    for (let type = this.#wireType; ; type = this.#tag() % 8, parts += 1) {
      if (parts === groupPartsMax) throw new OtlpTooLargeError(`a group has more than ${groupPartsMax} parts`);
      if (type === 0) this.#skipVarint();
      else if (type === 1) this.#take(8);
      else if (type === 2) this.#take(this.#length());
      else if (type === 3) depth += 1;
      else if (type === 4) depth -= 1;
      else if (type === 5) this.#take(4);
      else throw this.malformed('a field has the wrong wire type');
      if (depth === 0) return;
    }
  }

  varint(): bigint {
    this.#expect(0);
    return this.#varint();
  }

  /** A number of 32 bits, of which only the low ones count. */
  uint32(): number {
    return Number(BigInt.asUintN(32, this.varint()));
  }

  /** A zigzag number of 32 bits. */
  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  /** 64 bits as they lie there: a fixed number, or a double. */
  fixed64(): bigint {
    this.#expect(1);
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  /** Unix nanoseconds of 64 bits, which Prometheus takes as a signed number, in milliseconds towards zero. */
  timestampMs(): number {
    this.#expect(1);
    const at = this.#take(8);
    const high = this.#bytes.readUInt32LE(at + 4);
    if (high >= 0x8000_0000) return Number(this.#bytes.readBigInt64LE(at) / 1_000_000n);
    // 2^32 is 4294 million and 967296: all of this stays below 2^53.
    return high * 4294 + Math.floor((high * 967_296 + this.#bytes.readUInt32LE(at)) / 1_000_000);
  }

  double(): number {
    this.#expect(1);
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  text(): string {
    this.#expect(2);
    const length = this.#length();
    const at = this.#take(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  message(): ProtobufCursor {
    this.#expect(2);
    const length = this.#length();
    const at = this.#take(length);
    return new ProtobufCursor(this.#bytes, at, at + length);
  }

  /** The same message from its start, for another pass. Only of cursors that have not been read from. */
  clone(): ProtobufCursor {
    return new ProtobufCursor(this.#bytes, this.#at, this.#end);
  }

  /** Appends the values of this occurrence of a repeated number. Those beyond `countMax` are read and dropped. */
  varints(values: bigint[], countMax: number): void {
    if (this.#wireType !== 2) return keep(values, this.varint(), countMax);
    const packed = this.message();
    while (packed.#at < packed.#end) {
      if (values.length < countMax) values.push(packed.#varint());
      else packed.#skipVarint();
    }
  }

  fixed64s(values: bigint[], countMax: number): void {
    if (this.#wireType !== 2) return keep(values, this.fixed64(), countMax);
    const packed = this.message();
    if ((packed.#end - packed.#at) % 8 !== 0) throw this.malformed('a packed field has part of a number');
    for (; packed.#at < packed.#end && values.length < countMax; packed.#at += 8) {
      values.push(this.#bytes.readBigUInt64LE(packed.#at));
    }
  }

  malformed(found: string): OtlpMalformedError {
    return new OtlpMalformedError(this.#fieldAt, found);
  }

  /** Low 32 bits of a tag. */
  #tag(): number {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 0x80 && this.#at < this.#end) {
      this.#at += 1;
      return byte;
    }
    return Number(BigInt.asUintN(32, this.#varint()));
  }

  #varint(): bigint {
    let low = 0; // The first 49 bits stay exact in a number; few varints are longer.
    let scale = 1;
    for (let count = 0; count < 7; count += 1) {
      const byte = this.#bytes[this.#take(1)]!;
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low);
      scale *= 128;
    }
    // The other bits are gathered apart, in a number as well: loops over bigints in 64 bits have brought V8's optimizer down.
    let high = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.#bytes[this.#take(1)]!;
      high |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, BigInt(low) + (BigInt(high) << 49n));
    }
    throw this.malformed('a varint is longer than ten bytes');
  }

  #skipVarint(): void {
    for (let count = 0; count < 10; count += 1) if (this.#bytes[this.#take(1)]! < 0x80) return;
    throw this.malformed('a varint is longer than ten bytes');
  }

  #length(): number {
    const first = this.#bytes[this.#at];
    let length: number;
    if (first !== undefined && first < 0x80 && this.#at < this.#end) {
      this.#at += 1;
      length = first;
    } else {
      length = Number(this.#varint());
    }
    if (length > this.#end - this.#at) throw this.malformed('a field is cut short');
    return length;
  }

  /** Moves on by `count` bytes and returns where they start. */
  #take(count: number): number {
    if (count > this.#end - this.#at) throw this.malformed('a field is cut short');
    this.#at += count;
    return this.#at - count;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw this.malformed('a field has the wrong wire type');
  }
}

function keep(values: bigint[], value: bigint, countMax: number): void {
  if (values.length < countMax) values.push(value);
}
