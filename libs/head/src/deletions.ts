import type { TimeInterval } from './head.js';

/** Deleted intervals of series, merged where they touch. */
export class Deletions {
  readonly #intervals = new Map<number, TimeInterval[]>();

  get isEmpty(): boolean {
    return this.#intervals.size === 0;
  }

  of(ref: number): readonly TimeInterval[] {
    return this.#intervals.get(ref) ?? [];
  }

  add(ref: number, { minTimeMs, maxTimeMs }: TimeInterval): void {
    const kept: TimeInterval[] = [];
    let [min, max] = [minTimeMs, maxTimeMs];
    for (const interval of this.of(ref)) {
      if (interval.maxTimeMs + 1 < min || interval.minTimeMs - 1 > max) kept.push(interval);
      else [min, max] = [Math.min(min, interval.minTimeMs), Math.max(max, interval.maxTimeMs)];
    }
    kept.push({ minTimeMs: min, maxTimeMs: max });
    this.#intervals.set(
      ref,
      kept.sort((a, b) => a.minTimeMs - b.minTimeMs),
    );
  }

  /** The series is gone. */
  forget(ref: number): void {
    this.#intervals.delete(ref);
  }

  /** Forgets intervals that end before a time. */
  forgetBefore(minTimeMs: number): void {
    for (const [ref, intervals] of this.#intervals) {
      const kept = intervals.filter(({ maxTimeMs }) => maxTimeMs >= minTimeMs);
      if (kept.length === 0) this.#intervals.delete(ref);
      else this.#intervals.set(ref, kept);
    }
  }

  /** Those that touch a range, by ref. */
  within(range: TimeInterval): Map<number, readonly TimeInterval[]> {
    const found = new Map<number, readonly TimeInterval[]>();
    for (const [ref, intervals] of this.#intervals) {
      const touching = intervals.filter((interval) => touches(interval, range));
      if (touching.length > 0) found.set(ref, touching);
    }
    return found;
  }
}

export function touches(a: TimeInterval, b: TimeInterval): boolean {
  return a.minTimeMs <= b.maxTimeMs && a.maxTimeMs >= b.minTimeMs;
}
