/**
 * Walks over the canonical labels of a row (batch.ts of the kernel): for each label 0A len 0A len name 12 len value. One walk serves
 * many rows, and makes no objects.
 */
export class LabelWalk {
  /** Where the label that the walk is at begins and ends, and its name and value. */
  start = 0;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  #labelsEnd = 0;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  enter(from: number, to: number): void {
    this.end = from;
    this.#labelsEnd = to;
  }

  next(): boolean {
    this.start = this.end;
    if (this.start >= this.#labelsEnd) return false;
    this.#at = this.start + 1;
    this.#length();
    this.#at += 1;
    const nameBytes = this.#length();
    this.nameStart = this.#at;
    this.nameEnd = this.nameStart + nameBytes;
    this.#at = this.nameEnd + 1;
    const valueBytes = this.#length();
    this.valueStart = this.#at;
    this.end = this.valueStart + valueBytes;
    return true;
  }

  get isValueEmpty(): boolean {
    return this.valueStart === this.end;
  }

  hasName(name: Uint8Array): boolean {
    if (this.nameEnd - this.nameStart !== name.length) return false;
    for (let at = 0; at < name.length; at += 1) if (this.#bytes[this.nameStart + at] !== name[at]) return false;
    return true;
  }

  #length(): number {
    let byte = this.#bytes[this.#at++]!;
    if (byte < 0x80) return byte;
    let length = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = this.#bytes[this.#at++]!;
      length += (byte & 0x7f) * scale;
    }
    return length;
  }
}
