import { invariant } from '@gauntlet/base';

/** How many copies of a write must be stored before it counts: the majority, and one of two. */
export function quorumOf(replicationFactor: number): number {
  return replicationFactor === 2 ? 1 : Math.floor(replicationFactor / 2) + 1;
}

/** What the replicas of a sample amount to. `pending`: another answer may still change it. */
export type Verdict = 'pending' | 'stored' | 'conflict' | 'limited' | 'unavailable';

/** The answers for one sample so far. */
export interface Tally {
  /** How many replicas were asked. */
  readonly replicas: number;
  /** How many must have it (`quorumOf`). */
  readonly quorum: number;
  readonly stored: number;
  /** Replicas that can never store it. */
  readonly conflicts: number;
  /** Replicas where its tenant has reached a limit. */
  readonly limits: number;
  /** Replicas that did not store it for any other reason. */
  readonly outages: number;
}

/**
 * Judges one sample by the replicas that have answered (spec/receive.md 4.4 and 4.5). A conflict must not be retried and an
 * outage should be, so a conflict is pronounced only when conflicts alone rule the quorum out. A limit is named when the quorum would
 * be missed though every outage ended.
 */
export function judge({ replicas, quorum, stored, conflicts, limits, outages }: Tally): Verdict {
  const answered = stored + conflicts + limits + outages;
  invariant(answered <= replicas, 'a replica answers at most once');
  if (stored >= quorum) return 'stored';
  if (conflicts > replicas - quorum) return 'conflict';
  // Neither limits nor outages settle it early: one more conflict may still spare the client an endless retry.
  if (answered < replicas) return 'pending';
  return conflicts + limits > replicas - quorum ? 'limited' : 'unavailable';
}

/** The verdict on a whole request: what is most worth repeating wins. */
export function mergeVerdicts(verdicts: Iterable<Verdict>): Verdict {
  let worst = 0;
  for (const verdict of verdicts) worst = Math.max(worst, severity.indexOf(verdict));
  return severity[worst] as Verdict;
}

const severity: readonly Verdict[] = ['stored', 'conflict', 'limited', 'unavailable', 'pending'];
