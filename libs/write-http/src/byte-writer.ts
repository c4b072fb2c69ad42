/** Bytes one behind the other, in a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(bytesExpected: number) {
    this.#bytes = Buffer.allocUnsafe(bytesExpected);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written. Good until more is. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Leaves room, to be filled by `putBefore`. */
  skip(count: number): void {
    this.#room(count);
    this.#length += count;
  }

  append(source: Uint8Array, from = 0, to = source.length): void {
    const count = to - from;
    this.#room(count);
    const bytes = this.#bytes;
    let at = this.#length;
    // Labels are short, and a loop over them is quicker than a call that copies.
    if (count < 24) for (let next = from; next < to; next += 1) bytes[at++] = source[next]!;
    else bytes.set(source.subarray(from, to), at);
    this.#length += count;
  }

  /** A protobuf tag of one byte, and the length of what follows. */
  prefix(tag: number, length: number): void {
    this.#room(1 + varintBytesMax);
    this.#bytes[this.#length] = tag;
    this.#length += 1 + putVarint(this.#bytes, this.#length + 1, length);
  }

  /** The same, so that it ends at a place that was skipped. @returns where it begins */
  prefixBefore(end: number, tag: number, length: number): number {
    const at = end - 1 - varintBytes(length);
    this.#bytes[at] = tag;
    putVarint(this.#bytes, at + 1, length);
    return at;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#length + count) * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Of lengths below 2^35. */
const varintBytesMax = 5;
/** What a tag of one byte and a length take at most. */
export const prefixBytesMax = 1 + varintBytesMax;

export function varintBytes(value: number): number {
  let bytes = 1;
  for (; value >= 128; value = Math.floor(value / 128)) bytes += 1;
  return bytes;
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  const start = at;
  for (; value >= 128; value = Math.floor(value / 128)) bytes[at++] = (value % 128) | 128;
  bytes[at++] = value;
  return at - start;
}
