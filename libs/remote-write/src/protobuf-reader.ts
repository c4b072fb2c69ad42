import { readUvarint } from '@gauntlet/base';
import { MessageError } from '@gauntlet/kernel';

/**
 * Reads the fields of one protobuf message as the Go decoders of Prometheus and Thanos do:
 *
 * 1. A varint has at most ten bytes; over-long forms count, and the tenth byte adds only its lowest bit.
 * 2. Field numbers keep their low 32 bits, as signed numbers; what is then not positive is refused.
 * 3. A known field with another wire type is refused; packed fields may also come unpacked.
 * 4. Unknown fields are skipped, groups with all that is in them; the end of a group may carry any number.
 * 5. A singular field that comes again replaces what came before.
 * 6. The last value of a packed field may reach beyond the field, as far as the message goes.
 */
export class ProtobufReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  #fieldAt = 0;
  #wireType = 0;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Bytes that were not read yet. */
  get bytesLeft(): number {
    return this.#end - this.#at;
  }

  /** The number of the next field, whose content is to be read or skipped next; undefined at the end of the message. */
  nextField(): number | undefined {
    if (this.#at === this.#end) return undefined;
    this.#fieldAt = this.#at;
    const tag = this.#varint();
    this.#wireType = Number(tag & 7n);
    const field = Number(BigInt.asIntN(32, tag >> 3n));
    if (this.#wireType === 4) throw this.#malformed('a group ends that was not begun');
    if (field <= 0) throw this.#malformed('a field has an illegal number');
    return field;
  }

  /** Skips the field whose number was read last. */
  skip(): void {
    this.#at = this.#fieldAt;
    let depth = 0;
    do {
      const type = Number(this.#varint() & 7n);
      if (type === 0) this.#varint();
      else if (type === 1) this.#take(8);
      else if (type === 2) this.#take(this.#length());
      else if (type === 3) depth += 1;
      else if (type === 4) depth -= 1;
      else if (type === 5) this.#take(4);
      else throw this.#malformed('a field has the wrong wire type');
      if (depth < 0) throw this.#malformed('a group ends that was not begun');
    } while (depth > 0);
  }

  /** An unsigned number of 64 bits. */
  varint(): bigint {
    this.#expect(0);
    return this.#varint();
  }

  fixed64(): bigint {
    this.#expect(1);
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  /** A copy of a string's or byte string's content. */
  bytes(): Buffer {
    this.#expect(2);
    const length = this.#length();
    const at = this.#take(length);
    return Buffer.from(this.#bytes.subarray(at, at + length));
  }

  message(): ProtobufReader {
    this.#expect(2);
    const length = this.#length();
    const at = this.#take(length);
    return new ProtobufReader(this.#bytes, at, at + length);
  }

  /** The values of a repeated number, of which this field holds one or, packed, any number. */
  varints(): bigint[] {
    return this.#wireType === 2 ? this.#packed(() => this.#varint()) : [this.varint()];
  }

  fixed64s(): bigint[] {
    return this.#wireType === 2 ? this.#packed(() => this.#bytes.readBigUInt64LE(this.#take(8))) : [this.fixed64()];
  }

  #packed(read: () => bigint): bigint[] {
    const length = this.#length();
    const packedEnd = this.#at + length;
    const values: bigint[] = [];
    while (this.#at < packedEnd) values.push(read());
    return values;
  }

  #varint(): bigint {
    const value = readUvarint(() => this.#bytes[this.#take(1)]!);
    if (value === undefined) throw this.#malformed('a varint is longer than ten bytes');
    return value;
  }

  #length(): number {
    const length = this.#varint();
    if (length > BigInt(this.#end - this.#at)) throw this.#malformed('a field is cut short');
    return Number(length);
  }

  /** Moves on by `count` bytes and returns where they start. */
  #take(count: number): number {
    if (count > this.#end - this.#at) throw this.#malformed('a field is cut short');
    this.#at += count;
    return this.#at - count;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw this.#malformed('a field has the wrong wire type');
  }

  #malformed(found: string): MessageError {
    return new MessageError(
      'PROTOBUF_MALFORMED',
      `Cannot decode write request: ${found} at byte ${this.#fieldAt}`,
      this.#fieldAt,
    );
  }
}
