/** A finished file, read anywhere. */
export interface ByteSource {
  /** For messages: `index`, `chunks/000001`. */
  readonly name: string;
  readonly size: number;
  /** The `length` bytes from `offset` on, which lie within the size. The caller does not change them. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export class MemorySource implements ByteSource {
  readonly name: string;
  readonly #bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes.subarray(offset, offset + length));
  }
}
