import { encodeChunks, type ChunkSample, type EncodedChunk } from '@gauntlet/chunk';
import { invariant } from '@gauntlet/base';
import type { AttachedChunk, ChunkPosition, ChunkSink, HeadChunk } from './head.js';
import { OutOfOrderArray } from './out-of-order-array.js';

export interface OutOfOrderOptions {
  /** Samples of an array. */
  readonly capMax?: number;
  /** Takes encoded chunks; without one they stay in memory. */
  readonly sink?: ChunkSink | undefined;
}

/** What a series has out of order. */
export interface LateSamples {
  readonly chunks: readonly HeadChunk[];
  readonly samples: readonly ChunkSample[];
}

interface Series {
  readonly chunks: { readonly chunk: HeadChunk; readonly round: number }[];
  /** Arrays that a snapshot has seen: nothing is added to them. */
  readonly frozen: { readonly samples: readonly ChunkSample[]; readonly round: number }[];
  open: OutOfOrderArray;
}

/**
 * The out-of-order samples of all series, by ref (spec/tsdb.md 5.9): an array for each, encoded to chunks when one more comes than it holds. Snapshots are
 * numbered rounds: each chunk or array knows the first that has it, and dropping a round drops it with all before.
 */
export class OutOfOrderStore {
  readonly #series = new Map<number, Series>();
  readonly #capMax: number;
  readonly #sink: ChunkSink | undefined;
  #round = 1;
  #sampleCount = 0;
  /** Undefined while they must be looked for. */
  #summary: { min: bigint; max: bigint; oldestFile: number } | undefined;

  constructor({ capMax = 32, sink }: OutOfOrderOptions = {}) {
    invariant(Number.isInteger(capMax) && capMax >= 1 && capMax <= 255, 'an array has 1 to 255 samples');
    this.#capMax = capMax;
    this.#sink = sink;
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  get minTimeMs(): number {
    return this.#series.size === 0 ? Infinity : Number(this.#bounds().min);
  }

  get maxTimeMs(): number {
    return this.#series.size === 0 ? -Infinity : Number(this.#bounds().max);
  }

  /** Smallest file that holds any; Infinity for none. */
  get oldestFile(): number {
    return this.#bounds().oldestFile;
  }

  has(ref: number): boolean {
    return this.#series.has(ref);
  }

  refs(): Iterable<number> {
    return this.#series.keys();
  }

  /** What a series has now: chunks, and samples of arrays by time. */
  of(ref: number): LateSamples | undefined {
    const series = this.#series.get(ref);
    if (series === undefined) return undefined;
    const { chunks, frozen, open } = series;
    return { chunks: chunks.map(({ chunk }) => chunk), samples: merged([...frozen, { samples: open.samples }]) };
  }

  /** Whether a series has a chunk, or an array, with a time in a range. */
  hasWithin(ref: number, minTimeMs: number, maxTimeMs: number): boolean {
    const series = this.#series.get(ref);
    if (series === undefined) return false;
    const isWithin = (samples: readonly ChunkSample[]): boolean =>
      samples.length > 0 &&
      Number(samples[0]!.timestampMs) <= maxTimeMs &&
      Number(samples.at(-1)!.timestampMs) >= minTimeMs;
    return (
      series.chunks.some(({ chunk }) => chunk.minTimeMs <= maxTimeMs && chunk.maxTimeMs >= minTimeMs) ||
      series.frozen.some(({ samples }) => isWithin(samples)) ||
      isWithin(series.open.samples)
    );
  }

  /** Stores a sample, unless the array has its time. `chunk` says where the array has gone, if it was full and there is a sink. */
  add(ref: number, sample: ChunkSample): { readonly isStored: boolean; readonly chunk: ChunkPosition | undefined } {
    const series = this.#seriesOf(ref);
    const chunk = series.open.length >= this.#capMax ? this.#encode(ref, series) : undefined;
    const isStored = series.open.insert(sample);
    if (isStored) {
      this.#sampleCount += 1;
      this.#extend(sample.timestampMs, sample.timestampMs, Infinity);
    }
    return { isStored, chunk };
  }

  /** A chunk that was found in a file. */
  attach(ref: number, chunk: AttachedChunk): void {
    const { minTimeMs, maxTimeMs, encoding, sampleCount, position, dataLength } = chunk;
    const stored = { ...position, dataLength };
    this.#seriesOf(ref).chunks.push({
      chunk: { minTimeMs, maxTimeMs, encoding, sampleCount, stored },
      round: this.#round,
    });
    this.#sampleCount += sampleCount;
    this.#extend(BigInt(minTimeMs), BigInt(maxTimeMs), position.file);
  }

  /** Encodes what a series has in its array, before it is full. */
  encode(ref: number): void {
    const series = this.#series.get(ref);
    if (series !== undefined && series.open.length > 0) this.#encode(ref, series);
  }

  /** Forgets what is in the series' array: it is known to be in a chunk. */
  clear(ref: number): void {
    const series = this.#series.get(ref);
    if (series === undefined || series.open.length === 0) return;
    this.#sampleCount -= series.open.length;
    series.open = new OutOfOrderArray();
    this.#summary = undefined;
    this.#forgetEmpty(ref, series);
  }

  /** Forgets a series. */
  delete(ref: number): void {
    const series = this.#series.get(ref);
    if (series === undefined) return;
    this.#sampleCount -= countOf(series);
    this.#series.delete(ref);
    this.#summary = undefined;
  }

  /** Ends a round, whose number it returns: all that is there now belongs to it or to one before. */
  freeze(): { readonly round: number; readonly series: ReadonlyMap<number, LateSamples> } {
    const round = this.#round;
    this.#round += 1;
    const frozen = new Map<number, LateSamples>();
    for (const [ref, series] of this.#series) {
      if (series.open.length > 0) series.frozen.push({ samples: series.open.samples, round });
      series.open = new OutOfOrderArray();
      frozen.set(ref, { chunks: series.chunks.map(({ chunk }) => chunk), samples: merged(series.frozen) });
    }
    return { round, series: frozen };
  }

  /** Forgets what belongs to a round or to one before. Returns the refs of series that have nothing left. */
  drop(round: number): number[] {
    const emptied: number[] = [];
    for (const [ref, series] of this.#series) {
      const count = countOf(series);
      removeWhere(series.chunks, (item) => item.round <= round);
      removeWhere(series.frozen, (item) => item.round <= round);
      this.#sampleCount += countOf(series) - count;
      if (this.#forgetEmpty(ref, series)) emptied.push(ref);
    }
    this.#summary = undefined;
    return emptied;
  }

  #seriesOf(ref: number): Series {
    let series = this.#series.get(ref);
    if (series === undefined) this.#series.set(ref, (series = { chunks: [], frozen: [], open: new OutOfOrderArray() }));
    return series;
  }

  /**
   * Encodes the series' arrays. Those of a snapshot stay of its round, but must be chunks too: the marker that is going to be logged says that all samples before it are.
   * @returns where the last chunk is
   */
  #encode(ref: number, series: Series): ChunkPosition | undefined {
    let last: ChunkPosition | undefined;
    const arrays = [...series.frozen, { samples: series.open.samples, round: this.#round }];
    for (const { samples, round } of arrays) {
      for (const encoded of encodeChunks(samples, { samplesMax: 255 })) {
        const chunk = this.#place(ref, encoded);
        series.chunks.push({ chunk, round });
        last = chunk.stored ?? last;
      }
    }
    series.frozen.length = 0;
    series.open = new OutOfOrderArray();
    return last;
  }

  #place(ref: number, { encoding, minTimeMs, maxTimeMs, sampleCount, data }: EncodedChunk): HeadChunk {
    const summary = { minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs), encoding };
    if (this.#sink === undefined) return { ...summary, sampleCount, data };
    const { file, offset } = this.#sink.append({ ref, ...summary, isOutOfOrder: true, data });
    this.#extend(minTimeMs, maxTimeMs, file);
    return { ...summary, sampleCount, stored: { file, offset, dataLength: data.length } };
  }

  #forgetEmpty(ref: number, series: Series): boolean {
    const isEmpty = countOf(series) === 0;
    if (isEmpty) this.#series.delete(ref);
    return isEmpty;
  }

  #extend(min: bigint, max: bigint, file: number): void {
    const summary = this.#summary;
    if (summary === undefined) return;
    if (min < summary.min) summary.min = min;
    if (max > summary.max) summary.max = max;
    if (file < summary.oldestFile) summary.oldestFile = file;
  }

  #bounds(): { readonly min: bigint; readonly max: bigint; readonly oldestFile: number } {
    if (this.#summary !== undefined) return this.#summary;
    const summary = (this.#summary = { min: 2n ** 63n - 1n, max: -(2n ** 63n), oldestFile: Infinity });
    for (const { chunks, frozen, open } of this.#series.values()) {
      for (const { chunk } of chunks) {
        this.#extend(BigInt(chunk.minTimeMs), BigInt(chunk.maxTimeMs), chunk.stored?.file ?? Infinity);
      }
      for (const samples of [...frozen.map((array) => array.samples), open.samples]) {
        const [first, last] = [samples[0], samples.at(-1)];
        if (first && last) this.#extend(first.timestampMs, last.timestampMs, Infinity);
      }
    }
    return summary;
  }
}

function countOf({ chunks, frozen, open }: Series): number {
  const encoded = chunks.reduce((sum, { chunk }) => sum + chunk.sampleCount, 0);
  return frozen.reduce((sum, { samples }) => sum + samples.length, encoded + open.length);
}

/** Arrays by time; what came first has a time that several have. */
function merged(arrays: readonly { readonly samples: readonly ChunkSample[] }[]): readonly ChunkSample[] {
  if (arrays.length === 1) return arrays[0]!.samples;
  const all = new OutOfOrderArray();
  for (const { samples } of arrays) for (const sample of samples) all.insert(sample);
  return all.samples;
}

function removeWhere<T>(items: T[], isGone: (item: T) => boolean): void {
  const kept = items.filter((item) => !isGone(item));
  items.length = 0;
  items.push(...kept);
}
