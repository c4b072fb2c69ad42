import type { Histogram } from '@gauntlet/chunk';
import { encodeExemplars, encodeHistograms, type ExemplarEntry, type HistogramEntry } from '@gauntlet/wal';

/** Histograms that go into one type of record: a run has one for each series, since records of types are not in the order of samples. */
export type Flavour = 'integer' | 'float' | 'custom integer' | 'custom float';

export function flavourOf({ kind, schema }: Histogram): Flavour {
  return schema === -53 ? `custom ${kind}` : kind;
}

/** Entries that go into a record together: estimated, so that records stay within a few megabytes. */
export const recordBytesAim = 2 * 1024 * 1024;

/**
 * Collects the WAL records of one append in the order of spec/tsdb.md 2.5: all series; then *runs*, in each of which a series has one flavour of histogram and no
 * float behind it, as samples, then histograms; exemplars last. Samples records are views into a shard that its next append ends.
 */
export class WalBatch {
  readonly #series: Uint8Array[] = [];
  readonly #samples: Uint8Array[] = [];
  /** How many of either are copies already. */
  #copied: readonly [series: number, samples: number] = [0, 0];
  /** Of the run. As objects they take many times the bytes of their records, so that no more than a record's worth waits to become one. */
  #histograms: HistogramEntry[] = [];
  #histogramBytes = 0;
  #histogramRecords: Uint8Array[] = [];
  readonly #flavours = new Map<number, Flavour>();
  readonly #exemplars: ExemplarEntry[] = [];

  /** What histograms the series has in this run. */
  flavourOf(ref: number): Flavour | undefined {
    return this.#flavours.get(ref);
  }

  addSeries(record: Uint8Array): void {
    if (record.length > 0) this.#series.push(record);
  }

  addHistogram(entry: HistogramEntry): void {
    const bytes = histogramBytes(entry);
    if (this.#histogramBytes + bytes > recordBytesAim) this.#encodeHistograms();
    this.#histograms.push(entry);
    this.#histogramBytes += bytes;
    this.#flavours.set(entry.ref, flavourOf(entry.histogram));
  }

  addExemplar(entry: ExemplarEntry): void {
    this.#exemplars.push(entry);
  }

  /** Ends a run; `samples` are its floats, empty for none. */
  endRun(samples: Uint8Array): void {
    if (samples.length > 0) this.#samples.push(samples);
    this.#encodeHistograms();
    for (const record of this.#histogramRecords) this.#samples.push(record);
    this.#histogramRecords = [];
    this.#flavours.clear();
  }

  #encodeHistograms(): void {
    this.#histogramRecords.push(...encodeHistograms(this.#histograms));
    this.#histograms = [];
    this.#histogramBytes = 0;
  }

  /** Copies what the shards' next append is going to overwrite. */
  keep(): void {
    this.#copied = [copyFrom(this.#series, this.#copied[0]), copyFrom(this.#samples, this.#copied[1])];
  }

  records(): Uint8Array[] {
    const exemplars = pieces(this.#exemplars, exemplarBytes).map((entries) => encodeExemplars(entries));
    return [...this.#series, ...this.#samples, ...exemplars];
  }
}

function pieces<T>(entries: readonly T[], bytesOf: (entry: T) => number): T[][] {
  const all: T[][] = [];
  let bytes = Infinity;
  for (const entry of entries) {
    const size = bytesOf(entry);
    if (bytes + size > recordBytesAim) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)!.push(entry);
    bytes += size;
  }
  return all;
}

/** Of its entry in a record, about. */
export function histogramBytes({ histogram }: HistogramEntry): number {
  const { positive, negative, positiveSpans, negativeSpans, customBounds } = histogram;
  const buckets = positive.length + negative.length + customBounds.length;
  return 64 + 8 * buckets + 4 * (positiveSpans.length + negativeSpans.length);
}

function exemplarBytes({ labels }: ExemplarEntry): number {
  return labels.reduce((sum, { name, value }) => sum + name.length + value.length + 4, 32);
}

/** Replaces the records from `first` on by copies; returns how many there are. */
function copyFrom(records: Uint8Array[], first: number): number {
  for (let i = first; i < records.length; i += 1) records[i] = records[i]!.slice();
  return records.length;
}
