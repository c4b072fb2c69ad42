// Whether bytes are valid UTF-8, as Go's unicode/utf8 judges: shortest forms only, no surrogates, nothing above U+10FFFF.

/** Judges [at, end). Reads up to 15 bytes past the end. */
export function isUtf8(at: usize, end: usize): bool {
  while (at < end) {
    let high = <u32>i8x16.bitmask(v128.load(at));
    if (end - at < 16) high &= (<u32>1 << <u32>(end - at)) - 1;
    if (high == 0) {
      at += 16;
      continue;
    }
    at = skipSequence(at + <usize>ctz(high), end);
    if (at == 0) return false;
  }
  return true;
}

/** The end of the sequence of two to four bytes at `at`; 0 when it is none. */
function skipSequence(at: usize, end: usize): usize {
  const first = <u32>load<u8>(at);
  const length: usize = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || length > end - at) return 0;
  // The second byte rules out longer forms than need be, surrogates, and what Unicode does not reach.
  const second = <u32>load<u8>(at, 1);
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let index: usize = 2; index < length; index += 1) {
    if ((load<u8>(at + index) & 0xc0) != 0x80) return 0;
  }
  return at + length;
}
