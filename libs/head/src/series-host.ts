import { type ChunkSample, type Histogram } from '@gauntlet/chunk';
import type { FinishedChunk, SeriesAddress, Shard, ShardSeriesState } from '@gauntlet/kernel';
import { Deletions } from './deletions.js';
import type { ExemplarRing } from './exemplar-ring.js';
import type { ChunkPosition } from './head.js';
import { HistogramSeries } from './histogram-series.js';
import type { OutOfOrderStore } from './out-of-order-store.js';

/** A series in the memory of its shard. */
export interface SeriesPlace {
  readonly shard: Shard;
  readonly s: SeriesAddress;
}

/** What the head keeps beside the kernel's memory, by ref: histograms that are open, samples out of order, exemplars, deleted intervals. */
export class SeriesHost {
  readonly deletions = new Deletions();
  readonly late: OutOfOrderStore;
  readonly exemplars: ExemplarRing | undefined;
  readonly #chunkRangeMs: number;
  readonly #histograms = new Map<number, HistogramSeries>();
  /** Where the series are that have samples out of order: they are pinned, so that they stay there. */
  readonly #latePlaces = new Map<number, SeriesPlace>();

  constructor(chunkRangeMs: number, late: OutOfOrderStore, exemplars: ExemplarRing | undefined) {
    this.#chunkRangeMs = chunkRangeMs;
    this.late = late;
    this.exemplars = exemplars;
  }

  /** The newest sample of a series that is the host's. */
  lastHistogram(ref: number): Histogram | undefined {
    return this.#histograms.get(ref)?.last;
  }

  /** The open histogram chunk of a series, as a copy. */
  openChunk(ref: number): FinishedChunk | undefined {
    return this.#histograms.get(ref)?.openChunk();
  }

  /** Stores a histogram that is newer than all others of its series. */
  storeHistogram({ shard, s }: SeriesPlace, state: ShardSeriesState, t: bigint, histogram: Histogram): void {
    const ref = Number(state.ref);
    let series = state.isHost ? this.#histograms.get(ref) : undefined;
    if (series === undefined) {
      shard.finishOpen(s);
      series = HistogramSeries.begin(t, histogram, this.#chunkRangeMs);
      this.#histograms.set(ref, series);
    } else {
      const finished = series.append(t, histogram);
      if (finished !== undefined) shard.pushChunk(s, finished);
    }
    shard.setHost(s, series.open, t);
  }

  /** The newest sample of a series, which is in a stored chunk, was this. */
  noteHistogram({ shard, s }: SeriesPlace, state: ShardSeriesState, histogram: Histogram): void {
    this.#histograms.set(Number(state.ref), HistogramSeries.behind(histogram, this.#chunkRangeMs));
    shard.setHost(s, undefined, state.maxTime);
  }

  /** Stores a float that is newer than all others of its series. */
  storeFloat(place: SeriesPlace, state: ShardSeriesState, t: bigint, bits: bigint, log: boolean): void {
    const { shard, s } = place;
    if (state.isHost) {
      this.finishHistogram(place);
      shard.clearHost(s);
      this.#histograms.delete(Number(state.ref));
    }
    shard.appendFloat(s, t, bits, log);
  }

  /** Ends the open histogram chunk of a series, if there is one. */
  finishHistogram({ shard, s }: SeriesPlace): void {
    const { ref, maxTime } = shard.series(s);
    const series = this.#histograms.get(Number(ref));
    series?.finish((chunk) => {
      shard.pushChunk(s, chunk);
    });
    shard.setHost(s, undefined, maxTime);
  }

  /** The series' samples in order are gone. */
  forgetHistogram(ref: number): void {
    this.#histograms.delete(ref);
  }

  /** The series is gone. */
  forget(ref: number): void {
    this.#histograms.delete(ref);
    this.late.delete(ref);
    this.#latePlaces.delete(ref);
    this.deletions.forget(ref);
    this.exemplars?.forget(ref);
  }

  /** Stores a sample out of order; while a replay runs, the series is not pinned yet. */
  storeLate(
    place: SeriesPlace,
    ref: number,
    sample: ChunkSample,
  ): { readonly isStored: boolean; readonly chunk: ChunkPosition | undefined } {
    this.noteLate(place, ref);
    return this.late.add(ref, sample);
  }

  noteLate(place: SeriesPlace, ref: number): void {
    if (this.#latePlaces.has(ref)) return;
    this.#latePlaces.set(ref, place);
    place.shard.setPinned(place.s, true);
  }

  latePlace(ref: number): SeriesPlace | undefined {
    return this.#latePlaces.get(ref);
  }

  /** Lets go of series that have no samples out of order any more; they go with the next truncation if they have no others. Whether there were any. */
  unpin(): boolean {
    const gone = [...this.#latePlaces].filter(([ref]) => !this.late.has(ref));
    for (const [ref, { shard, s }] of gone) {
      shard.setPinned(s, false);
      this.#latePlaces.delete(ref);
    }
    return gone.length > 0;
  }
}
