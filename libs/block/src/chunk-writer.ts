import { invariant, MiB } from '@gauntlet/base';
import type { ByteSink } from './byte-sink.js';
import { crc32c } from './crc32c.js';
import { grownBytes } from './growing.js';
import { putUint32, putUvarint } from './integers.js';

export const chunkSegmentMagic = 0x85bd40dd;
export const chunkSegmentVersion = 1;
export const chunkSegmentHeaderBytes = 8;
/** A segment is cut before it would grow past this; a single larger chunk is written all the same. */
export const chunkSegmentBytesMax = 512 * MiB;

/** Length (5 at most) + encoding + checksum: what a chunk takes besides its data, estimated as the reference does. */
const chunkOverheadBytes = 5 + 1 + 4;

/** The name of segment `index`, counted from 0: `000001`. Names sort in the order of their indexes. */
export function chunkSegmentName(index: number): string {
  return String(index + 1).padStart(6, '0');
}

export interface ChunkSegmentOptions {
  readonly segmentBytesMax?: number;
}

/**
 * Writes chunk segments:
 *
 * ```
 * u32 magic 85BD40DD | u8 version = 1 | 3 zero bytes
 * repeat: uvarint dataLength | u8 encoding | data | u32 crc32c(encoding data)      all big-endian
 * ```
 * A chunk's reference is segmentIndex * 2^32 + the offset of its length; references grow in the order of writing.
 *
 * `add` is synchronous and copies, so that the data may be a view that does not outlive the turn; what has gathered goes
 * out with `flush`.
 */
export class ChunkSegmentWriter {
  readonly #openSegment: (name: string) => Promise<ByteSink>;
  readonly #segmentBytesMax: number;
  #buffer: Uint8Array = new Uint8Array(1 * MiB);
  #length = 0;
  /** Positions in the buffer at which a new segment begins. */
  #cuts: number[] = [];
  #segment = -1;
  #segmentLength = 0;
  #sink: ByteSink | undefined;
  #opened = 0;

  constructor(
    openSegment: (name: string) => Promise<ByteSink>,
    { segmentBytesMax = chunkSegmentBytesMax }: ChunkSegmentOptions = {},
  ) {
    this.#openSegment = openSegment;
    this.#segmentBytesMax = segmentBytesMax;
  }

  /** Bytes that wait for `flush`. */
  get bufferedBytes(): number {
    return this.#length;
  }

  /** Copies a chunk behind the others and returns its reference. */
  add(encoding: number, data: Uint8Array): number {
    const estimate = data.length + chunkOverheadBytes;
    this.#reserve(chunkSegmentHeaderBytes + estimate);
    if (
      this.#segment < 0 ||
      (this.#segmentLength > chunkSegmentHeaderBytes && this.#segmentLength + estimate > this.#segmentBytesMax)
    )
      this.#cut();
    const start = this.#length;
    const ref = this.#segment * 2 ** 32 + this.#segmentLength;
    const checked = putUvarint(this.#buffer, start, data.length);
    this.#buffer[checked] = encoding;
    this.#buffer.set(data, checked + 1);
    const end = checked + 1 + data.length;
    this.#length = putUint32(this.#buffer, end, crc32c(this.#buffer, 0, checked, end));
    this.#segmentLength += this.#length - start;
    return ref;
  }

  /** Hands everything gathered to the sinks. No `add` until it resolves. */
  async flush(): Promise<void> {
    let from = 0;
    for (const cut of this.#cuts) {
      await this.#write(from, cut);
      from = cut;
      await this.#sink?.close();
      this.#sink = await this.#openSegment(chunkSegmentName(this.#opened));
      this.#opened += 1;
    }
    await this.#write(from, this.#length);
    this.#length = 0;
    this.#cuts = [];
  }

  /** Flushes and closes the last segment. No segment is made when there was no chunk. */
  async close(): Promise<void> {
    await this.flush();
    await this.#sink?.close();
    this.#sink = undefined;
  }

  async #write(from: number, to: number): Promise<void> {
    if (to > from) await this.#sink!.write(this.#buffer.subarray(from, to));
  }

  #cut(): void {
    this.#segment += 1;
    invariant(this.#segment < 2 ** 20, 'segment indexes keep references within safe integers');
    this.#cuts.push(this.#length);
    this.#length = putUint32(this.#buffer, this.#length, chunkSegmentMagic);
    this.#length = putUint32(this.#buffer, this.#length, chunkSegmentVersion << 24);
    this.#segmentLength = chunkSegmentHeaderBytes;
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#buffer.length) this.#buffer = grownBytes(this.#buffer, this.#length + count);
  }
}
