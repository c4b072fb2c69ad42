import { compareCanonicalLabels } from '@gauntlet/model';
import type { SelectedChunk, SelectedSeries, SeriesSource } from './series-source.js';

export interface MergeOptions {
  /**
   * What becomes of series with equal labels from several sources: 'join' makes them one, with the chunks of all; 'apart' leaves them next to each other,
   * those of earlier sources first. A tenant's parts hold parts of one series; two tenants have their own ones, even if those look the same.
   */
  readonly chunks: 'join' | 'apart';
}

/**
 * One source of several, each of which is in the order of its final labels. Of each source one series is held, which is its view. Where one fails, the
 * others are closed.
 */
export function mergeSources(sources: readonly SeriesSource[], options: MergeOptions): SeriesSource {
  return sources.length === 1 ? sources[0]! : new Merge(sources, options);
}

/** A source with the series that it gave last. */
interface Head {
  readonly source: SeriesSource;
  /** The place in the list of sources: equal labels come in this order. */
  readonly place: number;
  series: SelectedSeries | undefined;
}

class Merge implements SeriesSource {
  readonly #sources: readonly SeriesSource[];
  readonly #joins: boolean;
  /** A binary heap: no head comes before its parent. */
  #heap: Head[] = [];
  /** Heads whose series have been handed out, or that have not been asked yet: views end with the next call, so each is asked only then. */
  #taken: Head[];
  #isClosed = false;

  constructor(sources: readonly SeriesSource[], { chunks }: MergeOptions) {
    this.#sources = sources;
    this.#joins = chunks === 'join';
    this.#taken = sources.map((source, place) => ({ source, place, series: undefined }));
  }

  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined> {
    if (this.#isClosed) return undefined;
    let refilled: Promise<void> | undefined;
    try {
      refilled = this.#refill();
    } catch (error) {
      this.close();
      throw error;
    }
    return refilled === undefined ? this.#take() : this.#takeLater(refilled);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#heap = [];
    for (const source of this.#sources) source.close();
  }

  async #takeLater(refilled: Promise<void>): Promise<SelectedSeries | undefined> {
    try {
      await refilled;
    } catch (error) {
      this.close();
      throw error;
    }
    return this.#take();
  }

  /** Asks all sources at once: each may have to wait for its disk. */
  #refill(): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    for (const head of this.#taken) {
      const series = head.source.next();
      if (series instanceof Promise) waiting.push(series.then((later) => this.#push(head, later)));
      else this.#push(head, series);
    }
    this.#taken = [];
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  }

  #take(): SelectedSeries | undefined {
    const first = this.#pop();
    if (first === undefined) return undefined;
    this.#taken.push(first);
    const series = first.series!;
    while (this.#joins && this.#heap[0] !== undefined && haveSameLabels(series, this.#heap[0].series!))
      this.#taken.push(this.#pop()!);
    return this.#taken.length === 1 ? series : joined(this.#taken.map((head) => head.series!));
  }

  #push(head: Head, series: SelectedSeries | undefined): void {
    if (series === undefined || this.#isClosed) return;
    head.series = series;
    const heap = this.#heap;
    let index = heap.push(head) - 1;
    for (let parent = (index - 1) >> 1; index > 0 && isBefore(head, heap[parent]!); parent = (index - 1) >> 1) {
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = head;
  }

  #pop(): Head | undefined {
    const heap = this.#heap;
    const root = heap[0];
    const last = heap.pop();
    if (last === undefined || last === root) return root;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return root;
  }
}

function isBefore(a: Head, b: Head): boolean {
  return (compareCanonicalLabels(a.series!.labels, b.series!.labels) || a.place - b.place) < 0;
}

function haveSameLabels(a: SelectedSeries, b: SelectedSeries): boolean {
  return a.labels.length === b.labels.length && compareCanonicalLabels(a.labels, b.labels) === 0;
}

/** One series of several with the same labels. A chunk that two of them hold, as a head and a fresh block do, comes once. */
function joined(all: readonly SelectedSeries[]): SelectedSeries {
  const sorted = all.flatMap(({ chunks }) => chunks).sort(byTime);
  const chunks: SelectedChunk[] = [];
  for (const chunk of sorted) if (!hasTwin(chunks, chunk)) chunks.push(chunk);
  return { labels: all[0]!.labels, chunks };
}

function byTime(a: SelectedChunk, b: SelectedChunk): number {
  return a.minTimeMs - b.minTimeMs || a.maxTimeMs - b.maxTimeMs;
}

function hasTwin(sorted: readonly SelectedChunk[], chunk: SelectedChunk): boolean {
  for (let index = sorted.length - 1; index >= 0 && byTime(sorted[index]!, chunk) === 0; index -= 1)
    if (areEqual(sorted[index]!, chunk)) return true;
  return false;
}

function areEqual(a: SelectedChunk, b: SelectedChunk): boolean {
  return (
    a.encoding === b.encoding &&
    a.data.length === b.data.length &&
    a.data.every((byte, index) => byte === b.data[index])
  );
}
