import { wholeNumber } from '@gauntlet/loadgen-tool';
import { sumOf, type ScrapedSample } from './text-format.js';

export interface Reading {
  readonly atMs: number;
  readonly samples: number;
  readonly replications: number;
  readonly series: number;
  readonly blocks: number;
  readonly errors: number;
}

/** What a status line tells, from the pages of the router and the ingesters. */
export function takeReading({
  router,
  ingesters,
  sendFailures,
  atMs,
}: {
  router: readonly ScrapedSample[];
  ingesters: readonly (readonly ScrapedSample[])[];
  sendFailures: number;
  atMs: number;
}): Reading {
  const overIngesters = (name: string): number => ingesters.reduce((sum, page) => sum + (sumOf(page, name) ?? 0), 0);
  return {
    atMs,
    samples: sumOf(router, 'thanos_receive_write_samples_sum', { code: '200' }) ?? 0,
    replications: sumOf(router, 'thanos_receive_replications_total', { result: 'success' }) ?? 0,
    series: overIngesters('prometheus_tsdb_head_series'),
    blocks: overIngesters('thanos_shipper_uploads_total'),
    errors:
      (sumOf(router, 'thanos_receive_replications_total', { result: 'error' }) ?? 0) +
      overIngesters('thanos_shipper_upload_failures_total') +
      sendFailures,
  };
}

export function statusLine(before: Reading | undefined, now: Reading): string {
  const seconds = before ? (now.atMs - before.atMs) / 1000 : 0;
  const rate = (pick: (reading: Reading) => number): string =>
    before && seconds > 0 ? wholeNumber(Math.max(0, pick(now) - pick(before)) / seconds) : '-';
  return [
    `${rate(({ samples }) => samples)} samples/s in`,
    `${rate(({ replications }) => replications)} replicated requests/s`,
    `${wholeNumber(now.series)} series in heads`,
    `${wholeNumber(now.blocks)} blocks shipped`,
    `${wholeNumber(now.errors)} errors`,
  ].join(' | ');
}
