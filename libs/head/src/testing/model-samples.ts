import { isStaleHistogram, type Histogram } from '@gauntlet/chunk';
import { ExemplarRing } from '../exemplar-ring.js';
import type { Rejections } from '../head.js';
import { refusedItem } from './refused-items.js';
import type { TestRow } from './lay-out-batch.js';

/** A value as a text: of histograms, what a chunk does not change. */
export function valueOf(value: bigint | Histogram): string {
  if (typeof value === 'bigint') return value.toString(16);
  if (isStaleHistogram(value)) return `${value.kind} stale`;
  return `${value.kind} ${String(value.schema)} ${String(value.count)} ${value.sumBits.toString(16)}`;
}

const staleBits = 0x7ff0000000000002n;

export interface ModelSeries {
  readonly id: number;
  samples: { readonly t: number; readonly value: string }[];
  /** Each time may have several values, of which some are kept. */
  late: Map<number, Set<string>>;
  /** What was ever late, as `time value`. */
  readonly everLate: Set<string>;
}

/** What a head stores of samples of all kinds, as plain objects: no chunks, no logs. */
export class ModelSamples {
  readonly series = new Map<string, ModelSeries>();
  readonly ring = new ExemplarRing({ capacity: 10_000, outOfOrderWindowMs: 0 });
  readonly #rangeMs: number;
  readonly #windowMs: number;
  maxTimeMs = -Infinity;
  minValidTimeMs = -Infinity;
  #nextId = 1;

  constructor(rangeMs: number, windowMs: number) {
    this.#rangeMs = rangeMs;
    this.#windowMs = windowMs;
  }

  /** @param seriesMax series that there may be */
  append(rows: readonly TestRow[], timestampMsMax: number, seriesMax = Infinity) {
    const refused: string[] = [];
    const counts = { stored: 0, late: 0 };
    const bounds = this.#bounds();
    for (const [i, { labels, samples, histograms = [], exemplars = [] }] of rows.entries()) {
      const key = JSON.stringify(labels);
      let isLastTaken = true;
      for (const { item, at, t, value } of [
        ...samples.map(({ t, bits }, at) => ({ item: 'sample' as const, at, t, value: bits as bigint | Histogram })),
        ...histograms.map(({ t, histogram }, at) => ({
          item: 'histogram' as const,
          at,
          t,
          value: histogram as bigint | Histogram,
        })),
      ]) {
        const isFull = !this.series.has(key) && this.series.size >= seriesMax;
        const verdict = this.#add(key, Number(t), value, timestampMsMax, bounds, isFull);
        isLastTaken = verdict === 'stored' || verdict === 'repeated' || verdict === 'late';
        if (verdict === 'stored' || verdict === 'late') counts[verdict] += 1;
        else if (verdict !== 'repeated') refused.push(refusedItem(i, item, at, verdict));
      }
      const series = this.series.get(key);
      if (series === undefined && samples.length + histograms.length === 0)
        for (const at of exemplars.keys()) refused.push(refusedItem(i, 'exemplar', at, 'exemplarWithoutSeries'));
      if (!isLastTaken || series === undefined) continue;
      for (const [at, { t, bits, labels: pairs }] of exemplars.entries()) {
        const refuse = (reason: keyof Rejections): void => void refused.push(refusedItem(i, 'exemplar', at, reason));
        if (Number(t) > timestampMsMax) {
          refuse('outOfBounds');
          continue;
        }
        const verdict = this.ring.add(series.id, {
          timestampMs: t,
          valueBits: bits,
          labels: pairs.map(([name, value]) => ({ name, value })),
        });
        if (verdict === 'outOfOrder') refuse('exemplarOutOfOrder');
        if (verdict === 'labels') refuse('exemplarLabels');
      }
    }
    return { refused: refused.sort(), ...counts };
  }

  #bounds() {
    const hasData = this.maxTimeMs !== -Infinity;
    const half = Math.trunc(this.#rangeMs / 2);
    return {
      appendableMin: Math.max(this.minValidTimeMs, hasData ? this.maxTimeMs - half : -Infinity),
      lateMin: hasData ? this.maxTimeMs - this.#windowMs : this.minValidTimeMs - this.#windowMs,
    };
  }

  #add(
    key: string,
    t: number,
    value: bigint | Histogram,
    max: number,
    bounds: { appendableMin: number; lateMin: number },
    isFull: boolean,
  ): 'stored' | 'repeated' | 'late' | keyof Rejections {
    if (t > max) return 'outOfBounds';
    if (this.maxTimeMs === -Infinity && t >= this.minValidTimeMs) {
      if (isFull) return 'seriesLimit';
      this.maxTimeMs = t;
      Object.assign(bounds, this.#bounds());
    }
    const series = this.series.get(key);
    const newest = series?.samples.at(-1);
    let text = valueOf(value);
    if (value === staleBits && newest !== undefined && newest.value.includes(' ')) {
      text = `${newest.value.split(' ')[0]!} stale`;
    }
    if (t >= bounds.appendableMin) {
      if (newest === undefined || t > newest.t) {
        if (isFull) return 'seriesLimit';
        this.#seriesOf(key).samples.push({ t, value: text });
        this.maxTimeMs = Math.max(this.maxTimeMs, t);
        return 'stored';
      }
      if (t === newest.t) return text === newest.value ? 'repeated' : 'duplicate';
    }
    if (this.#windowMs > 0) {
      if (t < bounds.lateMin) return 'tooOld';
      if (isFull) return 'seriesLimit';
      const { late, everLate } = this.#seriesOf(key);
      everLate.add(`${String(t)} ${text}`);
      late.set(t, (late.get(t) ?? new Set()).add(text));
      return 'late';
    }
    return t < bounds.appendableMin ? 'outOfBounds' : 'outOfOrder';
  }

  #seriesOf(key: string): ModelSeries {
    let series = this.series.get(key);
    if (series === undefined)
      this.series.set(key, (series = { id: this.#nextId++, samples: [], late: new Map(), everLate: new Set() }));
    return series;
  }

  /** Series that end before a time lose their samples in order, and go if they have no others. */
  truncate(minTimeMs: number): void {
    for (const [key, series] of this.series) {
      if ((series.samples.at(-1)?.t ?? -Infinity) >= minTimeMs) continue;
      series.samples = [];
      if (series.late.size === 0) this.series.delete(key);
    }
  }

  dropLate(): void {
    for (const series of this.series.values()) series.late = new Map();
  }
}
