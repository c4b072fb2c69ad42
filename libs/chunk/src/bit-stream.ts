/** Bits written most significant first; the last byte is padded with zeros (spec/tsdb.md 1.2). */
export class BitWriter {
  #bytes = new Uint8Array(64);
  #bits = 0;

  get byteLength(): number {
    return (this.#bits + 7) >>> 3;
  }

  /** Appends the low `width` bits (at most 32) of `value`. */
  write(value: number, width: number): void {
    if ((this.#bits + width + 7) >>> 3 > this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    for (let i = width - 1; i >= 0; i -= 1) {
      if ((value >>> i) & 1) this.#bytes[this.#bits >>> 3]! |= 0x80 >>> (this.#bits & 7);
      this.#bits += 1;
    }
  }

  write64(value: bigint, width: number): void {
    if (width > 32) this.write(Number(BigInt.asUintN(32, value >> 32n)), width - 32);
    this.write(Number(BigInt.asUintN(32, value)), Math.min(width, 32));
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.byteLength);
  }

  /** Sets a big-endian u16 at the start: counts are known at the end only. */
  patchUint16(value: number): void {
    this.#bytes[0] = value >>> 8;
    this.#bytes[1] = value & 0xff;
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

  /** The next `width` bits, at most 32. */
  read(width: number): number {
    let value = 0;
    let left = width;
    while (left > 0) {
      const byte = this.#bytes[this.#bits >>> 3];
      if (byte === undefined) {
        this.overrun = true;
        return 0;
      }
      const offset = this.#bits & 7;
      const take = Math.min(8 - offset, left);
      value = value * 2 ** take + ((byte >>> (8 - offset - take)) & ((1 << take) - 1));
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
}
