/** Orders canonical labels (see kernel's batch.ts) name by name and value by value, as bytes; fewer labels first where one begins the other. */
export function compareLabels(a: Uint8Array, b: Uint8Array): number {
  const left = new StringReader(a);
  const right = new StringReader(b);
  while (left.more && right.more) {
    left.enterLabel();
    right.enterLabel();
    for (let part = 0; part < 2; part += 1) {
      const order = Buffer.compare(left.next(), right.next());
      if (order !== 0) return order;
    }
  }
  return Number(left.more) - Number(right.more);
}

class StringReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** Steps over a label's tag and length. */
  enterLabel(): void {
    this.#length();
  }

  next(): Uint8Array {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #length(): number {
    this.#at += 1; // The tag.
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
