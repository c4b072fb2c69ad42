import { sortWasmBase64 } from './generated/sort.js';
import { chunkFlags, chunkLayout, seriesLayout } from './shard-layout.js';
import { instantiate, type SharedMemory } from './wasm.js';

/**
 * What a snapshot is to the thread that reads it: structured-cloneable, and valid until the shard's `endSnapshot`. `from` and `into`
 * are arrays of `total` series addresses in the memory.
 */
export interface ShardSnapshotDescription {
  readonly memory: SharedMemory;
  readonly from: number;
  readonly into: number;
  readonly total: number;
  readonly min: bigint;
  readonly max: bigint;
}

/** One finished chunk, as it was cut. Its data is in the shard's memory, or in a head chunk file. */
export type ShardChunk = {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly sampleCount: number;
  readonly encoding: number;
} & (
  | { readonly data: Uint8Array; readonly stored?: undefined }
  | {
      readonly stored: { readonly file: number; readonly offset: number; readonly dataLength: number };
      readonly data?: undefined;
    }
);

/** Views lie in shared memory, and are valid until the snapshot ends. */
export interface ShardSeries {
  readonly ref: bigint;
  readonly labels: Uint8Array;
  /** Those that have a time in the snapshot's range; never empty. */
  readonly chunks: ShardChunk[];
}

/** Walks the series of a snapshot in label order. */
export interface ShardSnapshotReader {
  readonly seriesCount: number;
  /** Works on about `steps` series; whether sorting goes on. */
  prepare(steps: number): boolean;
  /** The next series; what is left of sorting is done first. */
  next(): ShardSeries | undefined;
}

interface SortExports {
  sortBegin(array: number, other: number, count: number): void;
  sortStep(steps: number): number;
  sortedArray(): number;
}

/** Opens a snapshot in any thread. Writes nothing to the memory but the two arrays of addresses. */
export function openShardSnapshot(description: ShardSnapshotDescription): ShardSnapshotReader {
  return new SnapshotReader(description);
}

class SnapshotReader implements ShardSnapshotReader {
  readonly #sort: SortExports;
  readonly #buffer: SharedArrayBuffer;
  readonly #view: DataView;
  readonly #words: Int32Array;
  readonly #total: number;
  readonly #min: bigint;
  readonly #max: bigint;
  #isSorted = false;
  #at = 0;
  #index = 0;

  constructor({ memory, from, into, total, min, max }: ShardSnapshotDescription) {
    this.#sort = instantiate<SortExports>(sortWasmBase64, memory);
    this.#sort.sortBegin(from | 0, into | 0, total);
    this.#buffer = memory.buffer;
    this.#view = new DataView(this.#buffer);
    this.#words = new Int32Array(this.#buffer);
    this.#total = total;
    this.#min = min;
    this.#max = max;
  }

  get seriesCount(): number {
    return this.#total;
  }

  prepare(steps: number): boolean {
    if (this.#isSorted) return false;
    if (this.#sort.sortStep(steps) !== 0) return true;
    this.#isSorted = true;
    this.#at = this.#sort.sortedArray() >>> 0;
    return false;
  }

  next(): ShardSeries | undefined {
    while (this.prepare(2 ** 20));
    while (this.#index < this.#total) {
      const s = this.#view.getUint32(this.#at + this.#index * 4, true);
      this.#index += 1;
      const chunks = this.#chunks(s);
      if (chunks.length === 0) continue;
      const labels = s + seriesLayout.labels;
      return {
        ref: this.#view.getBigUint64(s + seriesLayout.ref, true),
        labels: new Uint8Array(this.#buffer, labels, this.#view.getUint32(s + seriesLayout.labelsLength, true)),
        chunks,
      };
    }
    return undefined;
  }

  #chunks(s: number): ShardChunk[] {
    const view = this.#view;
    const chunks: ShardChunk[] = [];
    for (let at = this.#pointer(s + seriesLayout.oldest); at !== 0; at = this.#pointer(at + chunkLayout.next)) {
      // What lies in memory that the shard has taken since is younger than the snapshot.
      if (at >= this.#buffer.byteLength) break;
      const minTime = view.getBigInt64(at + chunkLayout.minTime, true);
      if (minTime > this.#max) break;
      const maxTime = view.getBigInt64(at + chunkLayout.maxTime, true);
      if (maxTime >= this.#min) chunks.push(this.#chunk(at, minTime, maxTime));
    }
    return chunks;
  }

  #chunk(at: number, minTime: bigint, maxTime: bigint): ShardChunk {
    const view = this.#view;
    const dataLength = view.getUint32(at + chunkLayout.dataLength, true);
    const head = {
      minTime,
      maxTime,
      sampleCount: view.getUint16(at + chunkLayout.count, true),
      encoding: view.getUint8(at + chunkLayout.encoding),
    };
    if ((view.getUint8(at + chunkLayout.flags) & chunkFlags.stored) === 0) {
      return { ...head, data: new Uint8Array(this.#buffer, at + chunkLayout.data, dataLength) };
    }
    const file = view.getUint32(at + chunkLayout.file, true);
    const offset = view.getUint32(at + chunkLayout.offset, true);
    return { ...head, stored: { file, offset, dataLength } };
  }

  /** An address that the shard's thread may be writing. */
  #pointer(at: number): number {
    return Atomics.load(this.#words, at >>> 2) >>> 0;
  }
}
