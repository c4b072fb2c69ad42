import type { BitReader, BitWriter } from './bit-stream.js';

/**
 * Integers of histogram chunks (spec/tsdb.md 1.5): as many ones as the number of the bucket, a zero, then the bits of the value. An n-bit
 * pattern `100...0` is +2^(n-1) where values are signed.
 *
 * ```
 * prefix     0  10  110  1110  11110  111110  1111110  11111110  11111111
 * bits       0   3    6     9     12      18       25        56        64
 * ```
 */
const widths = [0, 3, 6, 9, 12, 18, 25, 56, 64] as const;
const wholeBucket = widths.length - 1;
const smallMax = 2 ** 24;

export function writeSigned(out: BitWriter, value: bigint): void {
  const near = Number(value);
  if (near > -smallMax && near <= smallMax) return writeSmallSigned(out, near);
  const width = value > -(1n << 55n) && value <= 1n << 55n ? 56 : 64;
  out.write(width === 56 ? 0b11111110 : 0b11111111, 8);
  out.write64(BigInt.asUintN(width, value), width);
}

/** For values in (-2^24, 2^24]. */
function writeSmallSigned(out: BitWriter, value: number): void {
  if (value === 0) return out.write(0, 1);
  for (let bucket = 1; ; bucket += 1) {
    const width = widths[bucket]!;
    const max = 1 << (width - 1);
    if (value > max || value <= -max) continue;
    out.write((1 << (bucket + 1)) - 2, bucket + 1);
    return out.write(value, width);
  }
}

export function writeUnsigned(out: BitWriter, value: bigint): void {
  let bucket = 0;
  while (bucket < wholeBucket && value >> BigInt(widths[bucket]!) > 0n) bucket += 1;
  if (bucket === wholeBucket) out.write(0xff, 8);
  else out.write((1 << (bucket + 1)) - 2, bucket + 1);
  if (bucket > 0) out.write64(value, widths[bucket]!);
}

export function readSigned(input: BitReader): bigint {
  const width = readWidth(input);
  if (width <= 25) return BigInt(signed(input.read(width), width));
  const value = input.read64(width);
  if (width === 64) return BigInt.asIntN(64, value);
  return value > 1n << 55n ? value - (1n << 56n) : value;
}

function signed(value: number, width: number): number {
  return width > 0 && value > 1 << (width - 1) ? value - (1 << width) : value;
}

export function readUnsigned(input: BitReader): bigint {
  return input.read64(readWidth(input));
}

function readWidth(input: BitReader): number {
  let bucket = 0;
  while (bucket < wholeBucket && input.read(1) === 1) bucket += 1;
  return widths[bucket]!;
}
