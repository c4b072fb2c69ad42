import { KiB, MiB } from '@gauntlet/base';
import type { Codec } from './codec.js';
import {
  FragmentType,
  fragmentBytesMax,
  headerBytes,
  pageBytes,
  recordBytesMax,
  snappyFlag,
  typeMask,
  zstdFlag,
} from './fragment.js';

/** Bytes of the log on their way to the disk: `length` bytes of `buffer` belong at `offset` of the segment. */
export interface Extent {
  readonly segment: number;
  readonly offset: number;
  readonly buffer: Buffer;
  length: number;
  /** The segment is complete behind it. */
  ends: boolean;
}

/** Shared by all logs of a thread, since there is a log for each tenant and most are idle most of the time. */
const extentBytes = 256 * KiB;
const idleBuffersMax = (32 * MiB) / extentBytes;
const idleBuffers: Buffer[] = [];

/** Gives the buffers back. */
export function recycle(extents: readonly Extent[]): void {
  for (const { buffer } of extents) if (idleBuffers.length < idleBuffersMax) idleBuffers.push(buffer);
}

/** Lays records out in pages and segments, as bytes in memory. Knows no file. */
export class LogLayout {
  readonly #codec: Codec;
  readonly #segmentBytesMax: number;
  readonly #compressedRecordBytesMax: number;
  #segment: number;
  #offset = 0;
  #extents: Extent[] = [];
  #bytes = 0;

  constructor(options: {
    readonly segment: number;
    readonly segmentBytesMax: number;
    readonly codec: Codec;
    readonly compressedRecordBytesMax?: number;
  }) {
    this.#segment = options.segment;
    this.#segmentBytesMax = options.segmentBytesMax;
    this.#codec = options.codec;
    this.#compressedRecordBytesMax = options.compressedRecordBytesMax ?? recordBytesMax;
  }

  /** Where the next record goes, unless it does not fit. */
  get segment(): number {
    return this.#segment;
  }

  /** Laid out and not yet taken. */
  get bytes(): number {
    return this.#bytes;
  }

  append(record: Uint8Array, compress: boolean): void {
    // A reader refuses to decompress to more than that; plain records are read at any length.
    if (compress && record.length > 0 && record.length <= this.#compressedRecordBytesMax) {
      const compressed = this.#codec.snappyEncode(record);
      if (compressed.length < record.length) return this.appendEncoded(compressed, snappyFlag);
    }
    this.appendEncoded(record, 0);
  }

  /** Appends a record in the form in which it is stored. */
  appendEncoded(stored: Uint8Array, compression: number): void {
    // Records do not span segments; one that is longer than a segment makes its own longer.
    if (stored.length > this.#capacity()) this.roll();
    let done = 0;
    // Not the same as `done === 0`: where a page has room for a header alone, the first fragment is empty.
    let isFirst = true;
    do {
      const taken = Math.min(this.#pageFree() - headerBytes, stored.length - done);
      const type = typeOf(isFirst, done + taken === stored.length);
      this.#put(type | compression, stored.subarray(done, done + taken));
      done += taken;
      isFirst = false;
      if (this.#pageFree() < headerBytes) this.#pad();
    } while (done < stored.length);
  }

  /** Ends the segment and begins the next. */
  roll(): void {
    this.finish();
    this.#segment += 1;
    this.#offset = 0;
    this.#room(0);
  }

  /** Ends the segment: fills its last page with zeros, if that holds anything. */
  finish(): void {
    if (this.#offset % pageBytes > 0) this.#pad();
    this.#room(0).ends = true;
  }

  /** Hands over what was laid out so far. */
  take(): Extent[] {
    const taken = this.#extents;
    this.#extents = [];
    this.#bytes = 0;
    return taken;
  }

  #put(flags: number, payload: Uint8Array): void {
    const extent = this.#room(headerBytes + payload.length);
    const { buffer, length: at } = extent;
    buffer[at] = flags;
    buffer.writeUInt16BE(payload.length, at + 1);
    buffer.set(payload, at + headerBytes);
    const end = at + headerBytes + payload.length;
    buffer.writeUInt32BE(this.#codec.crc32c(buffer.subarray(at + headerBytes, end)), at + 3);
    extent.length = end;
    this.#advance(end - at);
  }

  #pad(): void {
    const count = this.#pageFree();
    const extent = this.#room(count);
    extent.buffer.fill(0, extent.length, extent.length + count);
    extent.length += count;
    this.#advance(count);
  }

  #advance(count: number): void {
    this.#offset += count;
    this.#bytes += count;
  }

  /** The extent to write to, with this much room. */
  #room(count: number): Extent {
    const last = this.#extents.at(-1);
    if (last !== undefined && last.segment === this.#segment && last.length + count <= last.buffer.length) return last;
    const buffer = idleBuffers.pop() ?? Buffer.allocUnsafeSlow(extentBytes);
    const extent = { segment: this.#segment, offset: this.#offset, buffer, length: 0, ends: false };
    this.#extents.push(extent);
    return extent;
  }

  /** Bytes up to the end of the page; a whole page at its start. */
  #pageFree(): number {
    return pageBytes - (this.#offset % pageBytes);
  }

  #capacity(): number {
    const pagesDone = Math.floor(this.#offset / pageBytes);
    return this.#pageFree() - headerBytes + fragmentBytesMax * (this.#segmentBytesMax / pageBytes - pagesDone - 1);
  }
}

function typeOf(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FragmentType.full : FragmentType.first;
  return isLast ? FragmentType.last : FragmentType.middle;
}

/** The records that extents hold, in the form in which they are stored. Only for extents of our own making. */
export function* recordsIn(extents: readonly Extent[]): Generator<{ stored: Uint8Array; compression: number }> {
  let parts: Uint8Array[] = [];
  for (const { buffer, offset, length } of extents) {
    for (let at = 0; at < length;) {
      const flags = buffer[at] ?? 0;
      const type = flags & typeMask;
      if (type === FragmentType.pageEnd) {
        at += pageBytes - ((offset + at) % pageBytes);
        continue;
      }
      const end = at + headerBytes + buffer.readUInt16BE(at + 1);
      parts.push(buffer.subarray(at + headerBytes, end));
      at = end;
      if (type !== FragmentType.full && type !== FragmentType.last) continue;
      yield {
        stored: parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts),
        compression: flags & (snappyFlag | zstdFlag),
      };
      parts = [];
    }
  }
}
