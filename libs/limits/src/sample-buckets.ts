import type { SampleRate } from './limits-config.js';

/** Tenants come from clients: beyond these many the one that was quiet longest is forgotten, and starts again with a full bucket. */
export const bucketsMax = 10_000;

/** More than the rounding errors of a bucket add up to, in samples: a wait that we named must be long enough. */
const roundingMax = 1e-6;

interface Bucket {
  /** Below zero after a request that was larger than the bucket. */
  samples: number;
  filledMs: number;
}

/** A bucket of samples for each tenant, which fills at the tenant's rate up to its burst. */
export class SampleBuckets {
  /** The one used last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  /**
   * Takes samples and returns 0; or takes none and returns the whole milliseconds after which they are there, if nobody else takes any. A request larger
   * than the burst is let through by a full bucket and leaves a debt: nothing is refused for ever, and the rate holds over time.
   */
  take({ tenant, samples, rate, nowMs }: { tenant: string; samples: number; rate: SampleRate; nowMs: number }): number {
    const { samplesPerSecond, burst } = rate;
    if (samplesPerSecond === 0 || samples === 0) return 0;
    const bucket = this.#bucketOf(tenant, burst, nowMs);
    bucket.samples = Math.min(burst, bucket.samples + ((nowMs - bucket.filledMs) * samplesPerSecond) / 1000);
    bucket.filledMs = nowMs;
    const missing = Math.min(samples, burst) - bucket.samples;
    if (missing > roundingMax) return Math.ceil(((missing - roundingMax / 2) * 1000) / samplesPerSecond);
    bucket.samples -= samples;
    return 0;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #bucketOf(tenant: string, burst: number, nowMs: number): Bucket {
    const bucket = this.#buckets.get(tenant) ?? { samples: burst, filledMs: nowMs };
    this.#buckets.delete(tenant);
    if (this.#buckets.size === bucketsMax) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(tenant, bucket);
    return bucket;
  }
}
