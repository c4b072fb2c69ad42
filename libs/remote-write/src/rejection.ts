import { invariant } from '@gauntlet/base';
import { RowVerdict } from '@gauntlet/kernel';

/**
 * Why parts of a write request were not stored, item by item: what our ingesters tell our routers, and what both tell their clients
 * (spec/receive.md 6.5). A Thanos peer knows one status for the whole message instead.
 */
export type RejectionReason =
  | 'emptyLabel'
  | 'duplicateLabel'
  | 'unsortedLabel'
  /** Remote write 2.0: a reference beyond the symbols, or a name without a value. */
  | 'badReference'
  /** Remote write 2.0: no `__name__`. */
  | 'nameMissing'
  /** Remote write 2.0: a label that is not UTF-8. */
  | 'notUtf8'
  /** Remote write 2.0: neither samples nor histograms. */
  | 'noItems'
  | 'outOfBounds'
  | 'outOfOrder'
  | 'duplicate'
  | 'tooOld'
  | 'invalidHistogram'
  | 'exemplarOutOfOrder'
  | 'exemplarLabels'
  /** The series of an exemplar that comes alone is not known. Senders of 1.0 do not hear of it. */
  | 'exemplarWithoutSeries'
  /** The tenant has as many series as it may; only new ones are refused. Worth a retry later, unlike the others. */
  | 'seriesLimit'
  /** Told by an ingester of a later version; counts as a conflict. */
  | 'unknown';

/** What of a series a rejection is about; `series` stands for all of it. */
export type RejectedItem = 'series' | 'sample' | 'histogram' | 'exemplar';

/** A run of items of one series that were refused for the same reason. */
export interface Rejection {
  /** Index of the series in the message, in wire order: the row of its scan. */
  readonly series: number;
  readonly item: RejectedItem;
  /** Index of the first item of the run among those of its kind in the series; 0 for `series`. */
  readonly first: number;
  /** Items in the run; 1 for `series`. */
  readonly count: number;
  readonly reason: RejectionReason;
}

/** Items refused, by reason; a series whose labels are refused counts once, whatever it holds. */
export type RejectionCounts = Readonly<Partial<Record<RejectionReason, number>>>;

type VerdictName = Exclude<keyof typeof RowVerdict, 'ok'>;
const verdictNames = new Map(Object.entries(RowVerdict).map(([name, verdict]) => [verdict as number, name]));

/** Why a series is refused whose row has a verdict other than `ok`: both go by the same names. */
export function reasonOfVerdict(verdict: number): RejectionReason {
  const name = verdictNames.get(verdict) as VerdictName | undefined;
  invariant(name !== undefined && verdict !== RowVerdict.ok, 'a row is refused for a verdict');
  return name;
}

/** Whether repeating the write may succeed. All others are conflicts. */
export function isRetryable(reason: RejectionReason): boolean {
  return reason === 'seriesLimit';
}

/** Whether only a sender of remote write 2.0 is told: Thanos answers 200 to 1.0, and so do we. */
export function isUntoldBefore2(reason: RejectionReason): boolean {
  return reason === 'exemplarWithoutSeries';
}

/** Texts as Prometheus words them: dashboards and senders match on them (spec/receive.md 6.5). */
export const rejectionTexts: Readonly<Record<RejectionReason, string>> = {
  emptyLabel: 'label set contains a label with empty name or value',
  duplicateLabel: 'label set contains duplicate label names',
  unsortedLabel: 'out of order labels',
  badReference: 'invalid labels: reference outside of symbols table',
  nameMissing: 'invalid metric name or labels: no metric name',
  notUtf8: 'invalid metric name or labels: not UTF-8',
  noItems: 'TimeSeries must contain at least one sample or histogram',
  outOfBounds: 'out of bounds',
  outOfOrder: 'out of order sample',
  duplicate: 'duplicate sample for timestamp',
  tooOld: 'too old sample',
  // Upstream drops it without a word (spec/receive.md S18), so that no sender knows other words.
  invalidHistogram: 'invalid native histogram',
  exemplarOutOfOrder: 'out of order exemplar',
  exemplarLabels: 'label length for exemplar exceeds maximum of 128 UTF-8 characters',
  exemplarWithoutSeries: 'exemplar of a series that is not known',
  seriesLimit: 'tenant has as many series as it may',
  unknown: 'refused for a reason of a later version',
};

/** All reasons. */
export const rejectionReasons = Object.keys(rejectionTexts) as readonly RejectionReason[];
export const rejectedItems: readonly RejectedItem[] = ['series', 'sample', 'histogram', 'exemplar'];

/**
 * Metadata key by which a router of ours says that it reads verdicts: the answer is then OK with a `WriteResponse` that lists rejections
 * (proto/gauntlet/write/v1). Without it the answer is the status that Thanos knows.
 */
export const verdictsMetadataKey = 'gauntlet-write-verdicts';
