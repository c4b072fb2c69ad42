import { receivedParts } from '@gauntlet/head';
import { readGroup, rowBytes, rowField, RowVerdict, sampleBytes, type ScannedBatch } from '@gauntlet/kernel';
import { reasonOfVerdict, RejectionList } from '@gauntlet/remote-write';

export interface UnseenBounds {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Otherwise they are passed over. */
  readonly takesExemplars: boolean;
}

/** What a group has that was not refused. */
export interface UnseenVerdict {
  readonly rejections: RejectionList;
  /** Floats and histograms. */
  readonly samples: number;
  readonly exemplars: number;
}

/**
 * What can be said of a group while its series are not known yet: bad labels, items outside the bounds, unsound histograms, labels of exemplars. The rest is taken as
 * good, new series beyond a tenant's limit too.
 */
export function judgeUnseen(batch: ScannedBatch, group: number, bounds: UnseenBounds): UnseenVerdict {
  const rejections = new RejectionList();
  const { firstRow, rowCount } = readGroup(batch, group);
  const judge = new RowJudge(batch, bounds, rejections);
  for (let row = firstRow; row < firstRow + rowCount; row += 1) judge.add(row);
  const { samples, exemplars } = judge;
  return { rejections, samples, exemplars };
}

class RowJudge {
  samples = 0;
  exemplars = 0;
  readonly #batch: ScannedBatch;
  readonly #bounds: UnseenBounds;
  readonly #rejections: RejectionList;
  readonly #rows: DataView;
  readonly #times: DataView;

  constructor(batch: ScannedBatch, bounds: UnseenBounds, rejections: RejectionList) {
    const { rows, samples } = batch;
    this.#batch = batch;
    this.#bounds = bounds;
    this.#rejections = rejections;
    this.#rows = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    this.#times = new DataView(samples.buffer, samples.byteOffset, samples.byteLength);
  }

  add(row: number): void {
    const at = row * rowBytes;
    const verdict = this.#rows.getUint8(at + rowField.verdict);
    if (verdict !== RowVerdict.ok) {
      this.#rejections.add(row, 'series', reasonOfVerdict(verdict));
      return;
    }
    const first = this.#rows.getUint32(at + rowField.firstSample, true);
    const count = this.#rows.getUint32(at + rowField.sampleCount, true);
    let isLastTaken = true;
    for (let sample = 0; sample < count; sample += 1) {
      isLastTaken = this.#isWithin(this.#times.getBigInt64((first + sample) * sampleBytes, true));
      if (isLastTaken) this.samples += 1;
      else this.#rejections.add(row, 'sample', 'outOfBounds', sample);
    }
    const hasHistograms = this.#rows.getUint32(at + rowField.histogramCount, true) > 0;
    const hasExemplars = this.#bounds.takesExemplars && this.#rows.getUint32(at + rowField.exemplarCount, true) > 0;
    if (hasHistograms || hasExemplars) this.#addParts(row, isLastTaken);
  }

  /** Exemplars count by what became of the last sample, which may come behind them in the message. */
  #addParts(row: number, isLastTaken: boolean): void {
    const at = row * rowBytes;
    const field = this.#rows.getUint32(at + rowField.seriesOffset, true);
    const length = this.#rows.getUint32(at + rowField.seriesLength, true);
    const parts = [...receivedParts(this.#batch.body.subarray(field, field + length))];
    parts
      .filter(({ kind }) => kind === 'histogram')
      .forEach(({ timestampMs }, index) => {
        isLastTaken = timestampMs !== undefined && this.#isWithin(timestampMs);
        if (isLastTaken) this.samples += 1;
        else
          this.#rejections.add(row, 'histogram', timestampMs === undefined ? 'invalidHistogram' : 'outOfBounds', index);
      });
    if (!this.#bounds.takesExemplars || !isLastTaken) return;
    parts
      .filter(({ kind }) => kind === 'exemplar')
      .forEach(({ timestampMs }, index) => {
        if (timestampMs === undefined) this.#rejections.add(row, 'exemplar', 'exemplarLabels', index);
        else if (timestampMs > this.#bounds.maxTimeMs) this.#rejections.add(row, 'exemplar', 'outOfBounds', index);
        else this.exemplars += 1;
      });
  }

  #isWithin(timestampMs: bigint): boolean {
    const timeMs = Number(timestampMs);
    return timeMs >= this.#bounds.minTimeMs && timeMs <= this.#bounds.maxTimeMs;
  }
}
