export const int64Max = 2n ** 63n - 1n;
export const int64Min = -(2n ** 63n);

/** A number as int64: fractions are cut off towards zero, infinities and what lies beyond become the ends of the range. */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return int64Max;
  if (value <= -(2 ** 63)) return int64Min;
  return BigInt(Math.trunc(value));
}
