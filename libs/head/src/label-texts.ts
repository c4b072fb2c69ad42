import { KiB } from '@gauntlet/base';

/** Bytes of label values, in slabs; a text's number is where it begins. */
export class LabelTexts {
  readonly #slabs: Buffer[] = [];
  #used = slabBytes;

  get bytes(): number {
    return this.#slabs.reduce((sum, { length }) => sum + length, 0);
  }

  add(from: Uint8Array, at: number, length: number): number {
    if (this.#used + length > slabBytes) {
      // One that no slab takes has a longer one for itself.
      this.#slabs.push(Buffer.alloc(Math.max(slabBytes, length)));
      this.#used = 0;
    }
    const slab = this.#slabs.length - 1;
    const to = this.#slabs[slab]!;
    for (let i = 0; i < length; i += 1) to[this.#used + i] = from[at + i]!;
    const text = slab * slabBytes + this.#used;
    this.#used += length;
    return text;
  }

  equals(text: number, bytes: Uint8Array, at: number, length: number): boolean {
    const slab = this.#slabs[Math.floor(text / slabBytes)]!;
    const offset = text % slabBytes;
    for (let i = 0; i < length; i += 1) if (slab[offset + i] !== bytes[at + i]) return false;
    return true;
  }

  /** Bytes that are no UTF-8 become replacement characters. */
  text(text: number, length: number): string {
    const offset = text % slabBytes;
    return this.#slabs[Math.floor(text / slabBytes)]!.toString('utf8', offset, offset + length);
  }

  /** A view. */
  view(text: number, length: number): Uint8Array {
    const offset = text % slabBytes;
    return this.#slabs[Math.floor(text / slabBytes)]!.subarray(offset, offset + length);
  }
}

const slabBytes = 64 * KiB;
