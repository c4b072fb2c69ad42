import { histogramEquals, staleHistogram, validateHistogram, type ChunkSample, type Histogram } from '@gauntlet/chunk';
import { invariant } from '@gauntlet/base';
import {
  MessageError,
  rowBytes,
  rowField,
  sampleBytes,
  type BatchSlice,
  type ScannedBatch,
  type Shard,
} from '@gauntlet/kernel';
import { staleMarkerBits } from '@gauntlet/model';
import {
  decodeSeriesParts,
  type Exemplar,
  type Histogram as ReceivedHistogram,
  type RejectedItem,
  type RejectionList,
  type RejectionReason,
} from '@gauntlet/remote-write';
import { before, classify, type SampleVerdict } from './classify.js';
import type { ChunkPosition } from './head.js';
import { receivedHistogram } from './received-histogram.js';
import { exemplarLabels, partLimits } from './received-parts.js';
import type { SeriesHost, SeriesPlace } from './series-host.js';
import { flavourOf, type Flavour, type WalBatch } from './wal-batch.js';
import type { WblBatch } from './wbl-batch.js';

export interface HostRowOptions {
  readonly host: SeriesHost;
  readonly batch: ScannedBatch;
  readonly minValid: bigint;
  readonly timestampMax: bigint;
  readonly outOfOrderWindow: bigint;
  readonly wal: WalBatch;
  readonly wbl: WblBatch;
  readonly rejections: RejectionList;
}

type HostSample =
  | { readonly timestampMs: bigint; readonly bits: bigint }
  | { readonly timestampMs: bigint; readonly histogram: Histogram };

/**
 * Appends what the kernel does not deal with alone, in one append: rows with histograms or exemplars, rows of series whose newest sample is a histogram, and samples
 * out of order. The rules are those of the kernel, and spec/tsdb.md 5.3 to 5.6.
 */
export class HostRows {
  readonly #options: HostRowOptions;
  /** What became of the samples: floats in order are counted by the kernel. */
  histogramsStored = 0;
  lateStored = 0;
  /** Taken, or there already. */
  exemplarsAccepted = 0;
  /** Bounds of the histograms that were stored in order; undefined when none was. */
  times: { min: bigint; max: bigint } | undefined;
  /** The row whose exemplars were dealt with last: a long row comes in several slices. */
  #exemplarsOf = -1;

  constructor(options: HostRowOptions) {
    this.#options = options;
  }

  /** Appends the row at which the shard has stopped. */
  append(shard: Shard, slice: BatchSlice, row: number): void {
    const { batch, host } = this.#options;
    const view = new DataView(slice.rows.buffer, slice.rows.byteOffset + row * rowBytes, rowBytes);
    const series = new HostRow(shard, row, {
      s: shard.hostRow(row).series,
      index: slice.firstRow + row,
      firstSample: row === 0 ? slice.skipped : 0,
    });
    const histogramCount = view.getUint32(rowField.histogramCount, true);
    const seriesOffset = view.getUint32(rowField.seriesOffset, true);
    const hasExemplars =
      host.exemplars !== undefined &&
      view.getUint32(rowField.exemplarCount, true) > 0 &&
      this.#exemplarsOf !== seriesOffset;
    let isLastStored = true;
    let index = series.firstSample;
    for (const { t, bits } of floatsOf(slice, view)) {
      series.begin('sample', index++);
      isLastStored = this.#appendFloat(series, t, bits);
    }
    if (histogramCount === 0 && !hasExemplars) return;
    const exemplarCount = view.getUint32(rowField.exemplarCount, true);
    const field = batch.body.subarray(seriesOffset, seriesOffset + view.getUint32(rowField.seriesLength, true));
    // The intake has checked the whole request: should a part not decode all the same, a client must not be able to end the use of the head with it.
    const begun = { histogram: 0, exemplar: 0 };
    try {
      if (histogramCount > 0) {
        for (const part of decodeSeriesParts(field, { ...partLimits, exemplarBytesMax: 0 })) {
          if (part.kind !== 'histogram') continue;
          series.begin('histogram', begun.histogram++);
          isLastStored = this.#appendReceived(series, part.histogram);
        }
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      series.begin('histogram', begun.histogram);
      this.#reject(series, 'invalidHistogram', histogramCount - begun.histogram);
      return;
    }
    if (!hasExemplars) return;
    this.#exemplarsOf = seriesOffset;
    if (series.s === 0) {
      // Of a series that could not be made for want of a sample that is taken, the sample's rejection tells.
      if (view.getUint32(rowField.sampleCount, true) + histogramCount > 0) return;
      series.begin('exemplar', 0);
      this.#reject(series, 'exemplarWithoutSeries', exemplarCount);
      return;
    }
    if (!isLastStored) return;
    try {
      for (const part of decodeSeriesParts(field, { ...partLimits, histogramBytesMax: 0 })) {
        if (part.kind !== 'exemplar') continue;
        series.begin('exemplar', begun.exemplar++);
        this.#appendExemplar(series, part.exemplar);
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      series.begin('exemplar', begun.exemplar);
      this.#reject(series, 'exemplarLabels', exemplarCount - begun.exemplar);
    }
  }

  /** Ends the shard's part: stores what it has listed as out of order. */
  storeLate(
    shard: Shard,
    samples: Iterable<{ readonly s: number; readonly ref: bigint; readonly t: bigint; readonly bits: bigint }>,
  ): void {
    for (const { s, ref, t, bits } of samples) {
      this.#storeLate({ shard, s }, Number(ref), { timestampMs: t, bits });
    }
  }

  /** Whether the sample was taken, be it as one that is there already. */
  #appendFloat(row: HostRow, t: bigint, bits: bigint): boolean {
    const { host, wal } = this.#options;
    if (bits === staleMarkerBits && row.isHost) {
      // The end of a series of histograms is a histogram.
      const kind = host.lastHistogram(row.ref)?.kind ?? 'integer';
      const isLogged = wal.flavourOf(row.ref) !== undefined;
      return this.#appendSample(row, { timestampMs: t, histogram: staleHistogram(kind) }, !isLogged);
    }
    return this.#appendSample(row, { timestampMs: t, bits }, true);
  }

  #appendReceived(row: HostRow, received: ReceivedHistogram | 'too long'): boolean {
    if (received !== 'too long') return this.#appendHistogram(row, received.timestampMs, receivedHistogram(received));
    return this.#reject(row, 'invalidHistogram');
  }

  #appendHistogram(row: HostRow, timestampMs: bigint, histogram: Histogram): boolean {
    if (validateHistogram(histogram) !== undefined) return this.#reject(row, 'invalidHistogram');
    return this.#appendSample(row, { timestampMs, histogram }, false);
  }

  #appendSample(row: HostRow, sample: HostSample, isLoggedAsFloat: boolean): boolean {
    const { host } = this.#options;
    const { timestampMs: t } = sample;
    let verdict: SampleVerdict | 'duplicate' = this.#judge(row, t);
    if (verdict === 'atNewest' && !this.#isRepeated(row, sample)) verdict = 'duplicate';
    if (verdict === 'outOfBounds' || verdict === 'outOfOrder' || verdict === 'tooOld' || verdict === 'duplicate')
      return this.#reject(row, verdict);
    if (!row.canCreate) return this.#reject(row, 'seriesLimit');
    const place = row.create();
    const { ref } = row;
    if (isLoggedAsFloat && ('bits' in sample || verdict !== 'late')) this.#endRunBefore(row, undefined);
    switch (verdict) {
      case 'newest':
        if ('bits' in sample) {
          host.storeFloat(place, row.state(), t, sample.bits, true);
          return true;
        }
        this.#log(row, sample, isLoggedAsFloat);
        host.storeHistogram(place, row.state(), t, sample.histogram);
        this.histogramsStored += 1;
        this.#extend(t);
        return true;
      case 'atNewest':
        this.#log(row, sample, isLoggedAsFloat);
        return true;
      case 'late':
        // Never as the float that stands for it: a replay may find floats before it in order.
        this.#log(row, sample, false);
        this.#storeLate(place, ref, sample);
        return true;
    }
  }

  /** Says that items are not taken, from the one that is dealt with on. */
  #reject({ index, item, at }: HostRow, reason: RejectionReason, count = 1): false {
    this.#options.rejections.add(index, item, reason, at, count);
    return false;
  }

  #judge(row: HostRow, t: bigint): SampleVerdict {
    const { minValid, timestampMax, outOfOrderWindow } = this.#options;
    if (t > timestampMax) return 'outOfBounds';
    if (!row.shard.bounds.started) {
      // In an empty head, what counts as its newest time is where the blocks end.
      if (t < minValid) {
        if (outOfOrderWindow === 0n) return 'outOfBounds';
        return t < before(minValid, outOfOrderWindow) ? 'tooOld' : 'late';
      }
      // One that is refused for the number of series starts nothing.
      if (row.canCreate) row.shard.startAt(t);
    }
    const { appendableMin, outOfOrderMin } = row.shard.bounds;
    return classify(t, row.newest, { minValid, timestampMax, appendableMin, outOfOrderMin });
  }

  #isRepeated(row: HostRow, sample: HostSample): boolean {
    const state = row.state();
    if ('bits' in sample) return !state.isHost && state.lastBits === sample.bits;
    const last = state.isHost ? this.#options.host.lastHistogram(row.ref) : undefined;
    return last !== undefined && histogramEquals(last, sample.histogram);
  }

  #log(row: HostRow, sample: HostSample, isLoggedAsFloat: boolean): void {
    if ('bits' in sample) row.shard.logFloat(row.s, sample.timestampMs, sample.bits);
    else if (isLoggedAsFloat) row.shard.logFloat(row.s, sample.timestampMs, staleMarkerBits);
    else {
      this.#endRunBefore(row, flavourOf(sample.histogram));
      this.#options.wal.addHistogram({ ref: row.ref, timestampMs: sample.timestampMs, histogram: sample.histogram });
    }
  }

  /** A run has one type of a series' samples, except that histograms may follow floats. */
  #endRunBefore({ shard, ref }: HostRow, flavour: Flavour | undefined): void {
    const { wal } = this.#options;
    const has = wal.flavourOf(ref);
    if (has !== undefined && has !== flavour) wal.endRun(shard.takeSamplesRecord());
  }

  #storeLate(place: SeriesPlace, ref: number, sample: ChunkSample): void {
    const { host, wbl } = this.#options;
    const { isStored, chunk } = host.storeLate(place, ref, sample);
    if (chunk !== undefined) wbl.addMarker(ref, chunkRef(chunk));
    if (!isStored) return;
    this.lateStored += 1;
    wbl.addSample(ref, sample);
  }

  #appendExemplar(row: HostRow, received: Exemplar | 'too long'): void {
    const { host, wal, timestampMax } = this.#options;
    invariant(host.exemplars !== undefined, 'rows stop for exemplars only when they are kept');
    if (received === 'too long') {
      this.#reject(row, 'exemplarLabels');
      return;
    }
    const { timestampMs, bits } = received;
    if (timestampMs > timestampMax) {
      this.#reject(row, 'outOfBounds');
      return;
    }
    const labels = exemplarLabels(received.labels);
    const verdict = host.exemplars.add(row.ref, { timestampMs, valueBits: bits, labels });
    if (verdict === 'outOfOrder') this.#reject(row, 'exemplarOutOfOrder');
    else if (verdict === 'labels') this.#reject(row, 'exemplarLabels');
    else {
      // One that is there already is logged too: its first log write may have failed.
      wal.addExemplar({ ref: row.ref, timestampMs, valueBits: bits, labels });
      this.exemplarsAccepted += 1;
    }
  }

  #extend(t: bigint): void {
    this.times ??= { min: t, max: t };
    if (t < this.times.min) this.times.min = t;
    if (t > this.times.max) this.times.max = t;
  }
}

/** A row and its series, which may not be there yet. */
class HostRow {
  readonly shard: Shard;
  readonly #row: number;
  s: number;
  /** Among the rows of the batch. */
  readonly index: number;
  /** Samples of the row that came in slices before. */
  readonly firstSample: number;
  /** What is dealt with: which of the row's items of a kind. */
  item: RejectedItem = 'sample';
  at = 0;

  constructor(
    shard: Shard,
    row: number,
    { s, index, firstSample }: { readonly s: number; readonly index: number; readonly firstSample: number },
  ) {
    this.shard = shard;
    this.#row = row;
    this.s = s;
    this.index = index;
    this.firstSample = firstSample;
  }

  begin(item: RejectedItem, at: number): void {
    this.item = item;
    this.at = at;
  }

  /** Whether the series is there, or may be made. */
  get canCreate(): boolean {
    return this.s !== 0 || this.shard.canCreate;
  }

  /** 0 when there is no series. */
  get ref(): number {
    return this.s === 0 ? 0 : Number(this.state().ref);
  }

  get isHost(): boolean {
    return this.s !== 0 && this.state().isHost;
  }

  get newest(): bigint | undefined {
    if (this.s === 0) return undefined;
    const { hasSamples, maxTime } = this.state();
    return hasSamples ? maxTime : undefined;
  }

  state(): ReturnType<Shard['series']> {
    return this.shard.series(this.s);
  }

  create(): SeriesPlace {
    if (this.s === 0) this.s = this.shard.createSeries(this.#row);
    return { shard: this.shard, s: this.s };
  }
}

/** The floats of a row in a slice. */
function* floatsOf(slice: BatchSlice, row: DataView): Iterable<{ readonly t: bigint; readonly bits: bigint }> {
  const { samples } = slice;
  const view = new DataView(samples.buffer, samples.byteOffset, samples.byteLength);
  const first = row.getUint32(rowField.firstSample, true) - slice.firstSample;
  for (let i = first; i < first + row.getUint32(rowField.sampleCount, true); i += 1) {
    yield { t: view.getBigInt64(i * sampleBytes, true), bits: view.getBigUint64(i * sampleBytes + 8, true) };
  }
}

/** As markers say it (spec/tsdb.md 3.1). */
export function chunkRef({ file, offset }: ChunkPosition): bigint {
  return (BigInt(file) << 32n) | BigInt(offset);
}
