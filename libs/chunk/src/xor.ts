import { invariant } from '@gauntlet/base';
import { BitReader, BitWriter } from './bit-stream.js';
import { fromZigzag, readVarint, truncated } from './chunk-fields.js';
import { ChunkCorruptError, type FloatSample } from './encoding.js';
import { XorWindow } from './xor-window.js';

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
  readonly #window = new XorWindow();

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
      this.#out.writeZigzag(timestampMs);
      this.#out.write64(bits, 64);
    } else {
      if (this.#count === 1) this.#out.writeVarint(BigInt.asUintN(64, delta));
      else this.#putChange(BigInt.asIntN(64, delta - this.#delta));
      this.#window.write(this.#out, bits ^ this.#bits);
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
}

const changeBuckets = [
  { prefix: 0b10, prefixWidth: 2, width: 14, max: 8192n },
  { prefix: 0b110, prefixWidth: 3, width: 17, max: 65536n },
  { prefix: 0b1110, prefixWidth: 4, width: 20, max: 524288n },
];

/** @throws ChunkCorruptError when the payload ends before its last sample */
export function decodeXor(payload: Uint8Array): FloatSample[] {
  if (payload.length < 2) throw new ChunkCorruptError(`${payload.length} bytes hold no sample count`, payload.length);
  const count = (payload[0]! << 8) | payload[1]!;
  const input = new BitReader(payload, 2);
  const samples: FloatSample[] = [];
  let time = 0n;
  let delta = 0n;
  let bits = 0n;
  const window = new XorWindow();
  for (let i = 0; i < count; i += 1) {
    if (i === 0) {
      time = fromZigzag(readVarint(input));
      bits = input.read64(64);
    } else {
      delta = BigInt.asIntN(64, i === 1 ? readVarint(input) : delta + readChange(input));
      time = BigInt.asIntN(64, time + delta);
      const x = window.read(input);
      if (x === undefined)
        throw new ChunkCorruptError(`value window of sample ${i} is wider than 64 bits`, input.byteOffset);
      bits ^= x;
    }
    if (input.overrun) throw truncated(payload, i, count);
    samples.push({ timestampMs: time, bits });
  }
  return samples;
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
