import { BlockCorruptError, type ByteSource, chunkInBytes, type Interval, type StoredChunk } from '@gauntlet/block';
import { ChunkEncoding, decodeChunk, encodeChunks } from '@gauntlet/chunk';
import type { Pace, SelectedChunk } from '@gauntlet/select';
import type { EntryBatch, ChunkFilter } from './entry-batch.js';
import { gapBytesMax, RangeReader } from './range-reader.js';

/** Where nothing tells the length of a chunk, it is thought to be so long, with what surrounds it. */
const chunkBytesGuess = 2048;
/** A chunk behind which the next one lies further away is followed by others, which are not wanted. */
const chunkBytesLikely = 64 * 1024;
/** Magic, version, padding. */
const segmentHeaderBytes = 8;
/** What a chunk's header can count. */
const samplesMax = 65_535;
const chunksPerLook = 32;

/** Chunks of the series that come next, read together. */
export class ChunkWindow {
  readonly #segments: readonly ByteSource[];
  readonly #filter: ChunkFilter;
  readonly #windowBytes: number;
  #chunks: SelectedChunk[][] = [];

  constructor(segments: readonly ByteSource[], filter: ChunkFilter, windowBytes: number) {
    this.#segments = segments;
    this.#filter = filter;
    this.#windowBytes = windowBytes;
  }

  /**
   * Reads the chunks of `entries[from, ...)`, of one at least.
   * @returns the end of those whose chunks are here now
   */
  async load(batch: EntryBatch, entries: Uint32Array, from: number, count: number, pace: Pace): Promise<number> {
    this.#chunks = [];
    const wanted: number[] = [];
    const lengths: number[] = [];
    let end = from;
    let last = -1;
    for (let bytes = 0; end < count && bytes < this.#windowBytes; end += 1) {
      const entry = entries[end]!;
      for (let at = batch.chunkAt[entry]!; at < batch.chunkAt[entry + 1]!; at += 3) {
        const ref = batch.chunks[at + 2]!;
        const next = at + 3 < batch.chunkAt[entry + 1]! ? batch.chunks[at + 5]! - ref : Infinity;
        const length = next > 0 && next < chunkBytesLikely ? next : chunkBytesGuess;
        wanted.push(ref);
        lengths.push(length);
        // As much as is read: also what lies between two that are near each other.
        bytes += length + (last >= 0 && ref > last && ref - last <= gapBytesMax ? ref - last : 0);
        last = ref + length;
      }
    }
    const stored = await this.#read(wanted, lengths, pace);
    let next = 0;
    for (let index = from; index < end; index += 1) {
      const entry = entries[index]!;
      const chunks: SelectedChunk[] = [];
      for (let at = batch.chunkAt[entry]!; at < batch.chunkAt[entry + 1]!; at += 3) {
        const chunk = { minTimeMs: batch.chunks[at]!, maxTimeMs: batch.chunks[at + 1]!, ...stored[next]! };
        this.#add(chunks, chunk, batch.refs[entry]!, wanted[next]!);
        next += 1;
        if (next % chunksPerLook === 0 && pace.isDue) await pace.rest();
      }
      this.#chunks.push(chunks);
    }
    return end;
  }

  /** Chunks of the `index`th of those that were loaded last. */
  of(index: number): readonly SelectedChunk[] {
    return this.#chunks[index]!;
  }

  clear(): void {
    this.#chunks = [];
  }

  async #read(wanted: readonly number[], lengths: readonly number[], pace: Pace): Promise<StoredChunk[]> {
    const order = Uint32Array.from(wanted, (_, index) => index);
    if (wanted.some((ref, index) => index > 0 && ref < wanted[index - 1]!))
      order.sort((a, b) => wanted[a]! - wanted[b]!);
    const stored: StoredChunk[] = new Array<StoredChunk>(wanted.length);
    const ranges = new RangeReader();
    for (let from = 0; from < order.length;) {
      const number = segmentOf(wanted[order[from]!]!);
      let end = from;
      while (end < order.length && segmentOf(wanted[order[end]!]!) === number) end += 1;
      const ofSegment = order.subarray(from, end);
      const segment = this.#checked(number, wanted, ofSegment);
      const placeOf = (index: number): number => wanted[index]! % 2 ** 32;
      await ranges.read(segment, ofSegment, ofSegment.length, placeOf, (index) => lengths[index]!);
      for (let k = 0; k < ofSegment.length; k += 1) {
        const offset = placeOf(ofSegment[k]!);
        const piece = ranges.pieceOf(offset);
        const chunk = chunkInBytes(segment, offset, ranges.bytes(piece), offset - ranges.offset(piece));
        stored[ofSegment[k]!] = typeof chunk === 'number' ? await readLong(segment, offset, chunk) : chunk;
        if (k % chunksPerLook === 0 && pace.isDue) await pace.rest();
      }
      from = end;
    }
    return stored;
  }

  #checked(number: number, wanted: readonly number[], ofSegment: Uint32Array): ByteSource {
    const segment = this.#segments[number];
    const [first, last] = [wanted[ofSegment[0]!]! % 2 ** 32, wanted[ofSegment.at(-1)!]! % 2 ** 32];
    if (segment === undefined)
      throw new BlockCorruptError(
        'CHUNK',
        { file: `chunk segment ${number}`, offset: first },
        'there is no such segment',
      );
    for (const offset of [first, last])
      if (offset < segmentHeaderBytes || offset >= segment.size)
        throw new BlockCorruptError('CHUNK', { file: segment.name, offset }, 'the reference points outside');
    return segment;
  }

  #add(chunks: SelectedChunk[], chunk: SelectedChunk, seriesRef: number, chunkRef: number): void {
    const { tombstones } = this.#filter;
    const deleted = tombstones.size === 0 ? [] : touching(tombstones.get(seriesRef) ?? [], chunk);
    if (deleted.length === 0 && chunk.encoding <= ChunkEncoding.floatHistogram) {
      chunks.push(chunk);
      return;
    }
    try {
      encodeAnew(chunks, chunk, deleted);
    } catch (error) {
      const file = this.#segments[segmentOf(chunkRef)]!.name;
      throw new BlockCorruptError('CHUNK', { file, offset: chunkRef % 2 ** 32 }, 'the chunk cannot be decoded', {
        cause: error,
      });
    }
  }
}

/** StoreAPI has no names for encodings above 3, and no place for deletions (spec/store-api.md 4.3). */
function encodeAnew(chunks: SelectedChunk[], chunk: SelectedChunk, deleted: readonly Interval[]): void {
  const kept = decodeChunk(chunk.encoding, chunk.data).filter(({ timestampMs }) => {
    const t = Number(timestampMs);
    return !deleted.some(({ minTimeMs, maxTimeMs }) => t >= minTimeMs && t <= maxTimeMs);
  });
  for (const { minTimeMs, maxTimeMs, encoding, data } of encodeChunks(kept, { samplesMax }))
    chunks.push({ minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs), encoding, data });
}

function touching(intervals: readonly Interval[], chunk: SelectedChunk): readonly Interval[] {
  return intervals.filter((one) => one.minTimeMs <= chunk.maxTimeMs && one.maxTimeMs >= chunk.minTimeMs);
}

/** One that is longer than was expected. */
async function readLong(segment: ByteSource, offset: number, atLeast: number): Promise<StoredChunk> {
  for (let length = atLeast; ;) {
    const chunk = chunkInBytes(segment, offset, await segment.read(offset, length), 0);
    if (typeof chunk !== 'number') return chunk;
    length = chunk;
  }
}

function segmentOf(ref: number): number {
  return Math.floor(ref / 2 ** 32);
}
