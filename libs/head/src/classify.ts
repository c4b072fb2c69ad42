import { int64Min } from '@gauntlet/base';

export interface SampleBounds {
  readonly minValid: bigint;
  readonly timestampMax: bigint;
  readonly appendableMin: bigint;
  /** Lowest time that is taken out of order; undefined when none is. */
  readonly outOfOrderMin: bigint | undefined;
}

/** `atNewest`: the time of the series' newest sample, so that their values decide. `late`: to be stored out of order. */
export type SampleVerdict = 'newest' | 'atNewest' | 'late' | 'outOfBounds' | 'outOfOrder' | 'tooOld';

/**
 * Judges the time of a sample (spec/tsdb.md 5.3), as the kernel does for floats.
 * @param newest time of the series' newest sample in order; undefined when it has none
 */
export function classify(t: bigint, newest: bigint | undefined, bounds: SampleBounds): SampleVerdict {
  if (t > bounds.timestampMax) return 'outOfBounds';
  const isAppendable = t >= bounds.appendableMin;
  if (isAppendable && (newest === undefined || t > newest)) return 'newest';
  if (isAppendable && t === newest) return 'atNewest';
  if (bounds.outOfOrderMin !== undefined) return t >= bounds.outOfOrderMin ? 'late' : 'tooOld';
  return isAppendable ? 'outOfOrder' : 'outOfBounds';
}

/** A time less a length of time, as far as there are times. */
export function before(t: bigint, length: bigint): bigint {
  return t < int64Min + length ? int64Min : t - length;
}
