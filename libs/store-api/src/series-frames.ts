import { KiB, MiB, invariant } from '@gauntlet/base';
import type { MessageSink } from '@gauntlet/rpc';
import type { SelectedChunk, SelectedSeries } from '@gauntlet/select';
import { hashChunk } from './chunk-hash.js';
import { MessageWriter, int64FieldBytes, varint64Bytes } from './message-writer.js';

/** What a frame holds, roughly: peers with default limits refuse four times as much. */
export const frameBytesMax = MiB;
/** Labels of a megabyte come again with each piece of a series, so that pieces must not be small then. */
const chunkBytesMin = 256 * KiB;
/** Room for a tag and a length in front of a batch. */
const prefixBytes = 6;

/*
 * SeriesResponse, as bytes:
 *
 *   0A len Series                  one series: `series`, field 1
 *   22 len { 0A len Series ... }   several: `batch`, field 4, whose field 1 has the same tag
 *   12 len text                    a warning
 *
 *   Series      labels in canonical form (field 1), then 12 len AggrChunk ...
 *   AggrChunk   08 minTime  10 maxTime  1A len Chunk    zero times are left out
 *   Chunk       08 type  12 len data  18 hash           type 0 is left out
 */

/** Writes frames of one answer to its sink. A long series becomes several frames with the same labels, in the order of time. */
export class SeriesFrames {
  readonly #out: MessageSink;
  readonly #batchSeriesMax: number;
  readonly #buffer = new MessageWriter(64 * KiB);
  /** Entries that have been written to the buffer and not been sent. */
  #pending = 0;
  #hashes = new Uint32Array(32);

  /** @param batchSeriesMax below 2 for frames of one series */
  constructor(out: MessageSink, batchSeriesMax: number) {
    this.#out = out;
    this.#batchSeriesMax = Math.max(1, batchSeriesMax);
    this.#startBuffer();
  }

  /**
   * Writes a frame with the chunks from `from` on.
   * @returns where the next frame begins; the count of all chunks when there is none
   */
  add({ labels, chunks }: SelectedSeries, from = 0): number {
    let bytes = labels.length;
    let until = from;
    const bytesMax = Math.max(frameBytesMax, labels.length + chunkBytesMin);
    for (; until < chunks.length; until += 1) {
      const chunkBytes = this.#measure(chunks[until]!, until - from);
      if (until > from && bytes + chunkBytes > bytesMax) break;
      bytes += chunkBytes;
    }
    const buffer = this.#buffer;
    buffer.reserve(bytes + 2 * prefixBytes);
    buffer.tag(1, 2);
    buffer.varint(bytes);
    buffer.append(labels);
    for (let index = from; index < until; index += 1) this.#append(chunks[index]!, index - from);
    this.#pending += 1;
    if (this.#pending === this.#batchSeriesMax || buffer.length >= frameBytesMax) this.flush();
    return until;
  }

  /** What comes before a warning is sent first. */
  addWarning(text: string): void {
    this.flush();
    this.#buffer.string(2, text);
    this.#out.write(this.#buffer.view(prefixBytes));
    this.#startBuffer();
  }

  /** Sends what is left. */
  flush(): void {
    if (this.#pending === 0) return;
    this.#out.write(this.#batchSeriesMax === 1 ? this.#buffer.view(prefixBytes) : this.#batch());
    this.#pending = 0;
    this.#startBuffer();
  }

  /** The length is known at the end, and written so that it ends where the entries begin. */
  #batch(): Uint8Array {
    const view = this.#buffer.view();
    const prefix = new MessageWriter(prefixBytes);
    prefix.tag(4, 2);
    prefix.varint(view.length - prefixBytes);
    const start = prefixBytes - prefix.length;
    view.set(prefix.view(), start);
    return view.subarray(start);
  }

  #startBuffer(): void {
    this.#buffer.truncate(0);
    this.#buffer.reserve(prefixBytes);
    this.#buffer.truncate(prefixBytes);
  }

  /** Hashes a chunk, and says how many bytes it takes in its series. */
  #measure(chunk: SelectedChunk, index: number): number {
    invariant(chunk.encoding >= 1 && chunk.encoding <= 3, 'a store gives chunks of encodings that StoreAPI has');
    if (this.#hashes.length < 2 * index + 2) {
      const grown = new Uint32Array(this.#hashes.length * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    hashChunk(chunk.data, this.#hashes, 2 * index);
    return lengthDelimitedBytes(this.#chunkBytes(chunk, index).outer);
  }

  #append(chunk: SelectedChunk, index: number): void {
    const { inner, outer } = this.#chunkBytes(chunk, index);
    const buffer = this.#buffer;
    buffer.tag(2, 2);
    buffer.varint(outer);
    buffer.int64(1, chunk.minTimeMs);
    buffer.int64(2, chunk.maxTimeMs);
    buffer.tag(3, 2);
    buffer.varint(inner);
    buffer.int64(1, chunk.encoding - 1);
    buffer.bytes(2, chunk.data);
    buffer.tag(3, 0);
    buffer.varint64(this.#hashes[2 * index]!, this.#hashes[2 * index + 1]!);
  }

  /** The lengths of Chunk and of the AggrChunk around it. */
  #chunkBytes({ minTimeMs, maxTimeMs, encoding, data }: SelectedChunk, index: number): ChunkBytes {
    const hashBytes = varint64Bytes(this.#hashes[2 * index]!, this.#hashes[2 * index + 1]!);
    const inner = int64FieldBytes(encoding - 1) + lengthDelimitedBytes(data.length) + 1 + hashBytes;
    return { inner, outer: int64FieldBytes(minTimeMs) + int64FieldBytes(maxTimeMs) + lengthDelimitedBytes(inner) };
  }
}

interface ChunkBytes {
  readonly inner: number;
  readonly outer: number;
}

/** A tag of one byte, a length and what it says. */
function lengthDelimitedBytes(length: number): number {
  return 1 + varint64Bytes(length, 0) + length;
}
