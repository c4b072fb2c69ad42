import { MiB } from '@gauntlet/base';
import type { VfsFile } from '@gauntlet/vfs';

const windowBytes = MiB;
const zeros = Buffer.alloc(64 * 1024);

/** A stretch of a file in memory that moves forward. Holds 1 MiB, or one record when that is longer. */
export class FileWindow {
  readonly #file: VfsFile;
  readonly size: number;
  #buffer = Buffer.alloc(windowBytes);
  /** Position in the file of the buffer's first byte. */
  #from = 0;
  /** Valid until the next `load`. */
  bytes: Buffer = Buffer.alloc(0);

  constructor(file: VfsFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Where a position of the file lies in `bytes`. */
  indexOf(position: number): number {
    return position - this.#from;
  }

  has(position: number, count: number): boolean {
    return position >= this.#from && position + count <= this.#from + this.bytes.length;
  }

  /** Makes `has` true, and reads ahead. False when the file became shorter than it was. */
  async load(position: number, count: number): Promise<boolean> {
    if (this.has(position, count)) return true;
    if (count > this.#buffer.length) this.#buffer = Buffer.alloc(count);
    const wanted = Math.min(this.#buffer.length, this.size - position);
    this.bytes = this.#buffer.subarray(0, 0);
    const length = await this.#file.read(this.#buffer.subarray(0, wanted), position);
    this.bytes = this.#buffer.subarray(0, length);
    this.#from = position;
    return length >= count;
  }

  /** The first byte from `position` on that is not zero; the file's size when all are. */
  async nextNonZero(position: number): Promise<number> {
    for (let at = position; at < this.size; at += zeros.length) {
      const count = Math.min(zeros.length, this.size - at);
      if (!(await this.load(at, count))) return this.size;
      const index = this.indexOf(at);
      const piece = this.bytes.subarray(index, index + count);
      if (!piece.equals(zeros.subarray(0, count))) return at + piece.findIndex((byte) => byte !== 0);
    }
    return this.size;
  }
}
