import { toInt64 } from '@gauntlet/base';

/**
 * The integers of spec section 1.1. Values are JavaScript numbers; what lies beyond 2^53 goes through bigint, and comes
 * back as the nearest number. MinInt64 and MaxInt64 survive the round trip: 2^63 and infinities are clamped on the way out.
 */

/** Zig-zag doubles a value: up to here that stays exact. */
const zigzagMax = 2 ** 52;

/** Writes a non-negative safe integer; returns the position behind it. */
export function putUvarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest > 0x7fffffff) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

export function uvarintLength(value: number): number {
  let length = 1;
  let rest = value;
  while (rest > 0x7fffffff) {
    rest = Math.floor(rest / 128);
    length += 1;
  }
  while (rest > 127) {
    rest >>>= 7;
    length += 1;
  }
  return length;
}

/** Writes a signed value in zig-zag form; returns the position behind it. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -zigzagMax && value <= zigzagMax) return putUvarint(bytes, at, value < 0 ? -2 * value - 1 : 2 * value);
  return putVarint64(bytes, at, toInt64(value));
}

export function putVarint64(bytes: Uint8Array, at: number, value: bigint): number {
  return putUvarint64(bytes, at, (value << 1n) ^ (value >> 63n));
}

/** Writes the low 64 bits. */
export function putUvarint64(bytes: Uint8Array, at: number, value: bigint): number {
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes[at++] = Number(rest & 127n) | 128;
  bytes[at++] = Number(rest);
  return at;
}

/** Writes `to - from`, both int64, as an unsigned varint. */
export function putUvarintDifference(bytes: Uint8Array, at: number, to: number, from: number): number {
  const difference = to - from;
  if (difference >= 0 && Number.isSafeInteger(to) && Number.isSafeInteger(from) && Number.isSafeInteger(difference)) {
    return putUvarint(bytes, at, difference);
  }
  return putUvarint64(bytes, at, toInt64(to) - toInt64(from));
}

export function putUint32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}

export function putUint64(bytes: Uint8Array, at: number, value: number): number {
  putUint32(bytes, at, Math.floor(value / 2 ** 32));
  return putUint32(bytes, at + 4, value >>> 0);
}
