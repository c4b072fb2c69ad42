import { KiB } from '@gauntlet/base';
import { grown } from './grown.js';

/**
 * Many ascending lists of series ids, most of them short or dense. A list of one is its number alone. A longer one is a chain of blocks of
 * 16 to 1,024 bytes, each twice as long as the one before
 *
 *    0  u32  next block; 0 for none
 *    4  u32  first id
 *    8  u16  where its bytes end
 *   10  u16  where the block ends
 *   12       for each id that follows, what is added to the one before: 7 bits a byte, lowest first, the top bit set in all but the last
 *
 * Blocks lie in slabs of 64 KiB; a block's number is its address there in units of 16 bytes.
 */
const slabBytes = 64 * KiB;
const slabUnits = slabBytes / 16;
const blockBytesMin = 16;
const blockBytesMax = 1024;
const header = 12;

interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
}

export class IdLists {
  readonly #slabs: Slab[] = [];
  /** Where the next block begins; that of number 0 is never used. */
  #free = 1;
  #lists = 0;
  #counts = new Uint32Array(0);
  #lasts = new Uint32Array(0);
  #heads = new Uint32Array(0);
  #tails = new Uint32Array(0);

  /** Adds an empty list; they are numbered from 0 on. */
  create(): number {
    if (this.#lists === this.#counts.length) {
      this.#counts = grown(this.#counts);
      this.#lasts = grown(this.#lasts);
      this.#heads = grown(this.#heads);
      this.#tails = grown(this.#tails);
    }
    this.#lists += 1;
    return this.#lists - 1;
  }

  /** How many ids a list has. */
  count(list: number): number {
    return this.#counts[list]!;
  }

  get bytes(): number {
    return this.#slabs.reduce((sum, { bytes }) => sum + bytes.length, this.#counts.length * 16);
  }

  /** Adds an id that is larger than all in the list; one that is the largest already is passed over. */
  add(list: number, id: number): void {
    const count = this.#counts[list]!;
    const last = this.#lasts[list]!;
    if (count > 0 && last === id) return;
    this.#counts[list] = count + 1;
    this.#lasts[list] = id;
    if (count === 0) return;
    if (count === 1) this.#heads[list] = this.#tails[list] = this.#block(blockBytesMin, last);
    this.#append(list, id, id - last);
  }

  #append(list: number, id: number, delta: number): void {
    const tail = this.#tails[list]!;
    const { bytes, words, halves } = this.#slabs[(tail / slabUnits) | 0]!;
    const at = (tail % slabUnits) * 16;
    let end = halves[(at >> 1) + 4]!;
    const blockEnd = halves[(at >> 1) + 5]!;
    if (end + varintBytes(delta) > blockEnd) {
      const next = this.#block(Math.min(blockBytesMax, blockEnd * 2), id);
      words[at >> 2] = next;
      this.#tails[list] = next;
      return;
    }
    for (; delta >= 0x80; delta >>>= 7) bytes[at + end++] = (delta & 0x7f) | 0x80;
    bytes[at + end++] = delta;
    halves[(at >> 1) + 4] = end;
  }

  #block(length: number, first: number): number {
    if (this.#free + length / 16 > this.#slabs.length * slabUnits) {
      if (this.#slabs.length > 0) this.#free = this.#slabs.length * slabUnits;
      const bytes = new Uint8Array(slabBytes);
      this.#slabs.push({ bytes, words: new Uint32Array(bytes.buffer), halves: new Uint16Array(bytes.buffer) });
    }
    const block = this.#free;
    this.#free += length / 16;
    const { words, halves } = this.#slabs[(block / slabUnits) | 0]!;
    const at = (block % slabUnits) * 16;
    words[(at >> 2) + 1] = first;
    halves[(at >> 1) + 4] = header;
    halves[(at >> 1) + 5] = length;
    return block;
  }

  /** Reads a list piece by piece. */
  reader(): IdListReader {
    return new IdListReader({
      slabs: this.#slabs,
      head: (list) => (this.#counts[list]! > 1 ? this.#heads[list]! : 0),
      only: (list) => (this.#counts[list] === 1 ? this.#lasts[list]! : -1),
    });
  }
}

/** Where the reader looks. */
interface ReadLists {
  readonly slabs: readonly Slab[];
  readonly head: (list: number) => number;
  /** The id of a list of one; -1 for others. */
  readonly only: (list: number) => number;
}

/** Hands out a list in pieces of a thousand ids at most: `open`, then `next` while it is true, each time with `length` ids in `ids`. */
export class IdListReader {
  readonly ids = new Uint32Array(blockBytesMax);
  length = 0;
  readonly #lists: ReadLists;
  #block = 0;
  #only = -1;

  constructor(lists: ReadLists) {
    this.#lists = lists;
  }

  open(list: number): void {
    this.#block = this.#lists.head(list);
    this.#only = this.#lists.only(list);
  }

  next(): boolean {
    if (this.#only >= 0) {
      this.ids[0] = this.#only;
      this.length = 1;
      this.#only = -1;
      return true;
    }
    if (this.#block === 0) return false;
    const { bytes, words, halves } = this.#lists.slabs[(this.#block / slabUnits) | 0]!;
    const at = (this.#block % slabUnits) * 16;
    const end = at + halves[(at >> 1) + 4]!;
    const { ids } = this;
    let id = words[(at >> 2) + 1]!;
    ids[0] = id;
    let n = 1;
    for (let i = at + header; i < end; n += 1) {
      let byte = bytes[i++]!;
      let delta = byte & 0x7f;
      for (let shift = 7; byte >= 0x80; shift += 7) {
        byte = bytes[i++]!;
        delta |= (byte & 0x7f) << shift;
      }
      id += delta;
      ids[n] = id;
    }
    this.length = n;
    this.#block = words[at >> 2]!;
    return true;
  }
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
