/** The unsigned varint at `at`, as the nearest number; the bytes are known to hold all of it. */
export function uvarintAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 128) return first;
  let value = first & 127;
  for (let scale = 128; ; scale *= 128) {
    at += 1;
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

const varintBytesMax = 10;

/** The place behind the varint at `at`; -1 when it does not end before `end`, -2 when it is longer than one may be. */
export function uvarintEndWithin(bytes: Uint8Array, at: number, end: number): number {
  const from = at;
  for (; at < end; at += 1) {
    if (at - from === varintBytesMax) return -2;
    if (bytes[at]! < 128) return at + 1;
  }
  return at - from >= varintBytesMax ? -2 : -1;
}

/** The order of two runs of bytes. */
export function compareBytes(
  a: Uint8Array,
  aFrom: number,
  aTo: number,
  b: Uint8Array,
  bFrom: number,
  bTo: number,
): number {
  const common = Math.min(aTo - aFrom, bTo - bFrom);
  for (let k = 0; k < common; k += 1) {
    const difference = a[aFrom + k]! - b[bFrom + k]!;
    if (difference !== 0) return difference;
  }
  return aTo - aFrom - (bTo - bFrom);
}
