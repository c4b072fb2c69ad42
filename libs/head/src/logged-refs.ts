import { RefSet, unionOfRefs, type RefPages } from './ref-set.js';

/**
 * Refs that the WAL may hold samples of: those of live series, and, until the log has been truncated behind their last sample, those of series that
 * are gone and those that a later record redirected to another series. A checkpoint keeps the series records of all of them, since a sample
 * without its series record is lost to a replay.
 */
export class LoggedRefs {
  readonly #live = new RefSet();
  /** Removed by the truncation that is under way. */
  #leaving = new RefSet();
  /** What each truncation has removed, and until when the log may hold samples of it. */
  #left: { readonly untilTime: bigint; readonly refs: RefSet }[] = [];
  /** One by one, as each has a time of its own. */
  readonly #redirected = new Map<number, bigint>();

  add(ref: number): void {
    this.#live.add(ref);
  }

  /** The series of the ref is gone. */
  remove(ref: number): void {
    this.#live.delete(ref);
    this.#leaving.add(ref);
  }

  /** Ends the removals of a truncation: the log may hold samples of those refs up to that time. */
  endRemovals(untilTime: bigint): void {
    if (this.#leaving.isEmpty) return;
    this.#left.push({ untilTime, refs: this.#leaving });
    this.#leaving = new RefSet();
  }

  /** The ref stands for a series that has another one now; the log may hold samples under it up to that time. */
  redirect(ref: number, untilTime: bigint): void {
    const known = this.#redirected.get(ref);
    if (known === undefined || known < untilTime) this.#redirected.set(ref, untilTime);
  }

  /** Refs of the series that are there, as a copy. */
  live(): RefPages {
    return unionOfRefs([this.#live]);
  }

  /** As a copy. What the log holds no more samples of is forgotten, as samples before `minTime` do not stay in it. */
  keptFrom(minTime: bigint): RefPages {
    this.#left = this.#left.filter(({ untilTime }) => untilTime >= minTime);
    const redirected = new RefSet();
    for (const [ref, untilTime] of this.#redirected) {
      if (untilTime < minTime) this.#redirected.delete(ref);
      else redirected.add(ref);
    }
    return unionOfRefs([this.#live, this.#leaving, redirected, ...this.#left.map(({ refs }) => refs)]);
  }
}
