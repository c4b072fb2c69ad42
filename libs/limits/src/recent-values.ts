import { minuteMs } from '@gauntlet/base';

const ageMsMax = 10 * minuteMs;
const valuesMax = 128;

/** A sum and a count of all values, and quantiles of the last 128 of the last ten minutes. */
export class RecentValues {
  sum = 0;
  count = 0;
  readonly #monotonicMs: () => number;
  readonly #values: { value: number; atMs: number }[] = [];

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  add(value: number): void {
    this.#values[this.count % valuesMax] = { value, atMs: this.#monotonicMs() };
    this.sum += value;
    this.count += 1;
  }

  /** The smallest value that is not below such a share of all; NaN where there is none. */
  quantiles(shares: readonly number[]): number[] {
    const oldestMs = this.#monotonicMs() - ageMsMax;
    const sorted = this.#values.filter(({ atMs }) => atMs >= oldestMs).map(({ value }) => value);
    sorted.sort((a, b) => a - b);
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN);
  }
}
