import type { ChunkSample } from '@gauntlet/chunk';
import {
  encodeHistograms,
  encodeMarkers,
  encodeSamples,
  type HistogramEntry,
  type MarkerEntry,
  type SampleEntry,
} from '@gauntlet/wal';
import { histogramBytes, recordBytesAim } from './wal-batch.js';

/**
 * Collects the WBL records of one append (spec/tsdb.md 2.9). A marker says that everything before it of its series is in chunks, so it must come behind the
 * samples that are, and before those that are not. Records come in groups of markers, samples and histograms: a series' marker begins a group
 * if the running one has anything of that series.
 */
export class WblBatch {
  readonly #records: Uint8Array[] = [];
  #markers: MarkerEntry[] = [];
  #samples: SampleEntry[] = [];
  #histograms: HistogramEntry[] = [];
  #histogramBytes = 0;
  readonly #refs = new Set<number>();

  addSample(ref: number, sample: ChunkSample): void {
    this.#refs.add(ref);
    const { timestampMs } = sample;
    if ('bits' in sample) this.#samples.push({ ref, timestampMs, valueBits: sample.bits });
    else this.#addHistogram({ ref, timestampMs, histogram: sample.histogram });
  }

  #addHistogram(entry: HistogramEntry): void {
    const bytes = histogramBytes(entry);
    if (this.#histogramBytes + bytes > recordBytesAim) {
      this.#endGroup();
      this.#refs.add(entry.ref);
    }
    this.#histograms.push(entry);
    this.#histogramBytes += bytes;
  }

  addMarker(ref: number, chunkRef: bigint): void {
    if (this.#refs.has(ref)) this.#endGroup();
    this.#refs.add(ref);
    this.#markers.push({ ref, chunkRef });
  }

  records(): Uint8Array[] {
    this.#endGroup();
    return this.#records;
  }

  #endGroup(): void {
    if (this.#markers.length > 0) this.#records.push(encodeMarkers(this.#markers));
    if (this.#samples.length > 0) this.#records.push(encodeSamples(this.#samples));
    this.#records.push(...encodeHistograms(this.#histograms));
    this.#markers = [];
    this.#samples = [];
    this.#histograms = [];
    this.#histogramBytes = 0;
    this.#refs.clear();
  }
}
