import { KiB, OperationalError } from '@gauntlet/base';
import type { VfsFile } from '@gauntlet/vfs';
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

/** How reading a segment ended. */
export interface SegmentEnd {
  /** Behind the last whole record. */
  readonly goodEnd: number;
  readonly damage?: { readonly offset: number; readonly problem: string };
}

export interface SegmentVisitor {
  /** `record` is valid during the call only; `end` is the offset behind it. */
  onRecord(record: Uint8Array, end: number): void;
  /** Called between pieces, with the bytes read so far. */
  onPiece?(bytesDone: number): Promise<void> | void;
}

/** Small enough that what a piece makes the visitor do is a short slice of time. */
const pieceBytes = 256 * KiB;

/** Reads one segment by the rules of fragment.ts, up to its end or to the first misfit. */
export async function readSegment(file: VfsFile, codec: Codec, visitor: SegmentVisitor): Promise<SegmentEnd> {
  // The rest of a fragment that the last piece cut, then a piece.
  const buffer = Buffer.allocUnsafe(pageBytes + pieceBytes);
  const parser = new FragmentParser(codec, visitor);
  let carried = 0;
  for (let position = 0; ;) {
    const read = await file.read(buffer.subarray(carried, carried + pieceBytes), position);
    position += read;
    let end = carried + read;
    const isLast = read < pieceBytes;
    if (isLast) {
      // A short last page reads as if zeros followed.
      const missing = (pageBytes - (position % pageBytes)) % pageBytes;
      buffer.fill(0, end, end + missing);
      end += missing;
    }
    const used = parser.parse(buffer.subarray(0, end), isLast);
    if (isLast || parser.damage !== undefined) break;
    buffer.copyWithin(0, used, end);
    carried = end - used;
    await visitor.onPiece?.(position);
  }
  const { goodEnd, damage } = parser;
  return damage === undefined ? { goodEnd } : { goodEnd, damage };
}

class FragmentParser {
  goodEnd = 0;
  damage: SegmentEnd['damage'];
  readonly #codec: Codec;
  readonly #visitor: SegmentVisitor;
  /** Offset in the segment of the next byte to parse. */
  #offset = 0;
  /** The fragments of an unfinished record. */
  #parts = Buffer.alloc(0);
  #partsBytes = 0;
  #unfinished = false;

  constructor(codec: Codec, visitor: SegmentVisitor) {
    this.#codec = codec;
    this.#visitor = visitor;
  }

  /** Parses whole fragments and returns how many bytes it used. */
  parse(bytes: Buffer, isLast: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      const flags = bytes[at] ?? 0;
      const type = flags & typeMask;
      if (type === FragmentType.pageEnd) {
        const rest = pageBytes - (this.#offset % pageBytes);
        if (at + rest > bytes.length) return this.#wait(at, bytes, isLast);
        this.#offset += rest;
        if (!isZero(bytes, at + 1, at + rest)) return this.#stop(at, 'a page ends before its last fragment');
        at += rest;
        continue;
      }
      if (at + headerBytes > bytes.length) return this.#wait(at, bytes, isLast);
      const length = bytes.readUInt16BE(at + 1);
      if (length > fragmentBytesMax)
        return this.#stop(at, `a fragment of ${length} bytes is longer than a page`, headerBytes);
      const end = at + headerBytes + length;
      if (end > bytes.length) return this.#wait(at, bytes, isLast);
      const payload = bytes.subarray(at + headerBytes, end);
      this.#offset += end - at;
      if (this.#codec.crc32c(payload) !== bytes.readUInt32BE(at + 3))
        return this.#stop(at, 'a checksum does not match');
      const begins = type === FragmentType.full || type === FragmentType.first;
      if (begins === this.#unfinished || type > FragmentType.last)
        return this.#stop(at, `a fragment of type ${type} is out of place`);
      at = end;
      const problem = this.#take(payload, type, flags);
      if (problem !== undefined) return this.#stop(at, problem);
    }
    if (isLast && this.#unfinished) this.#stop(at, 'the last record is torn');
    return at;
  }

  /** Adds a fragment; tells what is wrong with the record that it completes. */
  #take(payload: Uint8Array, type: number, flags: number): string | undefined {
    if (type === FragmentType.full) return this.#emit(payload, flags);
    this.#collect(payload, type === FragmentType.first);
    this.#unfinished = type !== FragmentType.last;
    return this.#unfinished ? undefined : this.#emit(this.#parts.subarray(0, this.#partsBytes), flags);
  }

  #collect(payload: Uint8Array, isFirst: boolean): void {
    if (isFirst) this.#partsBytes = 0;
    const bytes = this.#partsBytes + payload.length;
    if (bytes > this.#parts.length) {
      const grown = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#parts.length, 4 * pageBytes));
      grown.set(this.#parts.subarray(0, this.#partsBytes));
      this.#parts = grown;
    }
    this.#parts.set(payload, this.#partsBytes);
    this.#partsBytes = bytes;
  }

  #emit(stored: Uint8Array, flags: number): string | undefined {
    let record = stored;
    // An empty record is empty in every compression; a lone flags byte before virtual zeros reads as one.
    if (stored.length > 0 && flags & snappyFlag) {
      try {
        record = this.#codec.snappyDecode(stored, recordBytesMax);
      } catch {
        return 'a record is not valid snappy';
      }
    } else if (stored.length > 0 && flags & zstdFlag) {
      try {
        record = this.#codec.zstdDecode(stored, recordBytesMax);
      } catch {
        return 'a record is not valid Zstandard';
      }
    }
    try {
      this.#visitor.onRecord(record, this.#offset);
    } catch (error) {
      if (error instanceof OperationalError && error.kind === 'corrupt') return error.message;
      throw error;
    }
    this.goodEnd = this.#offset;
    return undefined;
  }

  /** The next fragment is not whole: it goes on in the next piece, or never. */
  #wait(at: number, bytes: Buffer, isLast: boolean): number {
    return isLast ? this.#stop(at, 'the last fragment is torn', bytes.length - at) : at;
  }

  #stop(at: number, problem: string, seen = 0): number {
    this.damage = { offset: this.#offset + seen, problem };
    return at;
  }
}

function isZero(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
