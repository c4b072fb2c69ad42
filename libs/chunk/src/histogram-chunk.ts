import { invariant } from '@gauntlet/base';
import { bucketIndexes, spansOf } from './bucket-spans.js';
import { ChunkEncoding } from './encoding.js';
import { CounterReset, type Histogram, type Span } from './histogram.js';
import { decodeHistogramChunk } from './histogram-decoder.js';
import { type HistogramWriter, beginHistograms } from './histogram-writer.js';
import {
  type LayoutUnion,
  type SideUnion,
  anyFell,
  padded,
  sameBounds,
  sameScale,
  uniteLayouts,
} from './layout-union.js';
import { decideHistogramCut, rangeEnd } from './sizing.js';
import { isStaleHistogram } from './stale-histogram.js';

/** What became of a sample. `recode`: the chunk was written anew with more buckets. `new-chunk`: it begins the chunk `next`. */
export type HistogramAppend =
  { readonly outcome: 'append' | 'recode' } | { readonly outcome: 'new-chunk'; readonly next: HistogramChunk };

/**
 * The open histogram chunk of a series, encoding 2 or 3: which samples may follow one another in a chunk, what its header says of counter
 * resets, and when it is full (spec/tsdb.md 1.7, 1.8, 1.10). Histograms are valid (`validateHistogram`), in the order of their times, and
 * not changed after they were given: the chunk keeps the last one.
 */
export class HistogramChunk {
  readonly encoding: 2 | 3;
  readonly minTimeMs: bigint;
  readonly #header: CounterReset;
  #writer: HistogramWriter;
  #maxTimeMs: bigint;
  #last: Histogram;
  #nextAtMs: number | undefined;
  #isEstimated = false;

  private constructor(timestampMs: bigint, histogram: Histogram, header: CounterReset) {
    this.encoding = histogram.kind === 'integer' ? ChunkEncoding.histogram : ChunkEncoding.floatHistogram;
    this.minTimeMs = timestampMs;
    this.#maxTimeMs = timestampMs;
    this.#last = histogram;
    this.#header = header;
    this.#writer = beginHistograms(timestampMs, histogram, header);
  }

  /** The first chunk of a series, or one whose predecessor is not known. */
  static begin(timestampMs: bigint, histogram: Histogram, counterReset?: CounterReset): HistogramChunk {
    const { hint } = histogram;
    const isTold = hint === CounterReset.gauge || hint === CounterReset.reset;
    return new HistogramChunk(timestampMs, histogram, isTold ? hint : (counterReset ?? CounterReset.unknown));
  }

  get maxTimeMs(): bigint {
    return this.#maxTimeMs;
  }

  get sampleCount(): number {
    return this.#writer.sampleCount;
  }

  /** Length of the payload. */
  get byteLength(): number {
    return this.#writer.out.byteLength;
  }

  /** The newest sample, as it was given. */
  get last(): Histogram {
    return this.#last;
  }

  /** What the header of the chunk says of a counter reset before it. */
  get counterReset(): CounterReset {
    return this.#header;
  }

  /** Whether the chunk is full when a sample of that time comes; then `cut` takes the sample, else `append`. */
  decide(timestampMs: bigint, chunkRangeMs: number): 'append' | 'cut' {
    const minTimeMs = Number(this.minTimeMs);
    const rangeEndMs = rangeEnd(minTimeMs, chunkRangeMs);
    const decision = decideHistogramCut(
      {
        sampleCount: this.sampleCount,
        byteLength: this.byteLength,
        minTimeMs,
        maxTimeMs: Number(this.#maxTimeMs),
        nextAtMs: this.#nextAtMs ?? rangeEndMs,
        isEstimated: this.#isEstimated,
        rangeEndMs,
      },
      Number(timestampMs),
    );
    this.#nextAtMs = decision.nextAtMs;
    this.#isEstimated = decision.isEstimated;
    return decision.cut ? 'cut' : 'append';
  }

  /** Appends, writing the chunk anew if need be; or begins a new chunk, which the caller keeps as the open one. */
  append(timestampMs: bigint, histogram: Histogram): HistogramAppend {
    if (this.#last.kind !== histogram.kind) {
      return { outcome: 'new-chunk', next: HistogramChunk.begin(timestampMs, histogram) };
    }
    const verdict = histogram.hint === CounterReset.gauge ? this.#judgeGauge(histogram) : this.#judgeCounter(histogram);
    if (verdict.fits) {
      const outcome = this.#take(timestampMs, histogram, verdict);
      this.#maxTimeMs = timestampMs;
      this.#last = histogram;
      return { outcome };
    }
    return { outcome: 'new-chunk', next: new HistogramChunk(timestampMs, histogram, this.#headerAfter(verdict)) };
  }

  /** Begins the chunk behind this one for a reason of the caller's (size or time); its header says how it follows this one. */
  cut(timestampMs: bigint, histogram: Histogram): HistogramChunk {
    if (this.#last.kind !== histogram.kind || histogram.hint === CounterReset.gauge) {
      return HistogramChunk.begin(timestampMs, histogram);
    }
    const verdict = this.#judgeCounter(histogram);
    if (verdict.fits) return HistogramChunk.begin(timestampMs, histogram, CounterReset.notReset);
    const isReset = verdict.counterReset === CounterReset.reset;
    // Float chunks know no third answer here.
    const ofFloats = isReset ? CounterReset.reset : CounterReset.notReset;
    return HistogramChunk.begin(timestampMs, histogram, this.encoding === 3 ? ofFloats : verdict.counterReset);
  }

  /** The payload so far, as a copy. */
  bytes(): Uint8Array {
    this.#writer.out.patchUint16(this.sampleCount);
    return this.#writer.out.bytes();
  }

  #headerAfter({ counterReset }: Refusal): CounterReset {
    if (this.encoding === 2 || counterReset !== CounterReset.notReset) return counterReset;
    return CounterReset.unknown;
  }

  /** The order of these questions decides what a header says, so it is that of spec/tsdb.md 1.7. */
  #judgeCounter(next: Histogram): Verdict {
    const last = this.#writer.last;
    const { layout } = this.#writer;
    if (this.#header === CounterReset.gauge) return refusal(CounterReset.notReset);
    if (next.hint === CounterReset.reset) return refusal(CounterReset.reset);
    if (isStaleHistogram(next)) return unchanged;
    if (isStaleHistogram(last)) return refusal(CounterReset.unknown);
    if (next.count < last.count) return refusal(CounterReset.reset);
    if (!sameScale(layout, next)) return refusal(CounterReset.unknown);
    if (!sameBounds(layout, next)) return refusal(CounterReset.reset);
    if (next.zeroCount < last.zeroCount) return refusal(CounterReset.reset);
    const union = uniteLayouts(layout, next);
    return anyFell(union, last, next) ? refusal(CounterReset.reset) : { fits: true, ...union };
  }

  #judgeGauge(next: Histogram): Verdict {
    const { layout } = this.#writer;
    if (this.#header !== CounterReset.gauge) return refusal(CounterReset.gauge);
    if (isStaleHistogram(next)) return unchanged;
    if (isStaleHistogram(this.#writer.last)) return refusal(CounterReset.gauge);
    if (!sameScale(layout, next) || !sameBounds(layout, next)) return refusal(CounterReset.gauge);
    return { fits: true, ...uniteLayouts(layout, next) };
  }

  #take(timestampMs: bigint, next: Histogram, union: LayoutUnion): 'append' | 'recode' {
    const { positive, negative } = union;
    const grows = positive?.grows === true || negative?.grows === true;
    if (grows) this.#recode(next, union);
    this.#writer.append(timestampMs, padded(next, union, 'theirs'));
    return grows ? 'recode' : 'append';
  }

  /** Writes all samples again with the buckets that `next` brings. Where it has all buckets, its own spans are taken as they are. */
  #recode(next: Histogram, union: LayoutUnion): void {
    const { positive, negative } = union;
    const isGauge = this.#header === CounterReset.gauge;
    const lacksAny = positive?.lacks === true || negative?.lacks === true;
    const spansOfSide = (side: SideUnion | undefined, spans: readonly Span[]): readonly Span[] => {
      if (isGauge ? !lacksAny : side?.lacks !== true) return spans;
      return spansOf(side?.indexes ?? bucketIndexes(spans));
    };
    const layout = {
      positiveSpans: spansOfSide(positive, next.positiveSpans),
      negativeSpans: spansOfSide(negative, next.negativeSpans),
    };
    let writer: HistogramWriter | undefined;
    for (const sample of decodeHistogramChunk(this.bytes(), { kind: next.kind, hasStartTimes: false })) {
      invariant('histogram' in sample, 'a histogram chunk holds histograms');
      const wide = { ...padded(sample.histogram, union, 'ours'), ...layout };
      if (writer === undefined) writer = beginHistograms(sample.timestampMs, wide, this.#header);
      else writer.append(sample.timestampMs, wide);
    }
    invariant(writer !== undefined, 'a chunk has a sample');
    this.#writer = writer;
  }
}

interface Fit extends LayoutUnion {
  readonly fits: true;
}

interface Refusal {
  readonly fits: false;
  readonly counterReset: CounterReset;
}

type Verdict = Fit | Refusal;

const unchanged: Fit = { fits: true, positive: undefined, negative: undefined };

function refusal(counterReset: CounterReset): Refusal {
  return { fits: false, counterReset };
}
