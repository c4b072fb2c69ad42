const pageBits = 16;
const pageMask = (1 << pageBits) - 1;

/** A list of unsigned 32-bit numbers in pages, so that growing never copies what is there. */
export class Uint32List {
  readonly #pages: Uint32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    const at = this.#length;
    if ((at & pageMask) === 0) this.#pages.push(new Uint32Array(1 << pageBits));
    this.#pages[at >>> pageBits]![at & pageMask] = value;
    this.#length = at + 1;
  }

  at(index: number): number {
    return this.#pages[index >>> pageBits]![index & pageMask]!;
  }

  toArray(): Uint32Array<ArrayBuffer> {
    const all = new Uint32Array(this.#length);
    for (let page = 0; page << pageBits < this.#length; page += 1) {
      all.set(this.#pages[page]!.subarray(0, this.#length - (page << pageBits)), page << pageBits);
    }
    return all;
  }
}

/** The same numbers in an array of at least `length`, doubled when it must grow. */
export function grownUint32(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(Math.max(length, array.length * 2));
  grown.set(array);
  return grown;
}

export function grownBytes(array: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.max(length, array.length * 2));
  grown.set(array);
  return grown;
}
