import { allocate, release } from './shard-memory';
import {
  cCount, cData, cEncoding, cFlags, cLength, cMaxTime, cMinTime,
  sBits, sCapacity, sCount, sDelta, sLastBits, sLead, sMaxTime, sMinTime, sNextAt, sOpen, sTrail,
} from './series-layout';
import { addChunks, linkChunk } from './shard-series';

/**
 * The append side of XOR chunks (spec/tsdb.md 1.4, 1.10); its plain twin is the chunk library. Bits are written with wide big-endian
 * stores that zero what follows them, so that the padding of the last byte is right at any time; each buffer therefore
 * keeps 8 bytes behind its end.
 */
const slack: u32 = 8;
/** A chunk longer than this takes no further sample: one of 19 bytes might pass 1,024. */
const chunkBytesSoft: u32 = 1005;
const noWindow: u32 = 255;

let chunkRange: i64 = 7200000;
let samplesTarget: u32 = 120;

export function configureChunks(range: i64, samples: u32): void {
  chunkRange = range;
  samplesTarget = samples;
}

export function chunkRangeMs(): i64 {
  return chunkRange;
}

/** The next multiple of the chunk range, division truncating toward zero. */
export function rangeEnd(t: i64): i64 {
  let start = (t / chunkRange) * chunkRange;
  return start > i64.MAX_VALUE - chunkRange ? i64.MAX_VALUE : start + chunkRange;
}

/** Where to end a chunk that is a quarter full, so that the chunks up to `max` come out equal. */
function estimateEnd(start: i64, current: i64, max: i64): i64 {
  let n = <f64>(max - start) / (<f64>(current - start + 1) * 4.0);
  if (n <= 1.0) return max;
  return <i64>(<f64>start + <f64>(max - start) / Math.floor(n));
}

function capacityFor(bytes: u32): u32 {
  if (bytes <= 32) return 32;
  let c: u32 = 64;
  while (true) {
    if (bytes <= c - (c >> 2)) return c - (c >> 2);
    if (bytes <= c) return c;
    c <<= 1;
  }
}

/** Moves the open chunk to a larger buffer. */
function growOpen(s: u32, bytes: u32): void {
  let old = load<u32>(s, sOpen);
  let capacity = capacityFor(bytes);
  let open = allocate(capacity);
  memory.copy(open, old, (load<u16>(s, sBits) + 7) >> 3);
  release(old);
  store<u32>(s, open, sOpen);
  store<u16>(s, <u16>capacity, sCapacity);
}

/** Bytes that finishOpen allocates. */
export function finishedBytes(s: u32): u32 {
  return <u32>cData + ((<u32>load<u16>(s, sBits) + 7) >> 3);
}

/** Turns the open chunk into a finished one of exactly its size. */
export function finishOpen(s: u32): void {
  let open = load<u32>(s, sOpen);
  let length = (<u32>load<u16>(s, sBits) + 7) >> 3;
  let count = load<u16>(s, sCount);
  let c = allocate(<u32>cData + length);
  store<i64>(c, load<i64>(s, sMinTime), cMinTime);
  store<i64>(c, load<i64>(s, sMaxTime), cMaxTime);
  store<u32>(c, length, cLength);
  store<u16>(c, count, cCount);
  store<u8>(c, 1, cEncoding);
  store<u8>(c, 0, cFlags);
  memory.copy(<usize>c + cData, open, length);
  store<u16>(c, bswap<u16>(count), cData);
  release(open);
  store<u32>(s, 0, sOpen);
  linkChunk(s, c);
}

function putVarint(to: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(to, <u8>(value | 0x80));
    value >>= 7;
    to += 1;
  }
  store<u8>(to, <u8>value);
  return to + 1;
}

/** Appends the low n bits (1 to 64) of value; the bits above them must be zero. */
// @ts-ignore: decorator
@inline
function putBits(open: u32, at: u32, value: u64, n: u32): void {
  let to = <usize>open + (at >> 3);
  let offset = at & 7;
  let word = (<u64>(load<u8>(to) & <u8>(0xff00 >> offset)) << 56) | ((value << (64 - n)) >> offset);
  store<u64>(to, bswap<u64>(word));
  if (offset + n > 64) store<u8>(to, <u8>(value << (72 - offset - n)), 8);
}

function beginChunk(s: u32, t: i64, bits: u64): void {
  let open = allocate(32);
  let to = putVarint(open + 2, <u64>((t << 1) ^ (t >> 63)));
  store<u64>(to, bswap<u64>(bits));
  store<u32>(s, open, sOpen);
  store<u16>(s, 32, sCapacity);
  store<u16>(s, <u16>((<u32>to + 8 - open) << 3), sBits);
  store<u16>(s, 1, sCount);
  store<u8>(s, <u8>noWindow, sLead);
  store<u8>(s, 0, sTrail);
  store<i64>(s, t, sMinTime);
  store<i64>(s, t, sMaxTime);
  store<u64>(s, bits, sLastBits);
  store<i64>(s, 0, sDelta);
  store<i64>(s, rangeEnd(t), sNextAt);
  addChunks(1);
}

/** Appends a sample that is newer than all others of the series. */
export function appendSample(s: u32, t: i64, bits: u64): void {
  if (load<u32>(s, sOpen) == 0) {
    beginChunk(s, t, bits);
    return;
  }
  let count = <u32>load<u16>(s, sCount);
  let at = <u32>load<u16>(s, sBits);
  let last = load<i64>(s, sMaxTime);
  if (count == samplesTarget >> 2) store<i64>(s, estimateEnd(load<i64>(s, sMinTime), last, load<i64>(s, sNextAt)), sNextAt);
  if (t >= load<i64>(s, sNextAt) || count >= samplesTarget << 1 || ((at + 7) >> 3) > chunkBytesSoft) {
    finishOpen(s);
    beginChunk(s, t, bits);
    return;
  }

  // The control bits of time and value go into one word; 64-bit payloads follow on their own.
  let delta = t - last;
  let head: u64 = 0;
  let headBits: u32 = 0;
  let time: u64 = 0;
  let timeBits: u32 = 0;
  if (count == 1) {
    if ((at >> 3) + 10 + slack > <u32>load<u16>(s, sCapacity)) growOpen(s, (at >> 3) + 10 + slack);
    let open = load<u32>(s, sOpen);
    at = (<u32>putVarint(<usize>open + (at >> 3), <u64>delta) - open) << 3;
    store<u16>(s, <u16>at, sBits); // growOpen copies as far as this.
  } else {
    let dod = delta - load<i64>(s, sDelta);
    if (dod == 0) {
      headBits = 1;
    } else if (dod >= -8191 && dod <= 8192) {
      head = (0b10 << 14) | (<u64>dod & 0x3fff);
      headBits = 16;
    } else if (dod >= -65535 && dod <= 65536) {
      head = (0b110 << 17) | (<u64>dod & 0x1ffff);
      headBits = 20;
    } else if (dod >= -524287 && dod <= 524288) {
      head = (0b1110 << 20) | (<u64>dod & 0xfffff);
      headBits = 24;
    } else {
      time = <u64>dod;
      timeBits = 68;
    }
  }
  let x = bits ^ load<u64>(s, sLastBits);
  let payload: u64 = 0;
  let payloadBits: u32 = 0;
  if (x == 0) {
    head <<= 1;
    headBits += 1;
  } else {
    let lead = <u32>clz(x);
    if (lead > 31) lead = 31;
    let trail = <u32>ctz(x);
    let windowLead = <u32>load<u8>(s, sLead);
    let windowTrail = <u32>load<u8>(s, sTrail);
    if (lead >= windowLead && trail >= windowTrail) {
      head = (head << 2) | 0b10;
      headBits += 2;
      payloadBits = 64 - windowLead - windowTrail;
      payload = x >> windowTrail;
    } else {
      payloadBits = 64 - lead - trail;
      payload = x >> trail;
      head = (head << 13) | (0b11 << 11) | (<u64>lead << 6) | (payloadBits & 63);
      headBits += 13;
      store<u8>(s, <u8>lead, sLead);
      store<u8>(s, <u8>trail, sTrail);
    }
  }
  let end = at + timeBits + headBits + payloadBits;
  if (((end + 7) >> 3) + slack > <u32>load<u16>(s, sCapacity)) growOpen(s, ((end + 7) >> 3) + slack);
  let open = load<u32>(s, sOpen);
  if (timeBits != 0) {
    putBits(open, at, 0b1111, 4);
    putBits(open, at + 4, time, 64);
    at += 68;
  }
  if (headBits + payloadBits <= 56) {
    putBits(open, at, (head << payloadBits) | payload, headBits + payloadBits);
  } else {
    putBits(open, at, head, headBits);
    putBits(open, at + headBits, payload, payloadBits);
  }
  store<u16>(s, <u16>end, sBits);
  store<u16>(s, <u16>(count + 1), sCount);
  store<i64>(s, t, sMaxTime);
  store<u64>(s, bits, sLastBits);
  store<i64>(s, delta, sDelta);
}
