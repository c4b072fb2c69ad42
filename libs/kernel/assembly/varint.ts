// Protobuf varints in linear memory.
//
// Readers take the end of the enclosing message and never read a byte at or behind it. They return the position behind
// the varint, or 0 when it is cut or longer than ten bytes; the value is left in `varintValue`. As the Go decoders do,
// the tenth byte adds only its lowest bit, and over-long forms are accepted.

/** The value that `readVarint` read last. */
export let varintValue: u64 = 0;

// @ts-ignore: decorator
@inline
export function readVarint(at: usize, end: usize): usize {
  if (at < end) {
    const first = <u32>load<u8>(at);
    if (first < 0x80) {
      varintValue = <u64>first;
      return at + 1;
    }
  }
  return readLongVarint(at, end);
}

function readLongVarint(at: usize, end: usize): usize {
  let value: u64 = 0;
  let shift: u64 = 0;
  while (shift < 70) {
    if (at >= end) return 0;
    const byte = <u64>load<u8>(at);
    at += 1;
    // A shift of 63 drops all but one bit of the tenth byte, which is what is wanted.
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      varintValue = value;
      return at;
    }
    shift += 7;
  }
  return 0;
}

/** How many bytes `value` takes in its shortest form. */
// @ts-ignore: decorator
@inline
export function varintSize(value: u64): u32 {
  return (<u32>(64 - clz(value | 1)) * 9 + 64) >> 6;
}

/** Writes `value` in its shortest form and returns the position behind it. The caller has room for ten bytes. */
export function writeVarint(to: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(to, <u8>(value | 0x80));
    to += 1;
    value >>= 7;
  }
  store<u8>(to, <u8>value);
  return to + 1;
}
