/**
 * Counts durations in fixed memory: 64 buckets for every doubling from 1 microsecond to over an hour, so that a quantile is at most
 * 1.6 % away from the truth however many requests are counted.
 */
export class LatencyHistogram {
  readonly #buckets = new Float64Array(doublings * bucketsPerDoubling);
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  record(durationMs: number): void {
    const position = Math.log2(Math.max(durationMs, unitMs) / unitMs) * bucketsPerDoubling;
    const bucket = Math.min(Math.floor(position), this.#buckets.length - 1);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
  }

  /** The duration that a share of all recorded ones do not exceed; 0 when nothing was recorded. */
  quantileMs(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      seen += this.#buckets[bucket] as number;
      if (seen >= rank) return Math.min(unitMs * 2 ** ((bucket + 0.5) / bucketsPerDoubling), this.#maxMs);
    }
    return this.#maxMs;
  }
}

const unitMs = 0.001;
const bucketsPerDoubling = 64;
const doublings = 32;
