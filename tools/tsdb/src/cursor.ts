import { readUvarint } from '@gauntlet/base';
/** Bytes that do not hold what should be there. Thrown by `Cursor` only, and caught by the check that made the cursor. */
export class MalformedError extends Error {
  /** In the file. */
  readonly offset: number;

  constructor(offset: number, found: string) {
    super(found);
    this.offset = offset;
  }
}

/** Reads the primitives of spec/tsdb.md 1.1 from front to back, and never past the end. */
export class Cursor {
  at = 0;
  /** Whether every varint so far had the shortest form, the only one that writers make. */
  isCanonical = true;
  readonly #bytes: Uint8Array;
  readonly #base: number;

  /** @param base position in the file of the first byte */
  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes;
    this.#base = base;
  }

  get position(): number {
    return this.#base + this.at;
  }

  get remaining(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.at++]!;
  }

  uint32(): number {
    return ((this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()) >>> 0;
  }

  /** A position; one beyond 2^53 reads as the nearest number, which lies behind every file's end as well. */
  uint64(): number {
    return this.uint32() * 2 ** 32 + this.uint32();
  }

  /** A length, count or reference. */
  uvarint(): number {
    let value = 0;
    for (let count = 0, scale = 1; count < 10; count += 1, scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte >= 128) continue;
      if (byte === 0 && count > 0) this.isCanonical = false;
      return value;
    }
    throw new MalformedError(this.position, 'a varint is longer than 10 bytes');
  }

  uvarint64(): bigint {
    const value = readUvarint(() => this.byte());
    if (value === undefined) throw new MalformedError(this.position, 'a varint is longer than 10 bytes');
    return value;
  }

  varint64(): bigint {
    const zigzag = this.uvarint64();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  bytes(length: number): Uint8Array {
    this.#need(length);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** A length and as many bytes. */
  string(): Uint8Array {
    return this.bytes(this.uvarint());
  }

  #need(count: number): void {
    if (count > this.remaining)
      throw new MalformedError(this.position, `${count} bytes were expected and ${this.remaining} are left`);
  }
}
