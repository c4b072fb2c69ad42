// The symbol table of a remote write 2.0 request, and references into it.
//
// symbol (8 bytes)
//    0  u32  address of its fragment: a tag of one byte, the length as the shortest varint, the text
//    4  u32  size of the fragment; the top bit says that the text is not UTF-8
//
// In the body a symbol is such a fragment already, unless its sender wrote longer varints than need be: that one is written
// anew. A label is two fragments with other tags, so that it takes two copies and no look at the text.
//
// References are resolved into `pairs`, an array of the symbols referred to: 16 bytes for each label, name before value.

import { contentAt, fail, fieldNumber, skipField, takeContent, takeTag, takeVarint, whyTruncated, whyWireType, wireType } from './protobuf';
import { isUtf8 } from './utf8';
import { varintSize, varintValue, writeVarint } from './varint';

export const symbolBytes: usize = 8;
export const pairBytes: usize = 16;

/** Reasons to stop that are no fault of the message; they go on from those of scan.ts. */
export const needSymbols: u32 = 104;
export const needPairs: u32 = 105;
/** What the request would take as remote write 1.0 is more than a message may. */
export const whyExpansion: u32 = 106;

export const notUtf8Bit: u64 = <u64>1 << 63;

let symbolsStart: usize = 0;
let symbolsEnd: usize = 0;
export let symbolCount: u32 = 0;
export let pairsStart: usize = 0;
let pairsEnd: usize = 0;

/** Bytes written behind the body, and those counted ahead for what is about to be written: never fewer than are. */
export let expansion: u64 = 0;
let expansionRoom: u64 = 0;
let expansionMax: u64 = 0;
/** There is no room for what is to be written: all is counted from here on, and nothing written. */
export let isDry: bool = false;

/** Where a scan keeps symbols and, twice over so that they can be sorted, pairs; and how much may be written behind the body. */
export function laySymbols(symbols: usize, symbolRoom: usize, pairs: usize, pairRoom: usize, room: u64, most: u64): void {
  symbolsStart = symbols;
  symbolsEnd = symbols + symbolRoom * symbolBytes;
  pairsStart = pairs;
  pairsEnd = pairs + pairRoom * pairBytes;
  symbolCount = 0;
  expansion = 0;
  expansionRoom = room;
  expansionMax = most;
  isDry = false;
}

/** The symbol that is referred to, which has to be one: address, size and mark in one word. */
// @ts-ignore: decorator
@inline
export function symbolAt(ref: u32): u64 {
  return load<u64>(symbolsStart + <usize>ref * symbolBytes);
}

/** Counts `size` bytes that may be written. False when they are more than the request may take; `isDry` is then of no matter. */
// @ts-ignore: decorator
@inline
export function expand(size: u64, at: usize): bool {
  expansion += size;
  if (expansion > expansionRoom) {
    isDry = true;
    if (expansion > expansionMax) return fail(whyExpansion, at) != 0;
  }
  return true;
}

/** Counts no more than `before`: what was counted since is about to be counted again. */
export function recount(before: u64): void {
  expansion = before;
}

/** How many bytes of a fragment come before its text. */
// @ts-ignore: decorator
@inline
export function headSize(fragmentSize: usize): usize {
  return fragmentSize < 130 ? 2 : longHeadSize(fragmentSize);
}

function longHeadSize(fragmentSize: usize): usize {
  let head: usize = 3;
  while (1 + <usize>varintSize(<u64>(fragmentSize - head)) != head) head += 1;
  return head;
}

// @ts-ignore: decorator
@inline
function addSymbol(fragment: usize, size: usize, text: usize, end: usize): bool {
  const symbol = symbolsStart + <usize>symbolCount * symbolBytes;
  if (symbol == symbolsEnd) return fail(needSymbols, fragment) != 0;
  // Most texts are short, and ASCII.
  let isText = true;
  if (end - text > 16 || (<u32>i8x16.bitmask(v128.load(text)) & ((<u32>1 << <u32>(end - text)) - 1)) != 0) isText = isUtf8(text, end);
  store<u64>(symbol, <u64>fragment | (<u64>size << 32) | (isText ? 0 : notUtf8Bit));
  symbolCount += 1;
  return true;
}

/** The first series of the request, or its end. */
export let firstSeries: usize = 0;

/** Reads all symbols of the request, which may come before, between and behind its series. Returns where those that had to be written to `to` end, or 0. */
export function takeSymbols(at: usize, end: usize, to: usize): usize {
  firstSeries = end;
  while (at < end) {
    const start = at;
    const head = <u32>load<u16>(at);
    if ((head & 0x80ff) == 0x0022) {
      at += 2 + <usize>(head >> 8);
      if (at > end) return fail(whyTruncated, start);
      if (!addSymbol(start, at - start, start + 2, at)) return 0;
      continue;
    }
    at = takeTag(at, end);
    if (at == 0) return 0;
    const field = fieldNumber;
    if (field != 4 && field != 5) {
      at = skipField(start, end);
      if (at == 0) return 0;
      continue;
    }
    if (wireType != 2) return fail(whyWireType, start);
    at = takeContent(at, end);
    if (at == 0) return 0;
    if (field == 5) {
      firstSeries = min(firstSeries, start);
      continue;
    }
    const length = at - contentAt;
    const size: usize = <usize>varintSize(<u64>length) + length + 1;
    let fragment = start;
    if (at - start != size) {
      if (!expand(<u64>size, start)) return 0;
      if (!isDry) {
        fragment = to;
        store<u8>(to, 0x22);
        memory.copy(writeVarint(to + 1, <u64>length), contentAt, length);
        to += size;
      }
    }
    if (!addSymbol(fragment, size, contentAt, at)) return 0;
  }
  return to;
}

/** Where the pairs end that were taken since `clearPairs`; in the middle of a pair when the number of references is odd. */
export let pairAt: usize = 0;
let isOutOfRange: bool = false;
let marks: u64 = 0;

export function clearPairs(): void {
  pairAt = pairsStart;
  isOutOfRange = false;
  marks = 0;
}

/** Whether a reference was out of range, or had no partner. */
// @ts-ignore: decorator
@inline
export function arePairsBad(): bool {
  return isOutOfRange || ((pairAt - pairsStart) & (pairBytes - 1)) != 0;
}

// @ts-ignore: decorator
@inline
export function arePairsUtf8(): bool {
  return (marks & notUtf8Bit) == 0;
}

/** Bytes of the label of a pair, without its tag and length. */
// @ts-ignore: decorator
@inline
export function labelContentSize(pair: usize): usize {
  return <usize>(load<u32>(pair, 4) & 0x7fffffff) + <usize>(load<u32>(pair, 12) & 0x7fffffff);
}

/** Bytes of the labels of all pairs, none of which is bad. It may be more than memory has. */
export function labelBytes(): u64 {
  let bytes: u64 = 0;
  for (let pair = pairsStart; pair < pairAt; pair += pairBytes) {
    const content = labelContentSize(pair);
    bytes += 1 + <u64>varintSize(<u64>content) + <u64>content;
  }
  return bytes;
}

/** Resolves the packed references [at, packedEnd). The last may reach beyond, as far as `end`: Go checks only that. */
export function takePairs(at: usize, packedEnd: usize, end: usize): usize {
  let to = pairAt;
  let seen: u64 = 0;
  while (at < packedEnd) {
    let ref = <u32>load<u8>(at);
    if (ref < 0x80) {
      at += 1;
    } else {
      const second = <u32>load<u8>(at, 1);
      if (second < 0x80 && end - at >= 2) {
        ref = (ref & 0x7f) | (second << 7);
        at += 2;
      } else {
        at = takeVarint(at, end);
        if (at == 0) return 0;
        ref = <u32>varintValue;
      }
    }
    if (to == pairsEnd) return fail(needPairs, at);
    if (ref < symbolCount) {
      const symbol = symbolAt(ref);
      store<u64>(to, symbol);
      seen |= symbol;
    } else {
      isOutOfRange = true;
    }
    to += symbolBytes;
  }
  pairAt = to;
  marks |= seen;
  return at;
}

/** Resolves the references of field 1 whose content, packed or not, is at `at`. */
export function takePairField(at: usize, end: usize, start: usize): usize {
  if (wireType == 2) {
    const packedEnd = takeContent(at, end);
    return packedEnd == 0 ? 0 : takePairs(contentAt, packedEnd, end);
  }
  if (wireType != 0) return fail(whyWireType, start);
  const next = takeVarint(at, end);
  return next == 0 ? 0 : takePairs(at, next, end);
}

/** Skips the references of field 1 as `takePairField` reads them. */
export function skipPairField(at: usize, end: usize): usize {
  if (wireType == 0) return takeVarint(at, end);
  const packedEnd = takeContent(at, end);
  if (packedEnd == 0) return 0;
  at = contentAt;
  while (at < packedEnd) {
    at = takeVarint(at, end);
    if (at == 0) return 0;
  }
  return at;
}

export function isInTable(ref: u32): bool {
  return ref < symbolCount;
}
