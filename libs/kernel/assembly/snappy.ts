// Snappy: the block format (with the repeat offsets of S2, which Thanos accepts) and the framing format.
//
// block:  varint length of the content, then elements; the two low bits of an element's first byte tell its kind:
//   00  literal: length - 1 in the upper six bits; 60 to 63 there mean that 1 to 4 little-endian bytes follow with it
//   01  copy, length 4 to 11 in bits 2 to 4, offset of 11 bits: bits 5 to 7 and the next byte.
//       Offset 0 (S2 only) repeats the last offset; lengths 5, 6, 7 in bits 2 to 4 then mean 1, 2, 3 more bytes of length
//   10  copy, length - 1 in the upper six bits, offset in the next two bytes
//   11  the same with four bytes of offset
//
// frame:  chunks of: type byte, length in three little-endian bytes, content
//   ff  stream identifier, must come first and may come again: "sNaPpY", or "S2sTwO"
//   00  masked CRC-32C of the content, then a block of up to 65,536 bytes of content
//   01  masked CRC-32C of the content, then the content itself
//   02 to 7f are refused; 80 to fe are skipped, and the last of them may be cut.

import { copySteps } from './copy';
import { crc32c } from './crc32c';
import { readVarint, varintValue, writeVarint } from './varint';

/** Content of one chunk, and reach of a copy that our encoder writes. */
const chunkBytesMax: usize = 65536;

/** Table for short overlapping copies: row `offset` says which source byte each of 16 target bytes repeats. */
const patterns: usize = memory.data(16 * 16, 16);
/** How far one such store advances: the largest multiple of the offset within 16. */
const strides: usize = memory.data(16);

function fillPatterns(): void {
  for (let offset: usize = 1; offset < 16; offset += 1) {
    for (let byte: usize = 0; byte < 16; byte += 1) store<u8>(patterns + offset * 16 + byte, <u8>(byte % offset));
    store<u8>(strides + offset, <u8>(16 - (16 % offset)));
  }
}
fillPatterns();

/** Length of an S2 repeat, whose extra length bytes start at `at`. The caller has checked that they are there. */
function repeatLength(code: u32, at: usize): usize {
  if (code < 5) return <usize>code + 4;
  if (code == 5) return <usize>load<u8>(at) + 8;
  if (code == 6) return <usize>load<u16>(at) + 260;
  return <usize>(load<u32>(at) & 0xffffff) + 65540;
}

/**
 * Decodes the elements in [at, end) to exactly [to, toEnd). Both areas have slack behind them.
 * Returns whether the elements were sound and filled the target.
 */
export function decodeElements(at: usize, end: usize, to: usize, toEnd: usize): bool {
  const start = to;
  let offset: usize = 0;
  while (at < end) {
    const word = load<u32>(at);
    const tag = word & 0xff;
    const kind = tag & 3;
    let length: usize = <usize>(tag >> 2) + 1;
    if (kind == 0) {
      at += 1;
      if (length > 60) {
        const extra = length - 60;
        if (extra > end - at) return false;
        length = <usize>(load<u32>(at) & (0xffffffff >> ((4 - <u32>extra) << 3)));
        at += extra;
        if (length == 0xffffffff) return false;
        length += 1;
      }
      if (length > end - at || length > toEnd - to) return false;
      copySteps(to, at, length);
      to += length;
      at += length;
      continue;
    }
    if (kind == 2) {
      if (end - at < 3) return false;
      offset = <usize>((word >> 8) & 0xffff);
      at += 3;
    } else if (kind == 1) {
      if (end - at < 2) return false;
      const near = <usize>(((tag & 0xe0) << 3) | ((word >> 8) & 0xff));
      at += 2;
      const code = (tag >> 2) & 7;
      if (near != 0) {
        offset = near;
        length = <usize>code + 4;
      } else {
        const extra: usize = code < 5 ? 0 : <usize>code - 4;
        if (end - at < extra) return false;
        length = repeatLength(code, at);
        at += extra;
      }
    } else {
      if (end - at < 5) return false;
      offset = <usize>load<u32>(at, 1);
      at += 5;
    }
    // An offset of 0 wraps around and fails here as well.
    if (offset - 1 >= to - start || length > toEnd - to) return false;
    if (offset >= 16 || length <= offset) {
      copySteps(to, to - offset, length);
      to += length;
    } else {
      const pattern = i8x16.swizzle(v128.load(to - offset), v128.load(patterns + offset * 16));
      const stride = <usize>load<u8>(strides + offset);
      const copyEnd = to + length;
      do {
        v128.store(to, pattern);
        to += stride;
      } while (to < copyEnd);
      to = copyEnd;
    }
  }
  return to == toEnd;
}

/** Whether the elements in [at, end) are sound and make exactly `expected` bytes. Writes nothing. */
export function measureElements(at: usize, end: usize, expected: u64): bool {
  let made: u64 = 0;
  let offset: u64 = 0;
  while (at < end) {
    const tag = <u32>load<u8>(at);
    const kind = tag & 3;
    let length: u64 = <u64>(tag >> 2) + 1;
    at += 1;
    if (kind == 0) {
      if (length > 60) {
        const extra = <usize>length - 60;
        if (extra > end - at) return false;
        length = <u64>(load<u32>(at) & (0xffffffff >> ((4 - <u32>extra) << 3))) + 1;
        at += extra;
      }
      if (length > <u64>(end - at)) return false;
      at += <usize>length;
    } else {
      const size: usize = kind == 3 ? 4 : kind;
      if (end - at < size) return false;
      if (kind == 1) {
        const near = ((tag & 0xe0) << 3) | <u32>load<u8>(at);
        const code = (tag >> 2) & 7;
        length = <u64>code + 4;
        if (near != 0) offset = near;
        else {
          const extra: usize = code < 5 ? 0 : <usize>code - 4;
          if (end - at - 1 < extra) return false;
          length = <u64>repeatLength(code, at + 1);
          at += extra;
        }
      } else {
        offset = kind == 2 ? <u64>load<u16>(at) : <u64>load<u32>(at);
      }
      at += size;
      if (offset == 0 || offset > made) return false;
    }
    made += length;
    if (made > expected) return false;
  }
  return made == expected;
}

/** The content length that a block declares, left by `readBlockLength`. */
export let blockLength: u64 = 0;

/** Reads the length in front of a block; returns the position behind it, or 0 when it is not a sound 32-bit length. */
export function readBlockLength(at: usize, end: usize): usize {
  const start = at;
  at = readVarint(at, end);
  if (at == 0) return 0;
  // Unlike protobuf, ten bytes with more than 64 bits are refused.
  if (at - start == 10 && load<u8>(at - 1) > 1) return 0;
  if (varintValue > 0xffffffff) return 0;
  blockLength = varintValue;
  return at;
}

/** A block or stream whose declared length fits its size needs no measuring: no plain snappy element makes 22 bytes of one. */
const growthMax: u64 = 22;
const growthFree: u64 = 65536;

/**
 * The length of the content of a block, or -1 when it is corrupt. Lengths out of proportion, or above `contentMax`, are
 * believed only after a look at every element, so that a lie costs no memory and is told apart from a large message.
 */
export function blockContentLength(at: usize, end: usize, contentMax: u64): i64 {
  const size = <u64>(end - at);
  at = readBlockLength(at, end);
  if (at == 0) return -1;
  const length = blockLength;
  if ((length > contentMax || length > size * growthMax + growthFree) && !measureElements(at, end, length)) return -1;
  return <i64>length;
}

/** Decodes a block whose content length is known to fit [to, toEnd) exactly. */
export function decodeBlock(at: usize, end: usize, to: usize, toEnd: usize): bool {
  at = readBlockLength(at, end);
  return at != 0 && blockLength == <u64>(toEnd - to) && decodeElements(at, end, to, toEnd);
}

const plainIdentifier: u64 = 0x59705061_4e73; // "sNaPpY", read from its last byte to its first
const extendedIdentifier: u64 = 0x4f775473_3253; // "S2sTwO"

// @ts-ignore: decorator
@inline
function maskedChecksum(at: usize, length: usize): u32 {
  return rotr(crc32c(0, at, length), 15) + 0xa282ead8;
}

/**
 * Walks a stream. With `to` = 0 it only adds up the declared lengths of its chunks; otherwise it decodes to [to, toEnd).
 * Returns the length of the content, or -1 when the stream is corrupt.
 */
export function walkStream(at: usize, end: usize, to: usize, toEnd: usize): i64 {
  const measuring = to == 0;
  const start = to;
  let total: u64 = 0;
  let identified = false;
  while (at < end) {
    if (end - at < 4) return -1;
    const head = load<u32>(at);
    const type = head & 0xff;
    const size = <usize>(head >> 8);
    at += 4;
    if (!identified && type != 0xff) return -1;
    if (type >= 0x80 && type != 0xff) {
      // The reference decoder reads the rest of a skipped chunk until the stream ends, and is content.
      at = size > end - at ? end : at + size;
      continue;
    }
    if (size > end - at) return -1;
    const next = at + size;
    if (type == 0xff) {
      if (size != 6) return -1;
      const text = load<u64>(at) & 0xffffffffffff;
      if (text != plainIdentifier && text != extendedIdentifier) return -1;
      identified = true;
    } else {
      if (type > 1 || size < 4) return -1;
      let length = size - 4;
      if (type == 0) {
        if (readBlockLength(at + 4, next) == 0 || blockLength > <u64>chunkBytesMax) return -1;
        length = <usize>blockLength;
      }
      if (length > chunkBytesMax) return -1;
      if (!measuring) {
        if (length > toEnd - to) return -1;
        if (type == 0) {
          if (!decodeBlock(at + 4, next, to, to + length)) return -1;
        } else {
          copySteps(to, at + 4, length);
        }
        if (maskedChecksum(to, length) != load<u32>(at)) return -1;
        to += length;
      }
      total += <u64>length;
    }
    at = next;
  }
  return measuring ? <i64>total : <i64>(to - start);
}

const hashTable: usize = memory.data(16384 * 2, 16);
const hashBitsMax: u32 = 14;

/** The most that a block of `length` bytes can take. */
export function blockBytesMax(length: u64): u64 {
  return 32 + length + length / 6;
}

/** The most that a stream of `length` bytes can take: a chunk that does not shrink is stored as it is. */
export function streamBytesMax(length: u64): u64 {
  // The encoder writes a compressed form first, and only then sees that it did not shrink.
  return 10 + length + (length / <u64>chunkBytesMax + 1) * 8 + blockBytesMax(<u64>chunkBytesMax);
}

function writeLiteral(to: usize, from: usize, length: usize): usize {
  const count = <u32>length - 1;
  if (count < 60) {
    store<u8>(to, <u8>(count << 2));
    to += 1;
  } else if (count < 256) {
    store<u16>(to, <u16>(0xf0 | (count << 8)));
    to += 2;
  } else {
    store<u8>(to, 0xf4);
    store<u16>(to, <u16>count, 1);
    to += 3;
  }
  copySteps(to, from, length);
  return to + length;
}

function writeCopy(to: usize, offset: u32, length: u32): usize {
  while (length >= 68) {
    store<u32>(to, 0xfe | (offset << 8));
    to += 3;
    length -= 64;
  }
  if (length > 64) {
    // Leaves at least 4 for the last element, the least that its short form holds.
    store<u32>(to, 0xee | (offset << 8));
    to += 3;
    length -= 60;
  }
  if (length < 12 && offset < 2048) {
    store<u16>(to, <u16>(1 | ((length - 4) << 2) | ((offset >> 8) << 5) | ((offset & 0xff) << 8)));
    return to + 2;
  }
  store<u32>(to, 2 | ((length - 1) << 2) | (offset << 8));
  return to + 3;
}

// @ts-ignore: decorator
@inline
function slotOf(word: u64, shift: u64): usize {
  // Five bytes: four find too many short matches that cost more than they save.
  return hashTable + (<usize>(((word << 24) * 0x9e3779b185ebca87) >> shift) << 1);
}

/** How many bytes at `a` and `b` (before it) agree, up to `end` for `a`. */
// @ts-ignore: decorator
@inline
function agree(a: usize, b: usize, end: usize): usize {
  const start = a;
  while (a + 8 <= end) {
    const difference = load<u64>(a) ^ load<u64>(b);
    if (difference != 0) return a - start + (<usize>ctz(difference) >> 3);
    a += 8;
    b += 8;
  }
  while (a < end && load<u8>(a) == load<u8>(b)) {
    a += 1;
    b += 1;
  }
  return a - start;
}

/**
 * Encodes up to 64 KiB as elements, greedily: at each position the last place with the same five bytes is looked up, and
 * the longest run from there is taken. Returns the position behind what was written.
 */
function encodeElements(from: usize, length: usize, to: usize): usize {
  const end = from + length;
  let unwritten = from;
  if (length >= 16) {
    const hashBits = min(hashBitsMax, max(8, 32 - clz(<u32>length - 1)));
    const shift = <u64>(64 - hashBits);
    memory.fill(hashTable, 0, (<usize>1 << hashBits) << 1);
    const searchEnd = end - 15;
    let at = from + 1;
    let misses: usize = 32;
    while (at < searchEnd) {
      const word = load<u64>(at);
      const slot = slotOf(word, shift);
      const candidate = from + <usize>load<u16>(slot);
      store<u16>(slot, <u16>(at - from));
      if (load<u32>(candidate) != <u32>word) {
        // The longer nothing is found, the larger the steps: random data is passed over quickly.
        at += misses >> 5;
        misses += 1;
        continue;
      }
      misses = 32;
      if (at > unwritten) to = writeLiteral(to, unwritten, at - unwritten);
      const run = 4 + agree(at + 4, candidate + 4, end);
      to = writeCopy(to, <u32>(at - candidate), <u32>run);
      at += run;
      unwritten = at;
      if (at < searchEnd) store<u16>(slotOf(load<u64>(at - 1), shift), <u16>(at - 1 - from));
    }
  }
  return unwritten < end ? writeLiteral(to, unwritten, end - unwritten) : to;
}

/** Encodes a block. The target holds `blockBytesMax(length)` and slack. Returns the position behind it. */
export function encodeBlock(from: usize, length: usize, to: usize): usize {
  to = writeVarint(to, <u64>length);
  while (length > 0) {
    const piece = min(length, chunkBytesMax);
    to = encodeElements(from, piece, to);
    from += piece;
    length -= piece;
  }
  return to;
}

/** Encodes a stream; no content makes no bytes. The target holds `streamBytesMax(length)` and slack. */
export function encodeStream(from: usize, length: usize, to: usize): usize {
  if (length == 0) return to;
  store<u32>(to, 0x000006ff);
  store<u64>(to, plainIdentifier, 4);
  to += 10;
  while (length > 0) {
    const piece = min(length, chunkBytesMax);
    let next = encodeBlock(from, piece, to + 8);
    let type: u32 = 0;
    if (next - (to + 8) >= piece - (piece >> 3)) {
      type = 1;
      memory.copy(to + 8, from, piece);
      next = to + 8 + piece;
    }
    store<u32>(to, type | (<u32>(next - to - 4) << 8));
    store<u32>(to, maskedChecksum(from, piece), 4);
    to = next;
    from += piece;
    length -= piece;
  }
  return to;
}
