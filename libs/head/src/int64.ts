export const int64Max = 2n ** 63n - 1n;
export const int64Min = -(2n ** 63n);

/** A bound in milliseconds as int64: infinities and what lies beyond become the ends of the range. */
export function toInt64(timestampMs: number): bigint {
  if (timestampMs >= 2 ** 63) return int64Max;
  if (timestampMs <= -(2 ** 63)) return int64Min;
  return BigInt(Math.trunc(timestampMs));
}
