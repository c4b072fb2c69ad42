import { RowVerdict, groupBytes, rowBytes, rowField, sampleBytes, type ScannedBatch } from './batch.js';

/** Some rows of a group, cut out for copying: offsets in the rows count from `bodyStart` bytes before the body, and `firstSample` before the samples. */
export interface BatchSlice {
  readonly rows: Uint8Array;
  /** Index of the first of them among the batch's rows. */
  readonly firstRow: number;
  readonly rowCount: number;
  /** Samples of the first row that came in slices before; samples of a slice are counted without them. */
  readonly skipped: number;
  readonly body: Uint8Array;
  readonly bodyStart: number;
  readonly samples: Uint8Array;
  readonly firstSample: number;
}

/** What one call of a shard takes at most; a single series may have labels of any length all the same. */
export interface SliceLimits {
  readonly rows: number;
  readonly samples: number;
  readonly labelBytes: number;
}

/** Keeps the copy and the log records of a call within a few megabytes. */
export const sliceLimitsDefault: SliceLimits = { rows: 4096, samples: 65_536, labelBytes: 2 * 1024 * 1024 };

/** What a group may take of a shard at most. */
export interface GroupNeed {
  /** Rows that have samples of any kind, and may be stored. */
  readonly rows: number;
  readonly samples: number;
  /** Bytes of small blocks and of runs of pages, should every row become a series. */
  readonly seriesBytes: number;
  readonly seriesRunBytes: number;
  /** Of the largest slice. */
  readonly requestBytes: number;
  readonly labelBytes: number;
  readonly sliceRows: number;
  readonly sliceSamples: number;
}

/** One tenant's group of a batch, in slices that can be handed to shards one after the other. */
export interface BatchGroup {
  readonly need: GroupNeed;
  slices(): Iterable<BatchSlice>;
}

/** What is copied though no row refers to it: small gaps cost less than packing does. */
const gapBytesMax = 65_536;
const seriesHeadBytes = 80;
const smallBytesMax = 2048;
const pageBytes = 16_384;

/** Bytes of pages that a series of more than 2 KiB takes. */
function runBytes(labels: number): number {
  return Math.ceil((seriesHeadBytes + labels + 32) / pageBytes) * pageBytes;
}

function requestBytes(rows: number, samples: number, labelBytes: number): number {
  return labelBytes + rows * rowBytes + samples * sampleBytes + 64;
}

/** Cuts one tenant's group out of a batch. */
export function sliceGroup(batch: ScannedBatch, group: number, limits: SliceLimits = sliceLimitsDefault): BatchGroup {
  const groups = new DataView(batch.groups.buffer, batch.groups.byteOffset, batch.groups.byteLength);
  const firstRow = groups.getUint32(group * groupBytes + 8, true);
  const rowCount = groups.getUint32(group * groupBytes + 12, true);
  const rows = batch.rows.subarray(firstRow * rowBytes, (firstRow + rowCount) * rowBytes);
  const { body, sampleCount } = batch;
  const isOneSlice =
    batch.groupCount === 1 &&
    rowCount <= limits.rows &&
    sampleCount <= limits.samples &&
    body.length <= limits.labelBytes;
  if (!isOneSlice) return new SlicedGroup(batch, { rows, firstRow }, limits);
  // The usual request goes through without a look at its rows: what they need is estimated from the body.
  const samples = batch.samples.subarray(0, sampleCount * sampleBytes);
  const need: GroupNeed = {
    rows: rowCount,
    samples: sampleCount,
    seriesBytes: rowCount * (seriesHeadBytes + 16) + body.length,
    seriesRunBytes: Math.floor(body.length / (smallBytesMax - seriesHeadBytes)) * (pageBytes + 128) + body.length,
    requestBytes: requestBytes(rowCount, sampleCount, body.length),
    labelBytes: body.length,
    sliceRows: rowCount,
    sliceSamples: sampleCount,
  };
  return {
    need,
    slices: () => [{ rows, firstRow, rowCount, skipped: 0, body, bodyStart: 0, samples, firstSample: 0 }],
  };
}

/** The rows [from, to), without the first `skip` samples of the first, and with `lastCount` samples of the last. */
interface Cut {
  readonly from: number;
  readonly to: number;
  readonly skip: number;
  readonly lastCount: number;
  readonly samples: number;
  readonly labelBytes: number;
}

class SlicedGroup implements BatchGroup {
  readonly need: GroupNeed;
  readonly #batch: ScannedBatch;
  readonly #rows: Uint8Array;
  readonly #firstRow: number;
  readonly #view: DataView;
  readonly #limits: SliceLimits;

  constructor(
    batch: ScannedBatch,
    group: { readonly rows: Uint8Array; readonly firstRow: number },
    limits: SliceLimits,
  ) {
    const { rows, firstRow } = group;
    this.#batch = batch;
    this.#rows = rows;
    this.#firstRow = firstRow;
    this.#view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    this.#limits = limits;
    let sampledRows = 0;
    let samples = 0;
    let seriesBytes = 0;
    let seriesRunBytes = 0;
    let labelBytesMax = 0;
    for (let at = 0; at < rows.length; at += rowBytes) {
      const count = this.#sampleCount(at);
      labelBytesMax = Math.max(labelBytesMax, this.#labelsLength(at));
      if (count === 0 && !this.#hasHistograms(at)) continue;
      sampledRows += 1;
      samples += count;
      const labels = this.#labelsLength(at);
      if (seriesHeadBytes + labels <= smallBytesMax) seriesBytes += seriesHeadBytes + labels + 15;
      else seriesRunBytes += runBytes(labels);
    }
    const sliceRows = Math.min(limits.rows, rows.length / rowBytes);
    const sliceSamples = Math.min(limits.samples, samples);
    // Small gaps are copied along.
    const labelBytes = 2 * Math.max(limits.labelBytes, labelBytesMax) + gapBytesMax;
    this.need = {
      rows: sampledRows,
      samples,
      seriesBytes,
      seriesRunBytes,
      labelBytes,
      sliceRows,
      sliceSamples,
      requestBytes: requestBytes(sliceRows, 2 * sliceSamples + gapBytesMax / sampleBytes, labelBytes),
    };
  }

  *slices(): Iterable<BatchSlice> {
    for (const cut of this.#cuts()) yield this.#slice(cut);
  }

  /** Of a row that cannot be stored, neither labels nor samples are looked at. */
  #sampleCount(at: number): number {
    return this.#view.getUint8(at + rowField.verdict) === RowVerdict.ok
      ? this.#view.getUint32(at + rowField.sampleCount, true)
      : 0;
  }

  /** A row without float samples may become a series, too. */
  #hasHistograms(at: number): boolean {
    return (
      this.#view.getUint8(at + rowField.verdict) === RowVerdict.ok &&
      this.#view.getUint32(at + rowField.histogramCount, true) > 0
    );
  }

  #labelsLength(at: number): number {
    return this.#view.getUint8(at + rowField.verdict) === RowVerdict.ok
      ? this.#view.getUint32(at + rowField.labelsLength, true)
      : 0;
  }

  *#cuts(): Iterable<Cut> {
    const { rows: rowsMax, samples: samplesMax, labelBytes: labelBytesMax } = this.#limits;
    const rowCount = this.#rows.length / rowBytes;
    let from = 0;
    let skip = 0;
    while (from < rowCount) {
      let to = from;
      let samples = 0;
      let labelBytes = 0;
      let lastCount = 0;
      let isRowLeft = false;
      while (to < rowCount && to - from < rowsMax && samples < samplesMax) {
        const labels = this.#labelsLength(to * rowBytes);
        if (to > from && labelBytes + labels > labelBytesMax) break;
        const count = this.#sampleCount(to * rowBytes) - (to === from ? skip : 0);
        lastCount = Math.min(count, samplesMax - samples);
        samples += lastCount;
        labelBytes += labels;
        to += 1;
        isRowLeft = lastCount < count;
      }
      yield { from, to, skip, lastCount, samples, labelBytes };
      skip = isRowLeft ? lastCount + (to - 1 === from ? skip : 0) : 0;
      from = isRowLeft ? to - 1 : to;
    }
  }

  #slice(cut: Cut): BatchSlice {
    const { body, samples } = this.#batch;
    const rowCount = cut.to - cut.from;
    const rows = new Uint8Array(this.#rows.subarray(cut.from * rowBytes, cut.to * rowBytes));
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    if (cut.skip > 0) {
      view.setUint32(rowField.firstSample, view.getUint32(rowField.firstSample, true) + cut.skip, true);
      view.setUint32(rowField.sampleCount, view.getUint32(rowField.sampleCount, true) - cut.skip, true);
      // Histograms and exemplars came with the row's first samples.
      view.setUint32(rowField.histogramCount, 0, true);
      view.setUint32(rowField.exemplarCount, 0, true);
    }
    let bodyStart = body.length;
    let bodyEnd = 0;
    let firstSample = this.#batch.sampleCount;
    let sampleEnd = 0;
    for (let at = 0; at < rows.length; at += rowBytes) {
      if (view.getUint8(at + rowField.verdict) !== RowVerdict.ok) view.setUint32(at + rowField.sampleCount, 0, true);
      else if (at === rows.length - rowBytes) view.setUint32(at + rowField.sampleCount, cut.lastCount, true);
      if (view.getUint8(at + rowField.verdict) !== RowVerdict.ok) continue;
      const labels = view.getUint32(at + rowField.labelsOffset, true);
      bodyStart = Math.min(bodyStart, labels);
      bodyEnd = Math.max(bodyEnd, labels + view.getUint32(at + rowField.labelsLength, true));
      const first = view.getUint32(at + rowField.firstSample, true);
      const count = view.getUint32(at + rowField.sampleCount, true);
      if (count === 0) continue;
      firstSample = Math.min(firstSample, first);
      sampleEnd = Math.max(sampleEnd, first + count);
    }
    bodyStart = Math.min(bodyStart, bodyEnd);
    firstSample = Math.min(firstSample, sampleEnd);
    const areLabelsNear = bodyEnd - bodyStart <= 2 * cut.labelBytes + gapBytesMax;
    const areSamplesNear = sampleEnd - firstSample <= 2 * cut.samples + gapBytesMax / sampleBytes;
    if (areLabelsNear && areSamplesNear) {
      return {
        rows,
        rowCount,
        firstRow: this.#firstRow + cut.from,
        skipped: cut.skip,
        bodyStart,
        firstSample,
        body: body.subarray(bodyStart, bodyEnd),
        samples: samples.subarray(firstSample * sampleBytes, sampleEnd * sampleBytes),
      };
    }
    return this.#pack(rows, view, cut);
  }

  /** Copies what the rows refer to: labels rewritten by the intake lie behind the whole body, and another tenant's series between. */
  #pack(rows: Uint8Array, view: DataView, cut: Cut): BatchSlice {
    const body = new Uint8Array(cut.labelBytes);
    const samples = new Uint8Array(cut.samples * sampleBytes);
    let labelsTo = 0;
    let sampleTo = 0;
    for (let at = 0; at < rows.length; at += rowBytes) {
      if (view.getUint8(at + rowField.verdict) !== RowVerdict.ok) continue;
      const labels = view.getUint32(at + rowField.labelsOffset, true);
      const length = view.getUint32(at + rowField.labelsLength, true);
      body.set(this.#batch.body.subarray(labels, labels + length), labelsTo);
      view.setUint32(at + rowField.labelsOffset, labelsTo, true);
      labelsTo += length;
      const first = view.getUint32(at + rowField.firstSample, true);
      const count = view.getUint32(at + rowField.sampleCount, true);
      samples.set(
        this.#batch.samples.subarray(first * sampleBytes, (first + count) * sampleBytes),
        sampleTo * sampleBytes,
      );
      view.setUint32(at + rowField.firstSample, sampleTo, true);
      sampleTo += count;
    }
    const rowCount = rows.length / rowBytes;
    return {
      rows,
      rowCount,
      firstRow: this.#firstRow + cut.from,
      skipped: cut.skip,
      body,
      bodyStart: 0,
      samples,
      firstSample: 0,
    };
  }
}
