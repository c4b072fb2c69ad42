import { KiB, invariant } from '@gauntlet/base';
import type { HeadChunkPosition } from './head-chunk-error.js';
import { encodeRecord, fileHeader, fileHeaderBytes, recordBytes, type HeadChunkRecord } from './record.js';

const extentBytes = 256 * KiB;
/** Buffers kept for later, per directory: a tenant at rest should cost little. */
const idleBuffersMax = 4;
/** A chunk reference has 32 bits for the offset. */
const offsetMax = 2 ** 32 - 1;

/** A stretch of a file that is in memory only; it begins with the file's header or a record, and ends behind one. */
export interface Extent {
  readonly file: number;
  readonly offset: number;
  readonly buffer: Buffer;
  length: number;
}

/** Lays chunks out in files, in memory, until they are written. */
export class PendingChunks {
  readonly #fileBytesMax: number;
  readonly #idle: Buffer[] = [];
  /** In the order of the files. The first may be under way to the disk. */
  readonly #extents: Extent[] = [];
  #isTaken = false;
  /** Where the next record goes, and 0 at the beginning of a file. */
  #file: number;
  #offset = 0;
  bytes = 0;

  constructor(firstFile: number, fileBytesMax: number) {
    invariant(fileBytesMax <= offsetMax, 'an offset fits its bits in a chunk reference');
    this.#file = firstFile;
    this.#fileBytesMax = fileBytesMax;
  }

  /** Of what is not written; Infinity for nothing. */
  get lowestFile(): number {
    return this.#extents[0]?.file ?? Infinity;
  }

  append(chunk: HeadChunkRecord): HeadChunkPosition {
    const length = recordBytes(chunk.data.length);
    if (this.#offset > 0 && this.#offset + length > this.#fileBytesMax) this.endFile();
    const extent = this.#extentFor(length);
    const before = extent.length;
    if (extent.offset + before === 0) extent.length = fileHeaderBytes;
    if (before === 0 && extent.length > 0) extent.buffer.set(fileHeader);
    const position = { file: this.#file, offset: extent.offset + extent.length };
    extent.length = encodeRecord(chunk, extent.buffer, extent.length);
    this.bytes += extent.length - before;
    this.#offset = extent.offset + extent.length;
    return position;
  }

  /** Lets the next record begin a file, if there is one in this. */
  endFile(): void {
    if (this.#offset === 0) return;
    this.#file += 1;
    this.#offset = 0;
  }

  /** The first extent that is not written; nothing is added to it any more, so that a failed write can be repeated. */
  take(): Extent | undefined {
    this.#isTaken = this.#extents.length > 0;
    return this.#extents[0];
  }

  markWritten(extent: Extent): void {
    invariant(this.#extents[0] === extent, 'extents are written in their order');
    this.#extents.shift();
    this.#isTaken = false;
    this.bytes -= extent.length;
    if (extent.buffer.length === extentBytes && this.#idle.length < idleBuffersMax) this.#idle.push(extent.buffer);
  }

  /** The record's bytes, valid in this turn; undefined when it is not here. */
  find({ file, offset }: HeadChunkPosition, length: number): Buffer | undefined {
    for (const extent of this.#extents) {
      const at = offset - extent.offset;
      if (extent.file === file && at >= 0 && at < extent.length) {
        return extent.buffer.subarray(at, Math.min(at + length, extent.length));
      }
    }
    return undefined;
  }

  #extentFor(length: number): Extent {
    const last = this.#extents.at(-1);
    const isOpen = last?.file === this.#file && !(this.#isTaken && this.#extents.length === 1);
    if (last !== undefined && isOpen && last.length + length <= last.buffer.length) return last;
    const room = fileHeaderBytes + length;
    const buffer =
      room > extentBytes ? Buffer.allocUnsafe(room) : (this.#idle.pop() ?? Buffer.allocUnsafe(extentBytes));
    const extent = { file: this.#file, offset: this.#offset, buffer, length: 0 };
    this.#extents.push(extent);
    return extent;
  }
}
