// Sorts the pairs of symbols.ts by name.

import { sortKey } from './scan';
import { headSize, pairAt, pairBytes, pairsStart } from './symbols';

const runLength: usize = 16;

/** Compares two texts by their bytes. Reads up to 7 bytes past either. */
export function compareTexts(a: usize, aLength: usize, b: usize, bLength: usize): i32 {
  const shorter = min(aLength, bLength);
  for (let index: usize = 0; index < shorter; index += 8) {
    let left = bswap<u64>(load<u64>(a + index));
    let right = bswap<u64>(load<u64>(b + index));
    const rest = shorter - index;
    if (rest < 8) {
      left &= ~((<u64>-1) >> (<u64>rest << 3));
      right &= ~((<u64>-1) >> (<u64>rest << 3));
    }
    if (left != right) return left < right ? -1 : 1;
  }
  return aLength == bLength ? 0 : aLength < bLength ? -1 : 1;
}

function compareNames(a: usize, b: usize): i32 {
  const aAt = <usize>load<u32>(a);
  const bAt = <usize>load<u32>(b);
  if (aAt == bAt) return 0;
  const aSize = <usize>(load<u32>(a, 4) & 0x7fffffff);
  const bSize = <usize>(load<u32>(b, 4) & 0x7fffffff);
  const aHead = headSize(aSize);
  const bHead = headSize(bSize);
  const aKey = sortKey(aAt + aHead, aSize - aHead);
  const bKey = sortKey(bAt + bHead, bSize - bHead);
  if (aKey != bKey) return aKey < bKey ? -1 : 1;
  return compareTexts(aAt + aHead, aSize - aHead, bAt + bHead, bSize - bHead);
}

/**
 * Sorts all pairs; those of the same name stay in their order. Runs of 16 are sorted by insertion, which nearly sorted labels leave quickly, and merged into the
 * room behind the pairs and back, so that many labels take no longer than they must. Every comparison is paid for: names count as often as they are
 * referred to in what a request may expand to.
 */
export function sortPairs(room: usize): void {
  const count = (pairAt - pairsStart) / pairBytes;
  for (let from: usize = 0; from < count; from += runLength) {
    insertRun(pairsStart + from * pairBytes, pairsStart + min(from + runLength, count) * pairBytes);
  }
  let source = pairsStart;
  let target = pairsStart + room * pairBytes;
  for (let width = runLength; width < count; width <<= 1) {
    for (let from: usize = 0; from < count; from += width << 1) {
      const middle = min(from + width, count);
      mergeRuns(
        source + from * pairBytes, source + middle * pairBytes, source + min(middle + width, count) * pairBytes, target + from * pairBytes,
      );
    }
    const swap = source;
    source = target;
    target = swap;
  }
  if (source != pairsStart) memory.copy(pairsStart, source, count * pairBytes);
}

function insertRun(from: usize, end: usize): void {
  for (let next = from + pairBytes; next < end; next += pairBytes) {
    if (compareNames(next - pairBytes, next) <= 0) continue;
    const pair = v128.load(next);
    // The space behind the run's end is not free, so the pair goes by its value into a gap that moves down.
    let gap = next;
    store<u64>(heldPair, v128.extract_lane<u64>(pair, 0));
    do {
      v128.store(gap, v128.load(gap - pairBytes));
      gap -= pairBytes;
    } while (gap > from && compareNames(gap - pairBytes, heldPair) > 0);
    v128.store(gap, pair);
  }
}

const heldPair: usize = memory.data(8, 8);

function mergeRuns(left: usize, middle: usize, end: usize, to: usize): void {
  let right = middle;
  const leftEnd = middle;
  while (left < leftEnd && right < end) {
    if (compareNames(left, right) <= 0) {
      v128.store(to, v128.load(left));
      left += pairBytes;
    } else {
      v128.store(to, v128.load(right));
      right += pairBytes;
    }
    to += pairBytes;
  }
  memory.copy(to, left, leftEnd - left);
  memory.copy(to + (leftEnd - left), right, end - right);
}
