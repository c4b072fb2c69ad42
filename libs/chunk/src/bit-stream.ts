import { readUvarint } from '@gauntlet/base';

/** Bits written most significant first; the last byte is padded with zeros (spec/tsdb.md 1.2). */
export class BitWriter {
  #bytes = new Uint8Array(64);
  #bits = 0;

  get byteLength(): number {
    return (this.#bits + 7) >>> 3;
  }

  /** Appends the low `width` bits (at most 32) of `value`. */
  write(value: number, width: number): void {
    if ((this.#bits + width + 7) >>> 3 > this.#bytes.length) this.#grow();
    for (let left = width; left > 0;) {
      const free = 8 - (this.#bits & 7);
      const take = Math.min(free, left);
      left -= take;
      this.#bytes[this.#bits >>> 3]! |= ((value >>> left) & (0xff >>> (8 - take))) << (free - take);
      this.#bits += take;
    }
  }

  write64(value: bigint, width: number): void {
    if (width > 32) this.write(Number(BigInt.asUintN(32, value >> 32n)), width - 32);
    this.write(Number(BigInt.asUintN(32, value)), Math.min(width, 32));
  }

  /** Base-128 groups, low ones first, at the bit where the stream is. */
  writeVarint(value: bigint): void {
    for (; value >= 0x80n; value >>= 7n) this.write(Number(value & 0x7fn) | 0x80, 8);
    this.write(Number(value), 8);
  }

  writeZigzag(value: bigint): void {
    this.writeVarint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.byteLength);
  }

  /** Sets a big-endian u16 at the start: counts are known at the end only. */
  patchUint16(value: number): void {
    this.#bytes[0] = value >>> 8;
    this.#bytes[1] = value & 0xff;
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Reads such a stream. Past the end it returns zeros and sets `overrun`. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bits: number;
  overrun = false;

  constructor(bytes: Uint8Array, byteOffset: number) {
    this.#bytes = bytes;
    this.#bits = byteOffset * 8;
  }

  /** The byte that the next bit lies in. */
  get byteOffset(): number {
    return this.#bits >>> 3;
  }

  get bitsLeft(): number {
    return this.#bytes.length * 8 - this.#bits;
  }

  /** The next `width` bits, at most 32. */
  read(width: number): number {
    if (width > this.bitsLeft) {
      this.overrun = true;
      this.#bits = this.#bytes.length * 8;
      return 0;
    }
    let value = 0;
    for (let left = width; left > 0;) {
      const free = 8 - (this.#bits & 7);
      const take = Math.min(free, left);
      const bits = (this.#bytes[this.#bits >>> 3]! >>> (free - take)) & (0xff >>> (8 - take));
      // Not shifted: 32 bits would come out negative.
      value = value * 2 ** take + bits;
      this.#bits += take;
      left -= take;
    }
    return value;
  }

  read64(width: number): bigint {
    if (width <= 32) return BigInt(this.read(width));
    const high = BigInt(this.read(width - 32));
    return (high << 32n) | BigInt(this.read(32));
  }

  /** Undefined when there are more than 10 groups. */
  readVarint(): bigint | undefined {
    return readUvarint(() => this.read(8));
  }
}
