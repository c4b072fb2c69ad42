const double = new DataView(new ArrayBuffer(8));

/** The bits of a double. A NaN that is a JavaScript number has lost its payload by now. */
export function bitsOf(value: number): bigint {
  double.setFloat64(0, value);
  return double.getBigUint64(0);
}

export function doubleOf(bits: bigint): number {
  double.setBigUint64(0, bits);
  return double.getFloat64(0);
}

/** A double as Prometheus writes bucket bounds and quantiles: the shortest digits that mean it, never with an exponent. */
export function decimalText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa, exponent] = String(value).split('e') as [string, string?];
  if (exponent === undefined) return mantissa;
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?];
  // One digit stands before the point; exponents are -7 or less, or 21 or more.
  const shift = Number(exponent);
  return shift < 0
    ? `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`
    : `${sign}${whole}${fraction}${'0'.repeat(shift - fraction.length)}`;
}
