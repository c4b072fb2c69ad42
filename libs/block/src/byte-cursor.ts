import { BlockCorruptError, type BlockPart } from './corrupt.js';

export interface CursorOrigin {
  readonly part: BlockPart;
  readonly file: string;
  /** Position in the file of the first byte. */
  readonly offset: number;
}

/** Reads integers and strings from front to back. Every step is checked against the end: nothing here trusts the bytes. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #origin: CursorOrigin;
  at = 0;

  constructor(bytes: Uint8Array, origin: CursorOrigin) {
    this.#bytes = bytes;
    this.#origin = origin;
  }

  get isAtEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  get remaining(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.at++]!;
  }

  uint32(): number {
    this.#need(4);
    const bytes = this.#bytes;
    const at = this.at;
    this.at += 4;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** A position or a reference: what lies beyond safe integers is an error. */
  uint64(): number {
    return this.#safe(this.uint32() * 2 ** 32 + this.uint32());
  }

  uvarint(): number {
    const first = this.byte();
    if (first < 128) return first;
    this.at -= 1;
    return this.#safe(Number(this.uvarint64()));
  }

  uvarint64(): bigint {
    const from = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        if (value >> 64n !== 0n) break;
        return value;
      }
    }
    this.at = from;
    throw this.corrupt('integer of more than 64 bits');
  }

  varint64(): bigint {
    const value = this.uvarint64();
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }

  bytes(length: number): Uint8Array {
    this.#need(length);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** Steps over a length and as many bytes. */
  skipString(): void {
    const length = this.uvarint();
    this.#need(length);
    this.at += length;
  }

  /** A length and as many bytes. */
  string(): Uint8Array {
    return this.bytes(this.uvarint());
  }

  corrupt(found: string): BlockCorruptError {
    return new BlockCorruptError(
      this.#origin.part,
      { file: this.#origin.file, offset: this.#origin.offset + this.at },
      found,
    );
  }

  #need(count: number): void {
    if (count > this.remaining) throw this.corrupt(`${count} bytes expected, ${this.remaining} left`);
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw this.corrupt('integer out of range');
    return value;
  }
}
