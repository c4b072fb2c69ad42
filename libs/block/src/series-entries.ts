import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';
import { uvarintAt, uvarintEndWithin } from './fast-varint.js';

/** Of an entry's beginning, so many bytes tell its length. */
export const entryHeadBytes = 5;

/** Bytes of a file, of which `bytes[0]` lies at `offset`. */
export interface FilePiece {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/**
 * How many bytes the series entry at `at` takes, its length and checksum included. More than there are before `end` when it is cut: then at least so many
 * are needed.
 */
export function entryLength({ file, bytes, offset }: FilePiece, at: number, end = bytes.length): number {
  const bodyAt = uvarintEndWithin(bytes, at, Math.min(end, at + entryHeadBytes));
  if (bodyAt >= 0) return bodyAt - at + uvarintAt(bytes, at) + 4;
  if (bodyAt === -1 && end - at < entryHeadBytes) return entryHeadBytes;
  throw new BlockCorruptError('INDEX', { file, offset: offset + at }, 'length of a series entry is out of range');
}

/** Series entries, decoded without an object for each: labels as references of symbols, chunks as numbers. */
export class SeriesDecoder {
  /** Name and value of each label in turn. */
  symbols = new Uint32Array(64);
  labelCount = 0;
  /** First time, last time and reference of each chunk in turn. */
  chunks = new Float64Array(48);
  chunkCount = 0;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;
  #piece: FilePiece | undefined;

  /** Verifies and decodes the entry of `length` bytes at `at`. */
  decode(piece: FilePiece, at: number, length: number): void {
    const { bytes } = piece;
    const bodyAt = uvarintEndWithin(bytes, at, at + length);
    const end = at + length - 4;
    const sum = (bytes[end]! << 24) | (bytes[end + 1]! << 16) | (bytes[end + 2]! << 8) | bytes[end + 3]!;
    this.#piece = piece;
    this.#bytes = bytes;
    this.#at = bodyAt;
    this.#end = end;
    if (sum >>> 0 !== crc32c(bytes, 0, bodyAt, end)) throw this.#corrupt('checksum does not match');
    this.#readLabels();
    this.#readChunks();
  }

  #readLabels(): void {
    const count = this.#count(2);
    if (2 * count > this.symbols.length) this.symbols = new Uint32Array(4 * count);
    const symbols = this.symbols;
    for (let index = 0; index < 2 * count; index += 1) {
      const symbol = this.#uvarint();
      if (symbol >= 2 ** 32) throw this.#corrupt(`there is no symbol ${symbol}`);
      symbols[index] = symbol;
    }
    this.labelCount = count;
  }

  #readChunks(): void {
    const count = this.#count(3);
    if (3 * count > this.chunks.length) this.chunks = new Float64Array(6 * count);
    const chunks = this.chunks;
    let maxTime = 0;
    let ref = 0;
    for (let index = 0; index < count; index += 1) {
      const minTime = index === 0 ? this.#varint() : maxTime + this.#uvarint();
      maxTime = minTime + this.#uvarint();
      ref = index === 0 ? this.#uvarint() : ref + this.#varint();
      if (!Number.isSafeInteger(ref) || ref < 0) throw this.#corrupt('chunk reference out of range');
      chunks[3 * index] = minTime;
      chunks[3 * index + 1] = maxTime;
      chunks[3 * index + 2] = ref;
    }
    this.chunkCount = count;
  }

  /** A number of things that take at least `bytesMin` each. */
  #count(bytesMin: number): number {
    const count = this.#uvarint();
    if (count * bytesMin > this.#end - this.#at)
      throw this.#corrupt(`${count} entries do not fit ${this.#end - this.#at} bytes`);
    return count;
  }

  #uvarint(): number {
    const at = this.#at;
    const first = this.#bytes[at]!;
    if (first < 128 && at < this.#end) {
      this.#at = at + 1;
      return first;
    }
    const end = uvarintEndWithin(this.#bytes, at, this.#end);
    if (end < 0) throw this.#corrupt(end === -1 ? 'series entry is too short' : 'integer of more than 64 bits');
    this.#at = end;
    return uvarintAt(this.#bytes, at);
  }

  /** Zig-zag; beyond 2^53 the nearest number. */
  #varint(): number {
    const from = this.#at;
    const value = this.#uvarint();
    // Odd or even is told by the first byte, also where the number cannot say any more.
    if ((this.#bytes[from]! & 1) === 0) return value / 2;
    return value <= Number.MAX_SAFE_INTEGER ? -(value + 1) / 2 : -value / 2;
  }

  #corrupt(found: string): BlockCorruptError {
    const { file, offset } = this.#piece!;
    return new BlockCorruptError('INDEX', { file, offset: offset + this.#at }, found);
  }
}
