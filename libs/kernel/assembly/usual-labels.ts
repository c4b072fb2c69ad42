// Labels of remote write 2.0 as the usual senders write them: all references packed in one field, sorted by name, each once, valid, none empty.
//
// Series that follow each other share most labels, and nearly all names, each at the same place. So a memo keeps for every place of the series
// before how its two references were written and what became of them: the same bytes again stand for the same label, which is copied
// without a look at references, symbols and order.
//
// memo (48 bytes), one for each place
//    0  u64  the two references as they were written, up to eight bytes
//    8  u64  a mask for as many bytes
//   16  u32  where the label lies that was written last, in canonical form; 20 u32 its size
//   24  u32  where its text lies that was hashed, name FF value FF; 28 u32 its size
//   32  u32  the fragment of the name; 36 u16 its size; 38 u16 bytes of the two references
//   40  u64  the name, as sortKey reads it

import { copyShort } from './copy';
import { compareTexts } from './pair-sort';
import { sortKey } from './scan';
import { headSize, notUtf8Bit, symbolAt, symbolCount } from './symbols';
import { readVarint, varintValue, writeVarint } from './varint';

const memoBytes: usize = 48;
const placesMax: usize = 64;
const memo: usize = memory.data(48 * 64, 16);
/** What labels of a series that goes this way take at most; their text takes less. */
export const usualBytesMax: usize = 16384;

/** The text `__name__`, as sortKey reads it. */
export const nameKey: u64 = 0x5f5f6e616d655f5f;
export const nameFragmentBytes: usize = 10;

let memoEnd: usize = memo;
export let usualLabelsTo: usize = 0;
export let usualTextTo: usize = 0;
export let usualLabelCount: u32 = 0;
export let usualHasName: bool = false;

/** Forgets the series before: what was written of it is written over, or another request begins. */
export function forgetUsual(): void {
  memoEnd = memo;
}

/** Whether a name is greater than that of the place before. */
function isBehind(entry: usize, name: usize, nameSize: usize, key: u64): bool {
  const before = entry - memoBytes;
  const beforeKey = load<u64>(before, 40);
  if (key != beforeKey) return key > beforeKey;
  const other = <usize>load<u32>(before, 32);
  const otherSize = <usize>load<u16>(before, 36);
  const head = headSize(nameSize);
  const otherHead = headSize(otherSize);
  return compareTexts(name + head, nameSize - head, other + otherHead, otherSize - otherHead) > 0;
}

/**
 * Writes the labels of the references [at, end) to `to`, as far as `limit`, and their text to `text`. False when they are not written as usual, or
 * there is no room: then nothing counts of what was written.
 */
export function putUsualLabels(at: usize, end: usize, to: usize, limit: usize, text: usize): bool {
  let entry = memo;
  const known = memoEnd;
  // Until the end nothing is known, should the labels turn out not to be usual.
  memoEnd = memo;
  let isSame = true;
  let areSame = true;
  while (at < end) {
    if (entry < known && (load<u64>(at) & load<u64>(entry, 8)) == load<u64>(entry)) {
      if (!isSame) {
        if (!isBehind(entry, <usize>load<u32>(entry, 32), <usize>load<u16>(entry, 36), load<u64>(entry, 40))) return false;
        isSame = true;
      }
      const size = <usize>load<u32>(entry, 20);
      if (to + size > limit) return false;
      copyShort(to, <usize>load<u32>(entry, 16), size);
      store<u32>(entry, <u32>to, 16);
      to += size;
      const textSize = <usize>load<u32>(entry, 28);
      copyShort(text, <usize>load<u32>(entry, 24), textSize);
      store<u32>(entry, <u32>text, 24);
      text += textSize;
      at += <usize>load<u16>(entry, 38);
      entry += memoBytes;
      continue;
    }

    if (entry == memo + placesMax * memoBytes) return false;
    const start = at;
    let nameRef = <u32>load<u8>(at);
    if (nameRef < 0x80) {
      at += 1;
    } else {
      at = readVarint(at, end);
      if (at == 0) return false;
      nameRef = <u32>varintValue;
    }
    let valueRef = <u32>load<u8>(at);
    const second = <u32>load<u8>(at, 1);
    if (valueRef < 0x80) {
      at += 1;
    } else if (second < 0x80) {
      valueRef = (valueRef & 0x7f) | (second << 7);
      at += 2;
    } else {
      at = readVarint(at, end);
      if (at == 0) return false;
      valueRef = <u32>varintValue;
    }
    if (at > end || nameRef >= symbolCount || valueRef >= symbolCount) return false;
    const nameSymbol = symbolAt(nameRef);
    const valueSymbol = symbolAt(valueRef);
    if (((nameSymbol | valueSymbol) & notUtf8Bit) != 0) return false;
    const name = <usize>(nameSymbol & 0xffffffff);
    const value = <usize>(valueSymbol & 0xffffffff);
    const nameSize = <usize>(nameSymbol >> 32);
    const valueSize = <usize>(valueSymbol >> 32);
    const content = nameSize + valueSize;
    if (nameSize == 2 || valueSize == 2 || to + content + 6 > limit) return false;
    const nameHead = headSize(nameSize);
    const nameAt = name + nameHead;
    const nameLength = nameSize - nameHead;

    const isSameName = entry < known && <usize>load<u32>(entry, 32) == name;
    if (!isSameName) {
      store<u64>(entry, sortKey(nameAt, nameLength), 40);
      areSame = false;
    }
    if (!(isSame && isSameName) && entry != memo && !isBehind(entry, name, nameSize, load<u64>(entry, 40))) return false;
    isSame = isSameName;

    const label = to;
    store<u8>(to, 0x0a);
    if (content < 0x80) {
      store<u8>(to, <u8>content, 1);
      to += 2;
    } else {
      to = writeVarint(to + 1, <u64>content);
    }
    copyShort(to, name, nameSize);
    store<u8>(to, 0x0a);
    to += nameSize;
    copyShort(to, value, valueSize);
    store<u8>(to, 0x12);
    to += valueSize;
    const labelText = text;
    copyShort(text, nameAt, nameLength);
    text += nameLength;
    store<u8>(text, 0xff);
    const valueHead = headSize(valueSize);
    copyShort(text + 1, value + valueHead, valueSize - valueHead);
    text += 1 + valueSize - valueHead;
    store<u8>(text, 0xff);
    text += 1;

    const written = at - start;
    const mask = written > 8 ? 0 : (<u64>-1) >> (64 - (<u64>written << 3));
    // No bytes are equal to 1 behind a mask of nothing.
    store<u64>(entry, written > 8 ? 1 : load<u64>(start) & mask);
    store<u64>(entry, mask, 8);
    store<u32>(entry, <u32>label, 16);
    store<u32>(entry, <u32>(to - label), 20);
    store<u32>(entry, <u32>labelText, 24);
    store<u32>(entry, <u32>(text - labelText), 28);
    store<u32>(entry, <u32>name, 32);
    store<u16>(entry, <u16>nameSize, 36);
    store<u16>(entry, <u16>written, 38);
    entry += memoBytes;
  }
  if (at != end || entry == memo) return false;
  if (!areSame || entry != known) usualHasName = hasNameBefore(entry);
  memoEnd = entry;
  usualLabelsTo = to;
  usualTextTo = text;
  usualLabelCount = <u32>((entry - memo) / memoBytes);
  return true;
}

function hasNameBefore(end: usize): bool {
  for (let entry = memo; entry < end; entry += memoBytes) {
    if (load<u64>(entry, 40) == nameKey && <usize>load<u16>(entry, 36) == nameFragmentBytes) return true;
  }
  return false;
}
