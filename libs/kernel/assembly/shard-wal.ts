/**
 * WAL records 1 and 2 (spec/tsdb.md 2.4) to and from linear memory, and labels between their two forms: the strings of a WAL
 * record and the canonical protobuf fields of a request differ in tags and outer lengths only.
 */

/** Where the last read went on; 0 when it found no valid value. */
export let readEnd: usize = 0;

/** An unsigned varint of at most 10 bytes. */
export function readVarint(at: usize, end: usize): u64 {
  let value: u64 = 0;
  for (let shift: u32 = 0; shift < 70 && at < end; shift += 7) {
    let byte = load<u8>(at);
    at += 1;
    if (shift == 63 && byte > 1) break;
    value |= <u64>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      readEnd = at;
      return value;
    }
  }
  readEnd = 0;
  return 0;
}

// @ts-ignore: decorator
@inline
export function unzigzag(value: u64): i64 {
  return <i64>(value >> 1) ^ -(<i64>(value & 1));
}

export function writeVarint(to: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(to, <u8>value | 0x80);
    value >>= 7;
    to += 1;
  }
  store<u8>(to, <u8>value);
  return to + 1;
}

// @ts-ignore: decorator
@inline
export function writeSigned(to: usize, value: i64): usize {
  return writeVarint(to, <u64>((value << 1) ^ (value >> 63)));
}

/** One string of a label, length included; canonical and WAL form agree on it. */
// @ts-ignore: decorator
@inline
function copyString(to: usize, at: usize): u32 {
  let length = <u32>readVarint(at, at + 5);
  let size = <u32>(readEnd - at) + length;
  memory.copy(to, at, size);
  return size;
}

/** Writes the entry of a series record. */
export function writeSeries(to: usize, ref: u64, labels: usize, length: u32, count: u32): usize {
  store<u64>(to, bswap<u64>(ref));
  to = writeVarint(to + 8, count);
  let end = labels + length;
  let at = labels;
  while (at < end) {
    readVarint(at + 1, end); // The label field's tag and length.
    at = readEnd + 1;
    let size = copyString(to, at);
    to += size;
    at += size + 1;
    size = copyString(to, at);
    to += size;
    at += size;
  }
  return to;
}

/** The next string of a WAL record: returns where its bytes begin, and leaves its end in readEnd; 0 when it does not fit. */
// @ts-ignore: decorator
@inline
function readString(at: usize, end: usize): usize {
  let length = readVarint(at, end);
  let begin = readEnd;
  if (begin == 0 || length > <u64>(end - begin)) {
    readEnd = 0;
    return 0;
  }
  readEnd = begin + <usize>length;
  return begin;
}

/** Walks the labels of a series record; their end is left in readEnd. */
export function skipLabels(at: usize, end: usize): bool {
  let count = readVarint(at, end);
  if (readEnd == 0 || count > <u64>(end - at)) return false;
  at = readEnd;
  for (let i: u64 = 0; i < count * 2; i++) {
    readString(at, end);
    if (readEnd == 0) return false;
    at = readEnd;
  }
  readEnd = at;
  return true;
}

/** End of the hash input that labelsFromWal has written. */
export let hashInputEnd: usize = 0;

/** Converts valid WAL labels to canonical form at `to`, and writes name FF value FF ... at `hashInput`. Returns the end of the former. */
export function labelsFromWal(at: usize, end: usize, to: usize, hashInput: usize): usize {
  let count = <u32>readVarint(at, end);
  at = readEnd;
  for (let i: u32 = 0; i < count; i++) {
    let name = at;
    let nameBytes = readString(at, end);
    let nameEnd = readEnd;
    let valueBytes = readString(nameEnd, end);
    let valueEnd = readEnd;
    store<u8>(to, 0x0a);
    to = writeVarint(to + 1, <u64>(valueEnd - name) + 2);
    store<u8>(to, 0x0a);
    memory.copy(to + 1, name, nameEnd - name);
    to += 1 + (nameEnd - name);
    store<u8>(to, 0x12);
    memory.copy(to + 1, nameEnd, valueEnd - nameEnd);
    to += 1 + (valueEnd - nameEnd);
    memory.copy(hashInput, nameBytes, nameEnd - nameBytes);
    hashInput += nameEnd - nameBytes;
    store<u8>(hashInput, 0xff);
    memory.copy(hashInput + 1, valueBytes, valueEnd - valueBytes);
    hashInput += 1 + (valueEnd - valueBytes);
    store<u8>(hashInput, 0xff);
    hashInput += 1;
    at = valueEnd;
  }
  hashInputEnd = hashInput;
  return to;
}
