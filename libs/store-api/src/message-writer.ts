/** Bytes of the longest varint. */
const varintBytesMax = 10;

/** Writes protobuf into a buffer of its own, which grows. Fields with the default value are left out, as proto3 has it, except where it says so. */
export class MessageWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(bytes = 256) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written from `start` on. A view: what is written next may overwrite or leave it. */
  view(start = 0): Buffer {
    return this.#bytes.subarray(start, this.#length);
  }

  /** Forgets what came after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** A signed number; what lies beyond int64 becomes the end of its range. */
  int64(field: number, value: number): void {
    if (value === 0) return;
    this.tag(field, 0);
    this.varint64(lowOf(value), highOf(value));
  }

  bool(field: number, value: boolean): void {
    if (value) this.int64(field, 1);
  }

  /** Also the default. */
  double(field: number, bits: bigint): void {
    this.tag(field, 1);
    this.reserve(8);
    this.#length = this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, bits), this.#length);
  }

  /** Also an empty one: an element of a list. */
  string(field: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.tag(field, 2);
    this.varint(length);
    this.reserve(length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Also empty ones: an empty message is not the same as none. */
  bytes(field: number, bytes: Uint8Array): void {
    this.tag(field, 2);
    this.varint(bytes.length);
    this.append(bytes);
  }

  message(field: number, write: (message: MessageWriter) => void): void {
    const message = new MessageWriter();
    write(message);
    this.bytes(field, message.view());
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  append(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length);
    // A call for a few bytes costs more than the bytes.
    if (length > 32) this.#bytes.set(bytes, this.#length);
    else for (let k = 0; k < length; k += 1) this.#bytes[this.#length + k] = bytes[k]!;
    this.#length += length;
  }

  /** A number below 2^53, not negative. */
  varint(value: number): void {
    this.reserve(varintBytesMax);
    for (; value >= 0x80; value = Math.floor(value / 128)) this.#bytes[this.#length++] = (value & 0x7f) | 0x80;
    this.#bytes[this.#length++] = value;
  }

  /** An unsigned number of 64 bits, in halves. */
  varint64(low: number, high: number): void {
    this.reserve(varintBytesMax);
    while (high > 0 || low >= 0x80) {
      this.#bytes[this.#length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#length++] = low;
  }

  /** Makes room for so many bytes. */
  reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** How many bytes `varint64` takes. */
export function varint64Bytes(low: number, high: number): number {
  if (high === 0) return low < 2 ** 7 ? 1 : low < 2 ** 14 ? 2 : low < 2 ** 21 ? 3 : low < 2 ** 28 ? 4 : 5;
  return Math.ceil((64 - Math.clz32(high)) / 7);
}

/** How many bytes a field of type int64 takes, behind a tag of one byte. */
export function int64FieldBytes(value: number): number {
  return value === 0 ? 0 : 1 + varint64Bytes(lowOf(value), highOf(value));
}

/** The halves of a number as int64. */
function lowOf(value: number): number {
  if (value >= 2 ** 63) return 0xffff_ffff;
  // Takes the number modulo 2^32, whatever its size; what is below int64 becomes its end.
  return value < -(2 ** 63) ? 0 : value >>> 0;
}

function highOf(value: number): number {
  if (value >= 2 ** 63) return 0x7fff_ffff;
  if (value < -(2 ** 63)) return 0x8000_0000;
  return Math.floor(value / 2 ** 32) >>> 0;
}
