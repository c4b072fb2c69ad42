import type { SeriesInput } from '@gauntlet/remote-write';

/** The metric of everything that numbered traffic writes. */
export const numberedMetric = 'numbered';

/** One write of one sender: a sample for each of its series, all at one time. Its number and the series give the values. */
export interface NumberedBatch {
  readonly sender: number;
  readonly number: number;
  readonly timestampMs: number;
}

/** The series of a sender in the order of their numbers, with the sample of this batch. */
export function batchSeries({ sender, number, timestampMs }: NumberedBatch, seriesCount: number): SeriesInput[] {
  return Array.from({ length: seriesCount }, (_, index) => ({
    labels: [
      ['__name__', numberedMetric],
      ['sender', String(sender)],
      ['series', String(index).padStart(5, '0')],
    ],
    samples: [{ timestampMs, value: valueOf(number, index) }],
  }));
}

export const seriesKey = (sender: number, index: number): string => `${sender}/${String(index).padStart(5, '0')}`;

/** Whole numbers that no two samples of a sender share. */
export const valueOf = (number: number, index: number): number => number * 100_000 + index;
