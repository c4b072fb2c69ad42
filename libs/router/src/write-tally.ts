import type { LabelBytes } from '@gauntlet/kernel';
import {
  isRetryable,
  type Offender,
  type Rejection,
  type RejectionCounts,
  type RejectionReason,
} from '@gauntlet/remote-write';
import { judge, mergeVerdicts, quorumOf, type Tally, type Verdict } from '@gauntlet/ring';
import type { ItemCounts } from '@gauntlet/write-http';

/** What the series of a tuple hold, or one series. */
export interface Holdings extends ItemCounts {
  readonly series: number;
}

/** Part of a series that one replica refused while it stored the rest. */
export interface RefusedPart {
  readonly tuple: number;
  /** Index of the series among those of its tuple. */
  readonly position: number;
  /** What the series holds. */
  readonly items: ItemCounts;
  /** Names the series to the client; left out where many were refused. */
  readonly labels?: readonly LabelBytes[] | undefined;
  readonly tenant: string;
  readonly rejection: Rejection;
}

/** What the client should know of what was refused. */
export interface RefusedSummary {
  /** Some of them, with their labels. */
  readonly offenders: readonly Offender[];
  /** Items that no quorum has for these reasons. */
  readonly counts: RejectionCounts;
}

/** How a call ended, for all series of its tuples but the refused parts. */
export type CallAnswer =
  | { readonly kind: 'stored'; readonly refused: readonly RefusedPart[] }
  | { readonly kind: 'conflict' | 'limited' | 'outage' };

/** A series of which some replica refused something. */
interface DoubtfulSeries extends Omit<RefusedPart, 'position' | 'rejection'> {
  readonly refusals: { readonly call: number; readonly rejection: Rejection }[];
  /** The judgement when so many replicas had answered; asked for again and again, and long where clients make thousands of runs. */
  judged?: { readonly answered: number; readonly runs: readonly JudgedRun[] };
}

/** Some items of one kind in a series, and what became of them. */
interface JudgedRun {
  /** One of the rejections, with the number of items that this run has; undefined when nobody refused them. */
  readonly rejection: Rejection | undefined;
  readonly verdict: Verdict;
}

/** More than a request has series (kernel README). */
const positionsMax = 2 ** 21;
const kinds = [
  { item: 'sample', total: 'samples' },
  { item: 'histogram', total: 'histograms' },
  { item: 'exemplar', total: 'exemplars' },
] as const;

/**
 * Merges what the replicas of each sample answered. The series of a tuple have the same owners, so that one tally for the tuple does for most of
 * them; series of which a replica refused something are judged item by item (spec/receive.md 4.4 to 4.6).
 */
export class WriteTally {
  readonly #tuples: readonly Holdings[];
  readonly #replicas: number;
  readonly #quorum: number;
  readonly #columns: Readonly<Record<CallAnswer['kind'], Uint8Array>>;
  readonly #doubtful = new Map<number, DoubtfulSeries>();
  #pendingTuples: number;
  #calls = 0;

  /** @param tuples what each holds; each is asked for at `replicas` places */
  constructor(tuples: readonly Holdings[], replicas: number) {
    this.#tuples = tuples;
    this.#replicas = replicas;
    this.#quorum = quorumOf(replicas);
    const column = (): Uint8Array => new Uint8Array(tuples.length);
    this.#columns = { stored: column(), conflict: column(), limited: column(), outage: column() };
    this.#pendingTuples = tuples.length;
  }

  /** Whether no answer can change any verdict. */
  get settled(): boolean {
    if (this.#pendingTuples > 0) return false;
    for (const series of this.#doubtful.values()) {
      if (this.#answered(series.tuple) === this.#replicas) continue;
      if (this.#judge(series).some(({ verdict }) => verdict === 'pending')) return false;
    }
    return true;
  }

  /** Takes in the answer to one call. */
  count(tuples: readonly number[], answer: CallAnswer): void {
    const column = this.#columns[answer.kind];
    for (const tuple of tuples) {
      const wasPending = this.verdictOf(tuple) === 'pending';
      column[tuple] = (column[tuple] as number) + 1;
      if (wasPending && this.verdictOf(tuple) !== 'pending') this.#pendingTuples -= 1;
    }
    if (answer.kind !== 'stored') return;
    const call = this.#calls++;
    for (const { position, rejection, ...described } of answer.refused) {
      const key = described.tuple * positionsMax + position;
      let series = this.#doubtful.get(key);
      if (!series) this.#doubtful.set(key, (series = { ...described, refusals: [] }));
      series.refusals.push({ call, rejection });
    }
  }

  /** The verdict on what of a tuple no replica refused item by item. */
  verdictOf(tuple: number): Verdict {
    return judge(this.#tally(tuple));
  }

  /** The verdict on the request: what is most worth repeating wins. */
  verdict(): Verdict {
    return mergeVerdicts(this.#verdicts());
  }

  /** The tuples of which no quorum has everything. */
  missing(): ReadonlySet<number> {
    const missing = new Set<number>();
    for (let tuple = 0; tuple < this.#tuples.length; tuple += 1)
      if (this.verdictOf(tuple) !== 'stored') missing.add(tuple);
    for (const series of this.#doubtful.values())
      if (this.#judge(series).some(({ verdict }) => verdict !== 'stored')) missing.add(series.tuple);
    return missing;
  }

  /** What a quorum has. */
  written(): ItemCounts {
    const written = { samples: 0, histograms: 0, exemplars: 0 };
    this.#tuples.forEach((holdings, tuple) => {
      if (this.verdictOf(tuple) === 'stored') for (const { total } of kinds) written[total] += holdings[total];
    });
    for (const series of this.#doubtful.values()) {
      if (this.verdictOf(series.tuple) !== 'stored') continue;
      for (const { rejection, verdict } of this.#judge(series)) {
        const total = kinds.find((kind) => kind.item === rejection?.item)?.total;
        if (rejection && total && verdict !== 'stored') written[total] -= rejection.count;
      }
    }
    return written;
  }

  /** What replicas refused by name and no quorum has. */
  refused(): RefusedSummary {
    const offenders: Offender[] = [];
    const counts: Partial<Record<RejectionReason, number>> = {};
    for (const series of this.#doubtful.values()) {
      const missed = this.#judge(series).flatMap(({ rejection, verdict }) =>
        rejection && verdict !== 'stored' ? [rejection] : [],
      );
      for (const rejection of missed[0]?.item === 'series' ? missed.slice(0, 1) : missed) {
        counts[rejection.reason] = (counts[rejection.reason] ?? 0) + rejection.count;
        if (series.labels) offenders.push({ tenant: series.tenant, labels: series.labels, rejection });
      }
    }
    return { offenders, counts };
  }

  *#verdicts(): Iterable<Verdict> {
    const doubtful = new Uint32Array(this.#tuples.length);
    for (const series of this.#doubtful.values()) {
      doubtful[series.tuple] = (doubtful[series.tuple] as number) + 1;
      for (const { verdict } of this.#judge(series)) yield verdict;
    }
    for (const [tuple, { series }] of this.#tuples.entries())
      if ((doubtful[tuple] as number) < series) yield this.verdictOf(tuple);
  }

  #tally(tuple: number): Tally {
    const { stored, conflict, limited, outage } = this.#columns;
    return {
      replicas: this.#replicas,
      quorum: this.#quorum,
      stored: stored[tuple] as number,
      conflicts: conflict[tuple] as number,
      limits: limited[tuple] as number,
      outages: outage[tuple] as number,
    };
  }

  #answered(tuple: number): number {
    const { stored, conflicts, limits, outages } = this.#tally(tuple);
    return stored + conflicts + limits + outages;
  }

  /** The items of a series in runs that the same replicas refused, or none did; the series itself where it was refused, or holds nothing. */
  #judge(series: DoubtfulSeries): readonly JudgedRun[] {
    const answered = this.#answered(series.tuple);
    if (series.judged?.answered !== answered) series.judged = { answered, runs: this.#runsOf(series) };
    return series.judged.runs;
  }

  #runsOf({ tuple, items, refusals }: DoubtfulSeries): JudgedRun[] {
    const base = this.#tally(tuple);
    const whole = new Refusers();
    for (const { call, rejection } of refusals) if (rejection.item === 'series') whole.add(call, rejection, 1);
    const runs: JudgedRun[] = [];
    const judgeRun = (refusers: Refusers, item: Rejection['item'], first: number, count: number): void => {
      const rejection = refusers.first && { ...refusers.first, item, first, count };
      runs.push({ rejection, verdict: judge(refusers.takenFrom(base)) });
    };
    for (const { item, total } of kinds) {
      const end = items[total];
      if (end === 0) continue;
      const refusers = whole.copy();
      const ofItem = refusals.filter(({ rejection }) => rejection.item === item);
      let from = 0;
      for (const { at, index, change } of stepsOf(ofItem, end)) {
        if (at > from) judgeRun(refusers, item, from, at - from);
        from = at;
        const { call, rejection } = ofItem[index]!;
        refusers.add(call, rejection, change);
      }
      if (end > from) judgeRun(refusers, item, from, end - from);
    }
    if (!whole.first && runs.length > 0) return runs;
    const verdicts = runs.map(({ verdict }) => verdict);
    judgeRun(whole, 'series', 0, 1);
    const ofSeries = runs.pop() as JudgedRun;
    // A series is worth no retry that none of its items is worth.
    const isWorst = verdicts.length > 0 && mergeVerdicts([ofSeries.verdict, ...verdicts]) === ofSeries.verdict;
    return [isWorst ? { ...ofSeries, verdict: mergeVerdicts(verdicts) } : ofSeries, ...runs];
  }
}

/** Where the runs of refusals begin and end, in order. Sorted as plain numbers: there may be a million of them. */
function* stepsOf(
  refusals: readonly { readonly rejection: Rejection }[],
  end: number,
): Iterable<{ readonly at: number; readonly index: number; readonly change: 1 | -1 }> {
  const count = refusals.length * 2;
  // A step is its place * count + twice the index of its refusal, and one more for an end.
  const steps = new Float64Array(count);
  for (const [index, { rejection }] of refusals.entries()) {
    steps[2 * index] = Math.min(rejection.first, end) * count + 2 * index;
    steps[2 * index + 1] = Math.min(rejection.first + rejection.count, end) * count + 2 * index + 1;
  }
  for (const step of steps.sort()) {
    const index = (step % count) >> 1;
    yield { at: Math.floor(step / count), index, change: step % 2 === 0 ? 1 : -1 };
  }
}

interface Refusal {
  readonly rejection: Rejection;
  conflicts: number;
  limits: number;
}

/** The calls that refused an item which they are otherwise counted to have stored. A call counts once, whatever it says of an item. */
class Refusers {
  readonly #calls = new Map<number, Refusal>();
  #conflicts = 0;

  /** One of the reasons; undefined when nobody refused. */
  get first(): Rejection | undefined {
    return this.#calls.size === 0 ? undefined : this.#calls.values().next().value!.rejection;
  }

  copy(): Refusers {
    const copy = new Refusers();
    for (const [call, refusal] of this.#calls) copy.#calls.set(call, { ...refusal });
    copy.#conflicts = this.#conflicts;
    return copy;
  }

  /** @param change 1 when the item is the first of a run of refused ones, -1 when it is the one behind the last */
  add(call: number, rejection: Rejection, change: 1 | -1): void {
    let known = this.#calls.get(call);
    if (!known) this.#calls.set(call, (known = { rejection, conflicts: 0, limits: 0 }));
    if (known.conflicts > 0) this.#conflicts -= 1;
    known[isRetryable(rejection.reason) ? 'limits' : 'conflicts'] += change;
    if (known.conflicts > 0) this.#conflicts += 1;
    if (known.conflicts + known.limits === 0) this.#calls.delete(call);
  }

  takenFrom(tally: Tally): Tally {
    const limits = this.#calls.size - this.#conflicts;
    return {
      ...tally,
      stored: tally.stored - this.#calls.size,
      conflicts: tally.conflicts + this.#conflicts,
      limits: tally.limits + limits,
    };
  }
}
