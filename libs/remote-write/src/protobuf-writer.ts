/** Writes the fields of protobuf messages, in order, to a buffer that grows. Singular fields that are 0 or empty are left out. */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  /** A nested message, whose fields `write` writes. Its length is made of the shortest varint. */
  message(field: number, write: () => void): void {
    this.#tag(field, 2);
    const lengthAt = this.#length;
    this.#room(1);
    this.#length += 1;
    write();
    const length = this.#length - lengthAt - 1;
    const lengthBytes = varintBytes(BigInt(length));
    // One byte was kept free for the length; longer messages move.
    this.#room(lengthBytes.length - 1);
    this.#bytes.copyWithin(lengthAt + lengthBytes.length, lengthAt + 1, this.#length);
    this.#bytes.set(lengthBytes, lengthAt);
    this.#length += lengthBytes.length - 1;
  }

  text(field: number, text: string | Uint8Array, { always = false } = {}): void {
    if (text.length > 0 || always) this.#content(field, typeof text === 'string' ? Buffer.from(text) : text);
  }

  /** Negative numbers take ten bytes, as two's complement. */
  varint(field: number, value: bigint, { always = false } = {}): void {
    if (value === 0n && !always) return;
    this.#tag(field, 0);
    this.#append(varintBytes(value));
  }

  fixed64(field: number, bits: bigint, { always = false } = {}): void {
    if (bits === 0n && !always) return;
    this.#tag(field, 1);
    this.#room(8);
    this.#bytes.writeBigUInt64LE(bits, this.#length);
    this.#length += 8;
  }

  packedVarints(field: number, values: readonly bigint[]): void {
    if (values.length > 0) this.#content(field, Buffer.concat(values.map(varintBytes)));
  }

  packedFixed64(field: number, values: readonly bigint[]): void {
    if (values.length === 0) return;
    const content = Buffer.alloc(values.length * 8);
    values.forEach((bits, index) => content.writeBigUInt64LE(bits, index * 8));
    this.#content(field, content);
  }

  /** What has been written, as a buffer of its own. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #tag(field: number, wireType: number): void {
    this.#append(varintBytes(BigInt(field * 8 + wireType)));
  }

  #content(field: number, content: Uint8Array): void {
    this.#tag(field, 2);
    this.#append(varintBytes(BigInt(content.length)));
    this.#append(content);
  }

  #append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#length + count) * 2);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function varintBytes(value: bigint): Uint8Array {
  if (value >= 0n && value < 128n) return Uint8Array.of(Number(value));
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
