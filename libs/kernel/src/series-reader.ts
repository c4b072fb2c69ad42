import { chunkFlags, chunkLayout, seriesFlags, seriesLayout } from './shard-layout.js';
import type { SeriesAddress } from './shard-types.js';
import type { SharedMemory } from './wasm.js';

/** A chunk where it is: finished or open. Views lie in shared memory, and are valid until anything else is done with the shard. */
export interface ReadChunk {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly encoding: number;
  readonly sampleCount: number;
  /** Of the open chunk, without a right count in its first two bytes; undefined when a file has it. */
  readonly data: Uint8Array | undefined;
  readonly file: number;
  readonly offset: number;
  readonly dataLength: number;
}

/** Encoding of floats (spec/tsdb.md 1.3). */
const floats = 1;

/**
 * Reads series of a shard where they lie, on the shard's own thread, between its calls: addresses must be of series that are there. Times are numbers,
 * inexact beyond 2^53.
 */
export class SeriesReader {
  readonly #memory: SharedMemory;
  #buffer: SharedArrayBuffer;
  #bytes: Uint8Array;
  #halves: Uint16Array;
  #words: Uint32Array;
  #signed: Int32Array;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
    this.#buffer = memory.buffer;
    this.#bytes = new Uint8Array(this.#buffer);
    this.#halves = new Uint16Array(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
    this.#signed = new Int32Array(this.#buffer);
  }

  /** Looks whether the memory has grown; before a turn's first read. */
  refresh(): void {
    const { buffer } = this.#memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#signed = new Int32Array(buffer);
  }

  /** The whole memory. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  labelsAt(s: SeriesAddress): number {
    return s + seriesLayout.labels;
  }

  labelsLength(s: SeriesAddress): number {
    return this.#words[(s + seriesLayout.labelsLength) >>> 2]!;
  }

  labels(s: SeriesAddress): Uint8Array {
    const at = this.labelsAt(s);
    return this.#bytes.subarray(at, at + this.labelsLength(s));
  }

  ref(s: SeriesAddress): number {
    const at = s >>> 2;
    return this.#words[at + 1]! * 2 ** 32 + this.#words[at]!;
  }

  /** Whether a chunk has a time in a range: finished ones that end before `finishedFrom` do not count, nor does what the host holds open. */
  hasChunk(s: SeriesAddress, minTimeMs: number, maxTimeMs: number, finishedFrom: number): boolean {
    if (this.hasOpen(s) && this.#openWithin(s, minTimeMs, maxTimeMs)) return true;
    const from = Math.max(minTimeMs, finishedFrom);
    for (let c = this.#word(s + seriesLayout.oldest); c !== 0; c = this.#word(c + chunkLayout.next)) {
      if (this.#time(c + chunkLayout.minTime) > maxTimeMs) return false;
      if (this.#time(c + chunkLayout.maxTime) >= from) return true;
    }
    return false;
  }

  /** Whether the host holds an open chunk with a time in a range. */
  hasHostChunk(s: SeriesAddress, minTimeMs: number, maxTimeMs: number): boolean {
    return (
      (this.#bytes[s + seriesLayout.flags]! & seriesFlags.hostOpen) !== 0 && this.#openWithin(s, minTimeMs, maxTimeMs)
    );
  }

  hasOpen(s: SeriesAddress): boolean {
    return this.#word(s + seriesLayout.open) !== 0;
  }

  /** The finished chunks with a time in a range, oldest first, then the open one. Those that end before `finishedFrom` are left out. */
  chunks(s: SeriesAddress, minTimeMs: number, maxTimeMs: number, finishedFrom: number, into: ReadChunk[]): void {
    const from = Math.max(minTimeMs, finishedFrom);
    for (let c = this.#word(s + seriesLayout.oldest); c !== 0; c = this.#word(c + chunkLayout.next)) {
      const min = this.#time(c + chunkLayout.minTime);
      if (min > maxTimeMs) return;
      const max = this.#time(c + chunkLayout.maxTime);
      if (max >= from) into.push(this.#chunk(c, min, max));
    }
    if (this.hasOpen(s) && this.#openWithin(s, minTimeMs, maxTimeMs)) into.push(this.#open(s));
  }

  #openWithin(s: SeriesAddress, minTimeMs: number, maxTimeMs: number): boolean {
    return this.#time(s + seriesLayout.minTime) <= maxTimeMs && this.#time(s + seriesLayout.maxTime) >= minTimeMs;
  }

  #open(s: SeriesAddress): ReadChunk {
    const at = this.#word(s + seriesLayout.open);
    const dataLength = (this.#halves[(s + seriesLayout.openBits) >>> 1]! + 7) >>> 3;
    return {
      minTimeMs: this.#time(s + seriesLayout.minTime),
      maxTimeMs: this.#time(s + seriesLayout.maxTime),
      encoding: floats,
      sampleCount: this.#halves[(s + seriesLayout.openCount) >>> 1]!,
      data: this.#bytes.subarray(at, at + dataLength),
      file: 0,
      offset: 0,
      dataLength,
    };
  }

  #chunk(c: number, minTimeMs: number, maxTimeMs: number): ReadChunk {
    const dataLength = this.#word(c + chunkLayout.dataLength);
    const isStored = (this.#bytes[c + chunkLayout.flags]! & chunkFlags.stored) !== 0;
    const at = c + chunkLayout.data;
    return {
      minTimeMs,
      maxTimeMs,
      encoding: this.#bytes[c + chunkLayout.encoding]!,
      sampleCount: this.#halves[(c + chunkLayout.count) >>> 1]!,
      data: isStored ? undefined : this.#bytes.subarray(at, at + dataLength),
      file: isStored ? this.#word(c + chunkLayout.file) : 0,
      offset: isStored ? this.#word(c + chunkLayout.offset) : 0,
      dataLength,
    };
  }

  #word(at: number): number {
    return this.#words[at >>> 2]!;
  }

  #time(at: number): number {
    return this.#signed[(at >>> 2) + 1]! * 2 ** 32 + this.#words[at >>> 2]!;
  }
}
