/**
 * Writes the fields of a protobuf message to a buffer that grows. Texts are given as bytes, one to a character (`latin1`).
 * Nothing is left out: who wants no zeros does not write them.
 */
export class ProtobufOutput {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What has been written so far, in place: valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What has been written so far, one byte to a character. */
  latin1(): string {
    return this.#bytes.toString('latin1', 0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  text(field: number, text: string): void {
    this.#tag(field, 2);
    this.#varint(text.length);
    this.raw(text);
  }

  /** Fields that were encoded before. */
  raw(text: string): void {
    this.#room(text.length);
    this.#bytes.write(text, this.#length, 'latin1');
    this.#length += text.length;
  }

  bytes(field: number, content: Uint8Array): void {
    this.#tag(field, 2);
    this.#varint(content.length);
    this.#room(content.length);
    this.#bytes.set(content, this.#length);
    this.#length += content.length;
  }

  /** A label: a message of two texts. */
  label(field: number, name: string, value: string): void {
    const length = fieldLength(name.length) + fieldLength(value.length);
    this.#tag(field, 2);
    this.#varint(length);
    this.text(1, name);
    this.text(2, value);
  }

  /** Any int64; negative ones take ten bytes. */
  varint(field: number, value: number | bigint): void {
    this.#tag(field, 0);
    this.#varint(value);
  }

  zigzag(field: number, value: number | bigint): void {
    this.varint(field, zigzag(BigInt(value)));
  }

  fixed64(field: number, bits: bigint): void {
    this.#tag(field, 1);
    this.packedFixed64(bits);
  }

  /** Content of a packed field that is being written as a message. */
  packedFixed64(bits: bigint): void {
    this.#room(8);
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, bits), this.#length);
    this.#length += 8;
  }

  packedVarint(value: number | bigint): void {
    this.#varint(value);
  }

  packedZigzag(value: bigint): void {
    this.#varint(zigzag(value));
  }

  /** Begins a message or a packed field, whose length takes five bytes whatever it is. Returns what `end` needs. */
  begin(field: number): number {
    this.#tag(field, 2);
    this.#room(5);
    this.#length += 5;
    return this.#length;
  }

  end(start: number): void {
    let rest = this.#length - start;
    for (let at = start - 5; at < start - 1; at += 1) {
      this.#bytes[at] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[start - 1] = rest;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number | bigint): void {
    this.#room(10);
    let rest: number;
    if (typeof value === 'number' && value >= 0) {
      rest = value;
    } else {
      const wrapped = BigInt.asUintN(64, BigInt(value));
      // Seven bits at a time, until what is left is a number.
      let high = Number(wrapped >> 32n);
      let low = Number(wrapped & 0xffff_ffffn);
      for (; high >= 0x20_0000; high >>>= 7) {
        this.#bytes[this.#length] = (low & 0x7f) | 0x80;
        this.#length += 1;
        low = ((low >>> 7) | (high << 25)) >>> 0;
      }
      rest = high * 0x1_0000_0000 + low;
    }
    for (; rest >= 128; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length] = (rest % 128) | 0x80;
      this.#length += 1;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#length + count) * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function fieldLength(contentLength: number): number {
  let lengthBytes = 1;
  for (let rest = contentLength; rest >= 128; rest = Math.floor(rest / 128)) lengthBytes += 1;
  return 1 + lengthBytes + contentLength;
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
