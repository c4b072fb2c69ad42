import { KiB } from '@gauntlet/base';
import type { ByteSource } from './byte-source.js';
import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';

const headBytes = 8;
const sumBytes = 4;

/** Takes a list or a part of one: `refs[0, length)`. A whole list may be kept; the array of a part is used again for the next one. */
export type ListTaker = (refs: Uint32Array, length: number, isWhole: boolean) => void;

/**
 * Reads postings lists: those that follow each other in the file come from one read. Lists are verified; one that is longer than a window is handed out
 * in parts, and an error behind some of them makes them void.
 */
export class PostingsReader {
  readonly #source: ByteSource;
  readonly #readAhead: number;
  #window: Uint8Array = new Uint8Array();
  #from = 0;
  /** Where the last list ended: whoever goes on there reads ahead. */
  #lastEnd = -1;

  /** @param readAhead bytes to be read at once for those who walk from list to list */
  constructor(source: ByteSource, readAhead = 64 * KiB) {
    this.#source = source;
    this.#readAhead = readAhead;
  }

  /** References of the list at `offset`, ascending, part by part. A promise only where the file has to be read. */
  read(offset: number, take: ListTaker): Promise<void> | undefined {
    const held = this.#held(offset);
    if (held < 0) return this.#readLater(offset, take);
    this.#take(offset, held, take);
    return undefined;
  }

  /** The bytes of the whole list when they are in the window, else -1. */
  #held(offset: number): number {
    const at = offset - this.#from;
    if (at < 0 || at + headBytes > this.#window.length) return -1;
    const bytes = 4 + uint32At(this.#window, at) + sumBytes;
    return at + bytes > this.#window.length ? -1 : bytes;
  }

  async #readLater(offset: number, take: ListTaker): Promise<void> {
    const file = this.#source.name;
    const left = this.#source.size - offset;
    if (left < headBytes + sumBytes)
      throw new BlockCorruptError('INDEX', { file, offset }, 'section lies outside the file');
    const isNext = offset >= this.#lastEnd && offset - this.#lastEnd < 4 * KiB;
    this.#window = await this.#source.read(offset, Math.min(left, isNext ? this.#readAhead : KiB));
    this.#from = offset;
    const length = uint32At(this.#window, 0);
    const bytes = 4 + length + sumBytes;
    if (bytes > left)
      throw new BlockCorruptError(
        'INDEX',
        { file, offset },
        `section of ${length} bytes reaches past the end of the file`,
      );
    if (bytes > this.#window.length && bytes <= Math.max(this.#readAhead, 64 * KiB))
      this.#window = await this.#source.read(offset, bytes);
    if (bytes <= this.#window.length) this.#take(offset, bytes, take);
    else await this.#readParts(offset, take);
  }

  #take(offset: number, bytes: number, take: ListTaker): void {
    const at = offset - this.#from;
    const count = this.#count(offset, uint32At(this.#window, at), uint32At(this.#window, at + 4));
    const end = at + bytes - sumBytes;
    if (crc32c(this.#window, 0, at + 4, end) !== uint32At(this.#window, end)) throw this.#badSum(offset);
    const refs = new Uint32Array(count);
    this.#decode(this.#window, at + headBytes, refs, count, -1, offset);
    this.#lastEnd = offset + bytes;
    take(refs, count, true);
  }

  async #readParts(offset: number, take: ListTaker): Promise<void> {
    const length = uint32At(this.#window, 0);
    let left = this.#count(offset, length, uint32At(this.#window, 4));
    let sum = crc32c(this.#window, 0, 4, headBytes);
    this.#window = new Uint8Array();
    const refs = new Uint32Array(Math.max(4 * KiB, this.#readAhead / 4));
    let last = -1;
    for (let at = offset + headBytes; left > 0;) {
      const count = Math.min(left, refs.length);
      const bytes = await this.#source.read(at, 4 * count);
      sum = crc32c(bytes, sum);
      last = this.#decode(bytes, 0, refs, count, last, offset);
      take(refs, count, false);
      at += 4 * count;
      left -= count;
    }
    const stored = await this.#source.read(offset + 4 + length, sumBytes);
    if (uint32At(stored, 0) !== sum) throw this.#badSum(offset);
  }

  #decode(bytes: Uint8Array, at: number, refs: Uint32Array, count: number, last: number, offset: number): number {
    for (let index = 0; index < count; index += 1, at += 4) {
      const ref = uint32At(bytes, at);
      if (ref <= last)
        throw new BlockCorruptError('INDEX', { file: this.#source.name, offset }, 'series references do not ascend');
      refs[index] = last = ref;
    }
    return last;
  }

  #count(offset: number, length: number, count: number): number {
    if (length === 4 + 4 * count) return count;
    throw new BlockCorruptError(
      'INDEX',
      { file: this.#source.name, offset },
      `list of ${count} series has ${length - 4} bytes`,
    );
  }

  #badSum(offset: number): BlockCorruptError {
    return new BlockCorruptError('INDEX', { file: this.#source.name, offset: offset + 4 }, 'checksum does not match');
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
