import { XorAppender, decideCut, rangeEnd } from '@gauntlet/chunk';
import type { Rejections } from '../head.js';
import { refusedItem } from './refused-items.js';
import { canonicalLabels, type TestLabels, type TestRow } from './lay-out-batch.js';

export interface ModelChunk {
  readonly appender: XorAppender;
  readonly minTimeMs: number;
  maxTimeMs: number;
  nextAtMs: number;
  /** A snapshot has finished it: nothing is added. */
  isFinished: boolean;
}

export interface ModelSeries {
  readonly ref: number;
  readonly labels: TestLabels;
  chunks: ModelChunk[];
  lastBits: bigint;
}

export interface ModelOptions {
  readonly chunkRangeMs: number;
  readonly samplesPerChunk: number;
}

/** The head as plain objects: the twin that the kernel's answers are compared with. */
export class ModelHead {
  readonly options: ModelOptions;
  readonly series = new Map<string, ModelSeries>();
  minTimeMs = Infinity;
  maxTimeMs = -Infinity;
  minValidTimeMs = -Infinity;
  nextRef = 1;

  constructor(options: ModelOptions) {
    this.options = options;
  }

  get appendableMin(): number {
    return Math.max(this.minValidTimeMs, this.maxTimeMs - Math.trunc(this.options.chunkRangeMs / 2));
  }

  /** @param seriesMax series that there may be */
  append(
    rows: readonly TestRow[],
    timestampMsMax: number,
    verdict: (labels: TestLabels) => keyof Rejections | undefined,
    seriesMax = Infinity,
  ) {
    const refused: string[] = [];
    const logged: [ref: number, t: number, bits: bigint][] = [];
    const created: ModelSeries[] = [];
    let appended = 0;
    let appendableMin = this.appendableMin;
    for (const [i, row] of rows.entries()) {
      const wrong = verdict(row.labels);
      if (wrong !== undefined) {
        refused.push(refusedItem(i, 'series', 0, wrong));
        continue;
      }
      const key = canonicalLabels(row.labels).toString('hex');
      for (const [sample, { t: time, bits }] of row.samples.entries()) {
        const refuse = (reason: keyof Rejections): void => void refused.push(refusedItem(i, 'sample', sample, reason));
        const isFull = !this.series.has(key) && this.series.size >= seriesMax;
        const t = Number(time);
        if (t <= timestampMsMax && t >= this.minValidTimeMs && this.maxTimeMs === -Infinity) {
          if (isFull) {
            refuse('seriesLimit');
            continue;
          }
          this.minTimeMs = this.maxTimeMs = t;
          appendableMin = this.appendableMin;
        }
        if (t > timestampMsMax || t < appendableMin) {
          refuse('outOfBounds');
          continue;
        }
        let series = this.series.get(key);
        const last = series?.chunks.at(-1)?.maxTimeMs ?? -Infinity;
        if (series !== undefined && t === last) {
          if (bits === series.lastBits) logged.push([series.ref, t, bits]);
          else refuse('duplicate');
          continue;
        }
        if (t < last) {
          refuse('outOfOrder');
          continue;
        }
        if (isFull) {
          refuse('seriesLimit');
          continue;
        }
        if (series === undefined) {
          series = { ref: this.nextRef++, labels: row.labels, chunks: [], lastBits: 0n };
          this.series.set(key, series);
          created.push(series);
        }
        this.#store(series, t, bits);
        logged.push([series.ref, t, bits]);
        appended += 1;
        // The bounds of the head move, but not those that this request is judged by.
        this.minTimeMs = Math.min(this.minTimeMs, t);
        this.maxTimeMs = Math.max(this.maxTimeMs, t);
      }
    }
    return { refused: refused.sort(), logged, created, appended };
  }

  truncate(minTimeMs: number): void {
    if (this.minTimeMs >= minTimeMs && this.minTimeMs !== Infinity) return;
    this.minValidTimeMs = Math.max(this.minValidTimeMs, minTimeMs);
    const hasData = this.maxTimeMs !== -Infinity;
    if (hasData) {
      this.minTimeMs = minTimeMs;
      this.maxTimeMs = Math.max(this.maxTimeMs, minTimeMs);
    }
    let oldest = Infinity;
    for (const [key, series] of this.series) {
      series.chunks = series.chunks.filter((chunk) => chunk.maxTimeMs >= minTimeMs);
      if (series.chunks.length === 0) this.series.delete(key);
      else oldest = Math.min(oldest, series.chunks[0]!.minTimeMs);
    }
    if (!hasData || oldest <= this.minTimeMs) return;
    this.minTimeMs = Math.min(oldest, this.appendableMin);
    this.minValidTimeMs = Math.max(this.minValidTimeMs, this.minTimeMs);
  }

  /** What a snapshot of everything does. */
  finishChunks(): void {
    for (const { chunks } of this.series.values()) for (const chunk of chunks) chunk.isFinished = true;
  }

  #store(series: ModelSeries, t: number, bits: bigint): void {
    let open = series.chunks.at(-1);
    if (open?.isFinished === true) open = undefined;
    if (open !== undefined) {
      const { sampleCount, byteLength } = open.appender;
      const { cut, nextAtMs } = decideCut({ ...open, sampleCount, byteLength }, t, this.options.samplesPerChunk);
      open.nextAtMs = nextAtMs;
      if (cut) open = undefined;
    }
    if (open === undefined) {
      open = {
        appender: new XorAppender(),
        minTimeMs: t,
        maxTimeMs: t,
        nextAtMs: rangeEnd(t, this.options.chunkRangeMs),
        isFinished: false,
      };
      series.chunks.push(open);
    }
    open.appender.append(BigInt(t), bits);
    open.maxTimeMs = t;
    series.lastBits = bits;
  }
}
