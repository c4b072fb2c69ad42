import { seriesKey, valueOf } from './numbered-samples.js';
import type { BatchRecord } from './numbered-traffic.js';
import type { StoredCopy } from './stored-samples.js';

export interface Sent {
  readonly records: readonly BatchRecord[];
  readonly seriesPerSender: number;
}

/**
 * What contradicts the promises of the write path; empty when all is well.
 *
 * 1. Each sample of a batch that was answered with success is on a quorum of the ingesters.
 * 2. No ingester holds what nobody sent: another value, another time, another series.
 * 3. No ingester holds a sample twice, so that there are never more copies than replicas.
 *
 * Batches without success may be there in part, on any of them.
 */
export function broken({ records, seriesPerSender }: Sent, copies: readonly StoredCopy[], quorum: number): string[] {
  const numbers = new Map(records.map(({ sender, timestampMs, number }) => [`${sender} ${timestampMs}`, number]));
  const held = new Map<string, number>();
  const flaws: string[] = [];
  copies.forEach((copy, ingester) => {
    for (const [key, samples] of copy) {
      const [sender, index] = key.split('/').map(Number) as [number, number];
      const seen = new Set<number>();
      for (const { timestampMs, value } of samples) {
        const number = numbers.get(`${sender} ${timestampMs}`);
        if (number === undefined || !(index < seriesPerSender) || value !== valueOf(number, index))
          flaws.push(`invented: ${key} at ${timestampMs} is ${value} on ingester ${ingester}`);
        else if (seen.has(timestampMs)) flaws.push(`twice: ${key} at ${timestampMs} on ingester ${ingester}`);
        else held.set(`${key} ${timestampMs}`, (held.get(`${key} ${timestampMs}`) ?? 0) + 1);
        seen.add(timestampMs);
      }
    }
  });
  for (const { outcome, sender, number, timestampMs } of records) {
    if (outcome !== 'stored') continue;
    for (let index = 0; index < seriesPerSender; index++) {
      const key = seriesKey(sender, index);
      const count = held.get(`${key} ${timestampMs}`) ?? 0;
      if (count < quorum) flaws.push(`lost: ${key} of batch ${number} at ${timestampMs} is on ${count} of ${quorum}`);
    }
  }
  return flaws.length > flawsShown ? [...flaws.slice(0, flawsShown), `and ${flaws.length - flawsShown} more`] : flaws;
}

const flawsShown = 5;

export interface TrafficSummary {
  readonly batches: number;
  readonly samples: number;
  readonly stored: number;
  readonly refused: number;
  readonly givenUp: number;
  /** Results of attempts that were no success, and how many there were of each. */
  readonly failures: Readonly<Record<string, number>>;
  readonly attemptsMax: number;
  /** Of single attempts. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

export function summaryOf({ records, seriesPerSender }: Sent): TrafficSummary {
  const attempts = records.flatMap((record) => record.attempts);
  const lasted = attempts.map(({ startMs, endMs }) => endMs - startMs).sort((a, b) => a - b);
  const failures: Record<string, number> = {};
  for (const { result } of attempts)
    if (result === 'lost' || result >= 300) failures[result] = (failures[result] ?? 0) + 1;
  const count = (outcome: BatchRecord['outcome']): number =>
    records.filter((record) => record.outcome === outcome).length;
  return {
    batches: records.length,
    samples: records.length * seriesPerSender,
    stored: count('stored'),
    refused: count('refused'),
    givenUp: count('given-up'),
    failures,
    attemptsMax: Math.max(0, ...records.map((record) => record.attempts.length)),
    p50Ms: quantile(lasted, 0.5),
    p99Ms: quantile(lasted, 0.99),
    slowestMs: lasted.at(-1) ?? 0,
  };
}

/** The first few answers that were no success, in words. */
export const failuresOf = ({ records }: Pick<Sent, 'records'>): string[] =>
  records
    .flatMap(({ sender, number, attempts }) =>
      attempts
        .filter(({ result }) => result === 'lost' || result >= 300)
        .map(
          ({ startMs, endMs, result, text }) =>
            `batch ${sender}/${number}: ${result} after ${endMs - startMs} ms at ${new Date(startMs).toISOString()}: ${text.slice(0, 200)}`,
        ),
    )
    .slice(0, flawsShown);

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
