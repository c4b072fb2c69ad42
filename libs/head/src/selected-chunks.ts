import { decodeChunk, encodeChunks } from '@gauntlet/chunk';
import type { FinishedChunk, ReadChunk, SeriesReader } from '@gauntlet/kernel';
import type { ChunkPosition, HeadChunk, HeldHeadChunk, StoredHeadChunk, TimeInterval } from './head.js';
import type { SeriesHost } from './series-host.js';
import { trimChunk, trimTo } from './trim-chunk.js';

/** What is asked of each series. */
export interface ChunkRange extends TimeInterval {
  /** Finished chunks in order that end below this are left out. */
  readonly inOrderFromMs: number;
}

/** Chunks of files that have been read. */
export interface FileChunks {
  get(position: ChunkPosition): Uint8Array | undefined;
}

const allTimes: TimeInterval = { minTimeMs: -Infinity, maxTimeMs: Infinity };
/** Encodings above this one have no number in StoreAPI (spec/store-api.md 4.3). */
const sentEncodingMax = 3;
/** What a chunk's header can count. */
const samplesMax = 65_535;

/** Collects the chunks of series as they are now. */
export class SelectedChunks {
  readonly #host: SeriesHost;
  readonly #range: ChunkRange;
  readonly #read: ReadChunk[] = [];

  constructor(host: SeriesHost, range: ChunkRange) {
    this.#host = host;
    this.#range = range;
  }

  /** Whether a series has any of which something may be seen. */
  has(reader: SeriesReader, s: number, ref: number): boolean {
    const { minTimeMs, maxTimeMs, inOrderFromMs } = this.#range;
    if (!this.#host.deletions.isEmpty) {
      const deleted = this.#host.deletions.of(ref);
      if (deleted.length > 0) return this.#hasVisible(reader, s, ref, deleted);
    }
    return (
      reader.hasChunk(s, minTimeMs, maxTimeMs, inOrderFromMs) ||
      reader.hasHostChunk(s, minTimeMs, maxTimeMs) ||
      this.#host.late.hasWithin(ref, minTimeMs, maxTimeMs)
    );
  }

  #hasVisible(reader: SeriesReader, s: number, ref: number, deleted: readonly TimeInterval[]): boolean {
    const { minTimeMs, maxTimeMs } = this.#range;
    const open = reader.hasHostChunk(s, minTimeMs, maxTimeMs) ? this.#host.openChunk(ref) : undefined;
    const late = this.#late(ref);
    const all: TimeInterval[] = [...this.#inOrder(reader, s), ...(late?.chunks ?? []), ...(late?.encoded ?? [])];
    if (open !== undefined) all.push(heldChunk(open));
    return all.some((chunk) => !deleted.some((d) => d.minTimeMs <= chunk.minTimeMs && d.maxTimeMs >= chunk.maxTimeMs));
  }

  /** Where the series' chunks in files are. */
  stored(reader: SeriesReader, s: number, ref: number, into: StoredHeadChunk['stored'][]): void {
    for (const { data, file, offset, dataLength } of this.#inOrder(reader, s)) {
      if (data === undefined) into.push({ file, offset, dataLength });
    }
    for (const { stored } of this.#late(ref)?.chunks ?? []) if (stored !== undefined) into.push(stored);
  }

  /**
   * All chunks of a series, oldest first. Data are views into the shard's memory, of the open chunk without a right count, or what files have. Undefined when one is in a file that has not been
   * read.
   */
  all(reader: SeriesReader, s: number, ref: number, files: FileChunks): HeldHeadChunk[] | undefined {
    const found: HeldHeadChunk[] = [];
    const deleted = this.#host.deletions.of(ref);
    const take = (chunk: HeadChunk): boolean => {
      const held = chunk.data === undefined ? fromFile(chunk, files) : chunk;
      if (held === undefined) return false;
      found.push(...visibleParts(held, deleted));
      return true;
    };
    for (const chunk of this.#inOrder(reader, s)) {
      if (chunk.data !== undefined && deleted.length === 0 && chunk.encoding <= sentEncodingMax)
        found.push(chunk as HeldHeadChunk);
      else if (!take(headChunk(chunk))) return undefined;
    }
    const { minTimeMs, maxTimeMs } = this.#range;
    if (reader.hasHostChunk(s, minTimeMs, maxTimeMs)) {
      const open = this.#host.openChunk(ref);
      if (open !== undefined) take(heldChunk(open));
    }
    const late = this.#late(ref);
    if (late === undefined) return found;
    for (const chunk of late.chunks) if (!take(chunk)) return undefined;
    for (const chunk of late.encoded) take(chunk);
    return found.sort((a, b) => a.minTimeMs - b.minTimeMs || a.maxTimeMs - b.maxTimeMs);
  }

  #inOrder(reader: SeriesReader, s: number): readonly ReadChunk[] {
    const { minTimeMs, maxTimeMs, inOrderFromMs } = this.#range;
    this.#read.length = 0;
    reader.chunks(s, minTimeMs, maxTimeMs, inOrderFromMs, this.#read);
    return this.#read;
  }

  /** What the series has out of order in the range; those of arrays are encoded. */
  #late(
    ref: number,
  ): { readonly chunks: readonly HeadChunk[]; readonly encoded: readonly HeldHeadChunk[] } | undefined {
    const late = this.#host.late.of(ref);
    if (late === undefined) return undefined;
    const isWithin = (chunk: TimeInterval): boolean =>
      chunk.minTimeMs <= this.#range.maxTimeMs && chunk.maxTimeMs >= this.#range.minTimeMs;
    return {
      chunks: late.chunks.filter(isWithin),
      encoded: encodeChunks(late.samples, { samplesMax: 255 })
        .map((chunk) => ({ ...chunk, minTimeMs: Number(chunk.minTimeMs), maxTimeMs: Number(chunk.maxTimeMs) }))
        .filter(isWithin),
    };
  }
}

function fromFile(chunk: StoredHeadChunk, files: FileChunks): HeldHeadChunk | undefined {
  const data = files.get(chunk.stored);
  return data && trimChunk(chunk, data)[0];
}

/** What is to be seen of a chunk, in encodings that can be sent. */
function visibleParts(chunk: HeldHeadChunk, deleted: readonly TimeInterval[]): readonly HeldHeadChunk[] {
  const parts = trimTo(chunk, allTimes, deleted) as readonly HeldHeadChunk[];
  return parts.flatMap((part) => (part.encoding <= sentEncodingMax ? [part] : encodedAnew(part)));
}

function encodedAnew({ encoding, data }: HeldHeadChunk): HeldHeadChunk[] {
  return encodeChunks(decodeChunk(encoding, data), { samplesMax }).map((chunk) => ({
    ...chunk,
    minTimeMs: Number(chunk.minTimeMs),
    maxTimeMs: Number(chunk.maxTimeMs),
  }));
}

function headChunk({
  minTimeMs,
  maxTimeMs,
  encoding,
  sampleCount,
  data,
  file,
  offset,
  dataLength,
}: ReadChunk): HeadChunk {
  const summary = { minTimeMs, maxTimeMs, encoding, sampleCount };
  if (data === undefined) return { ...summary, stored: { file, offset, dataLength } };
  const copy = data.slice();
  setSampleCount(copy, 0, sampleCount);
  return { ...summary, data: copy };
}

function heldChunk({ minTime, maxTime, encoding, count, data }: FinishedChunk): HeldHeadChunk {
  return { minTimeMs: Number(minTime), maxTimeMs: Number(maxTime), encoding, sampleCount: count, data };
}

/** Every payload begins with its count (spec/tsdb.md 1.3). */
export function setSampleCount(bytes: Uint8Array, at: number, count: number): void {
  bytes[at] = count >>> 8;
  bytes[at + 1] = count & 0xff;
}
