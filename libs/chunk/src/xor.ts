import { invariant } from '@gauntlet/base';
import { BitReader, BitWriter } from './bit-stream.js';
import { ChunkCorruptError, type FloatSample } from './encoding.js';

/**
 * XOR chunks, encoding 1 (spec/tsdb.md 1.4):
 *
 * ```
 * u16 count, big-endian; then a bit stream, most significant bit first
 * sample 0   zigzag varint t0, 64 bits of v0
 * sample 1   varint t1 - t0, value
 * sample i   change of the delta, value
 * change     0 | 10 + 14 bits | 110 + 17 | 1110 + 20 | 1111 + 64; n bits hold -(2^(n-1) - 1) ... 2^(n-1)
 * value      x = bits ^ previous bits: 0 when x is 0 | 10 + x within the last window | 11 + 5 bits leading zeros + 6 bits width + x
 * ```
 */
export class XorAppender {
  readonly #out = new BitWriter();
  #count = 0;
  #time = 0n;
  #delta = 0n;
  #bits = 0n;
  #lead = -1;
  #trail = 0;

  constructor() {
    this.#out.write(0, 16);
  }

  get sampleCount(): number {
    return this.#count;
  }

  /** Length of the payload, count field included. */
  get byteLength(): number {
    return this.#out.byteLength;
  }

  append(timestampMs: bigint, bits: bigint): void {
    invariant(this.#count < 65535, 'a chunk counts its samples in 16 bits');
    const delta = BigInt.asIntN(64, timestampMs - this.#time);
    if (this.#count === 0) {
      this.#putVarint(BigInt.asUintN(64, (timestampMs << 1n) ^ (timestampMs >> 63n)));
      this.#out.write64(bits, 64);
    } else {
      if (this.#count === 1) this.#putVarint(BigInt.asUintN(64, delta));
      else this.#putChange(BigInt.asIntN(64, delta - this.#delta));
      this.#putValue(bits ^ this.#bits);
      this.#delta = delta;
    }
    this.#time = timestampMs;
    this.#bits = bits;
    this.#count += 1;
  }

  /** The payload so far, as a copy. */
  bytes(): Uint8Array {
    this.#out.patchUint16(this.#count);
    return this.#out.bytes();
  }

  #putVarint(value: bigint): void {
    for (; value >= 0x80n; value >>= 7n) this.#out.write(Number(value & 0x7fn) | 0x80, 8);
    this.#out.write(Number(value), 8);
  }

  #putChange(change: bigint): void {
    if (change === 0n) return this.#out.write(0, 1);
    for (const { prefix, prefixWidth, width, max } of changeBuckets) {
      if (change > max || change <= -max) continue;
      this.#out.write(prefix, prefixWidth);
      return this.#out.write(Number(BigInt.asUintN(width, change)), width);
    }
    this.#out.write(0b1111, 4);
    this.#out.write64(BigInt.asUintN(64, change), 64);
  }

  #putValue(x: bigint): void {
    if (x === 0n) return this.#out.write(0, 1);
    const lead = Math.min(leadingZeros(x), 31);
    const trail = trailingZeros(x);
    if (this.#lead >= 0 && lead >= this.#lead && trail >= this.#trail) {
      this.#out.write(0b10, 2);
    } else {
      this.#lead = lead;
      this.#trail = trail;
      this.#out.write(0b11, 2);
      this.#out.write(lead, 5);
      this.#out.write((64 - lead - trail) & 63, 6);
    }
    this.#out.write64(x >> BigInt(this.#trail), 64 - this.#lead - this.#trail);
  }
}

const changeBuckets = [
  { prefix: 0b10, prefixWidth: 2, width: 14, max: 8192n },
  { prefix: 0b110, prefixWidth: 3, width: 17, max: 65536n },
  { prefix: 0b1110, prefixWidth: 4, width: 20, max: 524288n },
];

function leadingZeros(x: bigint): number {
  const high = Number(x >> 32n);
  return high === 0 ? 32 + Math.clz32(Number(x & 0xffffffffn)) : Math.clz32(high);
}

function trailingZeros(x: bigint): number {
  const low = Number(x & 0xffffffffn);
  const zeros = (word: number) => 31 - Math.clz32(word & -word);
  return low === 0 ? 32 + zeros(Number(x >> 32n)) : zeros(low);
}

/** @throws ChunkCorruptError when the payload ends before its last sample */
export function decodeXor(payload: Uint8Array): FloatSample[] {
  if (payload.length < 2) throw new ChunkCorruptError(`${payload.length} bytes hold no sample count`);
  const count = (payload[0]! << 8) | payload[1]!;
  const input = new BitReader(payload, 2);
  const samples: FloatSample[] = [];
  let time = 0n;
  let delta = 0n;
  let bits = 0n;
  let lead = 0;
  let trail = 0;
  for (let i = 0; i < count; i += 1) {
    if (i === 0) {
      const zigzag = readVarint(input);
      time = (zigzag >> 1n) ^ -(zigzag & 1n);
      bits = input.read64(64);
    } else {
      delta = i === 1 ? readVarint(input) : delta + readChange(input);
      time = BigInt.asIntN(64, time + delta);
      if (input.read(1) === 1) {
        if (input.read(1) === 1) {
          lead = input.read(5);
          const width = input.read(6) || 64;
          trail = 64 - lead - width;
          if (trail < 0) throw new ChunkCorruptError(`value window of sample ${i} is wider than 64 bits`);
        }
        bits ^= input.read64(64 - lead - trail) << BigInt(trail);
      }
    }
    if (input.overrun) throw new ChunkCorruptError(`${payload.length} bytes end in sample ${i} of ${count}`);
    samples.push({ timestampMs: time, bits });
  }
  return samples;
}

function readVarint(input: BitReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = input.read(8);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new ChunkCorruptError('a varint is longer than 10 bytes');
}

function readChange(input: BitReader): bigint {
  let ones = 0;
  while (ones < 4 && input.read(1) === 1) ones += 1;
  if (ones === 0) return 0n;
  if (ones === 4) return BigInt.asIntN(64, input.read64(64));
  const { width, max } = changeBuckets[ones - 1]!;
  const value = BigInt(input.read(width));
  return value > max ? value - 2n * max : value;
}

/** Encodes samples in the order given; timestamps must rise. */
export function encodeXor(samples: readonly FloatSample[]): Uint8Array {
  const appender = new XorAppender();
  for (const { timestampMs, bits } of samples) appender.append(timestampMs, bits);
  return appender.bytes();
}
