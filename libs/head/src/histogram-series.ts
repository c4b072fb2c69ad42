import { HistogramChunk, type Histogram } from '@gauntlet/chunk';
import type { FinishedChunk } from '@gauntlet/kernel';

/**
 * What the head keeps of a series whose newest sample is a histogram: that sample, and the open chunk, if there is one. There is none after a snapshot
 * has finished it, and none when the newest sample is known to be in a stored chunk.
 */
export class HistogramSeries {
  readonly #chunkRangeMs: number;
  #open: HistogramChunk | undefined;
  /** The chunk that was finished last: the header of the next one follows from it. */
  #finished: HistogramChunk | undefined;
  #last: Histogram;

  private constructor(chunkRangeMs: number, open: HistogramChunk | undefined, last: Histogram) {
    this.#chunkRangeMs = chunkRangeMs;
    this.#open = open;
    this.#last = last;
  }

  static begin(timestampMs: bigint, histogram: Histogram, chunkRangeMs: number): HistogramSeries {
    return new HistogramSeries(chunkRangeMs, HistogramChunk.begin(timestampMs, histogram), histogram);
  }

  /** The newest sample is in a finished chunk already. */
  static behind(last: Histogram, chunkRangeMs: number): HistogramSeries {
    return new HistogramSeries(chunkRangeMs, undefined, last);
  }

  get last(): Histogram {
    return this.#last;
  }

  /** Where the open chunk begins. */
  get open(): { readonly minTime: bigint } | undefined {
    return this.#open && { minTime: this.#open.minTimeMs };
  }

  /** The open chunk as it is now, as a copy. */
  openChunk(): FinishedChunk | undefined {
    return this.#open && finished(this.#open);
  }

  /** Takes a newer sample. Returns the chunk that this has finished, if it has. */
  append(timestampMs: bigint, histogram: Histogram): FinishedChunk | undefined {
    const before = this.#open;
    const next = this.#nextChunk(before, timestampMs, histogram);
    this.#last = histogram;
    if (next === before) return undefined;
    this.#open = next;
    this.#finished = before ?? this.#finished;
    return before && finished(before);
  }

  /** Ends the open chunk, if there is one, once `take` has taken it. */
  finish(take: (chunk: FinishedChunk) => void): void {
    if (this.#open === undefined) return;
    take(finished(this.#open));
    this.#finished = this.#open;
    this.#open = undefined;
  }

  #nextChunk(open: HistogramChunk | undefined, timestampMs: bigint, histogram: Histogram): HistogramChunk {
    if (open === undefined) {
      return this.#finished?.cut(timestampMs, histogram) ?? HistogramChunk.begin(timestampMs, histogram);
    }
    if (open.decide(timestampMs, this.#chunkRangeMs) === 'cut') return open.cut(timestampMs, histogram);
    const taken = open.append(timestampMs, histogram);
    return taken.outcome === 'new-chunk' ? taken.next : open;
  }
}

function finished(chunk: HistogramChunk): FinishedChunk {
  const { minTimeMs, maxTimeMs, sampleCount, encoding } = chunk;
  return { minTime: minTimeMs, maxTime: maxTimeMs, count: sampleCount, encoding, data: chunk.bytes() };
}
