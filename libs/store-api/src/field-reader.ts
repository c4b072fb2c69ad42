import { UnreadableMessageError } from '@gauntlet/rpc';

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;
const groupDepthMax = 100;

/**
 * The fields of a protobuf message one after another: `while (fields.next())`, then one of the methods for a field that the message has, or `skip`.
 * Views of the message, which stays as it is.
 * @throws UnreadableMessageError for bytes that are no message
 */
export class FieldReader {
  /** Of the field that `next` came to. */
  number = 0;
  readonly #bytes: Uint8Array;
  #at = 0;
  #wireType = 0;
  /** The varint that was read last, in halves. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): boolean {
    if (this.#at === this.#bytes.length) return false;
    this.#readTag();
    return true;
  }

  /** Unix milliseconds or a count: what numbers do not hold exactly becomes an infinity. */
  int64(): number {
    this.#varintField();
    const value = (this.#high | 0) * 2 ** 32 + this.#low;
    return Number.isSafeInteger(value) ? value : value * Infinity;
  }

  /** An int32 or an enum: the low half, as senders of longer ones mean it. */
  int32(): number {
    this.#varintField();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varintField();
    return (this.#low | this.#high) !== 0;
  }

  bytes(): Uint8Array {
    this.#require(wireTypes.bytes);
    this.#readVarint();
    return this.#take(this.#high === 0 ? this.#low : Infinity);
  }

  /** Bytes that are no UTF-8 become replacement characters. */
  string(): string {
    const { buffer, byteOffset, length } = this.bytes();
    return Buffer.from(buffer as ArrayBuffer, byteOffset, length).toString();
  }

  /** The field is unknown: whatever it holds is passed over. */
  skip(): void {
    this.#skip(0);
  }

  #skip(depth: number): void {
    switch (this.#wireType) {
      case wireTypes.varint:
        return this.#readVarint();
      case wireTypes.fixed64:
        return void this.#take(8);
      case wireTypes.fixed32:
        return void this.#take(4);
      case wireTypes.bytes:
        return void this.bytes();
      case wireTypes.groupStart:
        return this.#skipGroup(depth);
      default:
        throw new UnreadableMessageError(`proto: illegal wireType ${this.#wireType}`);
    }
  }

  #skipGroup(depth: number): void {
    if (depth === groupDepthMax) throw new UnreadableMessageError('proto: groups are nested too deep');
    const group = this.number;
    for (;;) {
      this.#readTag();
      if (this.#wireType === wireTypes.groupEnd) break;
      this.#skip(depth + 1);
    }
    if (this.number !== group) throw new UnreadableMessageError('proto: mismatching end group marker');
  }

  #varintField(): void {
    this.#require(wireTypes.varint);
    this.#readVarint();
  }

  #require(wireType: number): void {
    if (this.#wireType !== wireType)
      throw new UnreadableMessageError(`proto: wrong wireType = ${this.#wireType} for field ${this.number}`);
  }

  #readTag(): void {
    this.#readVarint();
    this.number = this.#low >>> 3;
    this.#wireType = this.#low & 7;
    if (this.number === 0 || this.#high !== 0) throw new UnreadableMessageError('proto: illegal tag');
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new UnreadableMessageError('unexpected EOF');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #readVarint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at === this.#bytes.length) throw new UnreadableMessageError('unexpected EOF');
      const byte = this.#bytes[this.#at]!;
      this.#at += 1;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte >= 0x80) continue;
      this.#low = low >>> 0;
      this.#high = high >>> 0;
      return;
    }
    throw new UnreadableMessageError('proto: integer overflow');
  }
}
