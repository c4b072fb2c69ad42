/** A set of ids: a bit each. */
export class IdBits {
  readonly words: Uint32Array;
  readonly #count: number;

  /** @param count ids are below it */
  constructor(count: number) {
    this.#count = count;
    this.words = new Uint32Array(Math.ceil(count / 32));
  }

  /** Adds ids; those that are too large are passed over. */
  add(ids: Uint32Array, length: number): void {
    const { words } = this;
    for (let i = 0; i < length; i += 1) {
      const id = ids[i]!;
      if (id < this.#count) words[id >>> 5]! |= 1 << (id & 31);
    }
  }

  has(id: number): boolean {
    return (this.words[id >>> 5]! & (1 << (id & 31))) !== 0;
  }

  /** Adds all. */
  fill(): void {
    this.words.fill(0xffff_ffff);
    if (this.#count % 32 !== 0) this.words[this.words.length - 1] = (1 << (this.#count % 32)) - 1;
  }

  /** Keeps what the other has, too. */
  intersect(other: IdBits): void {
    for (let i = 0; i < this.words.length; i += 1) this.words[i]! &= other.words[i]!;
  }

  /** Keeps what the other has not. */
  subtract(other: IdBits): void {
    for (let i = 0; i < this.words.length; i += 1) this.words[i]! &= ~other.words[i]!;
  }

  /** How many there are. */
  size(): number {
    let size = 0;
    for (const word of this.words) if (word !== 0) size += ones(word);
    return size;
  }

  /** The ids of one word, appended to `into` from `at` on; returns where they end. */
  idsOf(word: number, into: Uint32Array, at: number): number {
    for (let left = this.words[word]!; left !== 0; left &= left - 1)
      into[at++] = word * 32 + (31 - Math.clz32(left & -left));
    return at;
  }
}

function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
