import { BitReader } from './bit-stream.js';
import { fromZigzag, readVarint, truncated } from './chunk-fields.js';
import { ChunkCorruptError } from './encoding.js';
import type { ChunkSample } from './histogram.js';
import { staleBits } from './stale-histogram.js';
import { StartTimeReader } from './start-time.js';
import { readSigned } from './varbit.js';
import { XorWindow } from './xor-window.js';

/**
 * XOR2 chunks, encoding 4, which are read and not written (spec/tsdb.md 1.6):
 *
 * ```
 * u16 count, big-endian; u8 start time header; then a bit stream, most significant bit first
 * sample 0   zigzag varint t0, 64 bits of v0
 * sample 1   varint t1 - t0, value
 * sample i   0 the delta and the value are those of before | 10 the delta is, then 0 or 1 and x within the old or a new window
 *            | 110 + 13 bits change of the delta, value | 1110 + 20, value | 11110 + 64, value | 11111 the delta is; stale
 * value      0 that of before | 10 + x within the last window | 110 + a new window and x | 111 stale
 * ```
 *
 * Each sample may have a start time behind it. Changes are two's complement. A stale marker is never the value of before.
 */
export function decodeXor2(payload: Uint8Array): ChunkSample[] {
  if (payload.length < 3) throw new ChunkCorruptError(`${payload.length} bytes hold no header`, payload.length);
  const count = (payload[0]! << 8) | payload[1]!;
  const startTimes = new StartTimeReader(payload[2]!, readSigned);
  const input = new BitReader(payload, 3);
  const values = new ValueReader(input);
  const samples: ChunkSample[] = [];
  let timestampMs = 0n;
  let delta = 0n;
  for (let i = 0; i < count; i += 1) {
    const before = timestampMs;
    let bits: bigint;
    if (i === 0) {
      timestampMs = fromZigzag(readVarint(input));
      bits = values.whole();
    } else {
      const next = i === 1 ? { change: readVarint(input), bits: undefined } : readJoint(input, values);
      delta = BigInt.asIntN(64, delta + next.change);
      timestampMs = BigInt.asIntN(64, timestampMs + delta);
      bits = next.bits ?? values.next();
    }
    const startMs = startTimes.next(input, i, timestampMs, before);
    if (input.overrun) throw truncated(payload, i, count);
    samples.push(startMs === undefined ? { timestampMs, bits } : { timestampMs, bits, startMs });
  }
  return samples;
}

/** Change of the delta, and the bits of the value unless they follow. */
function readJoint(input: BitReader, values: ValueReader): { change: bigint; bits: bigint | undefined } {
  let ones = 0;
  while (ones < 5 && input.read(1) === 1) ones += 1;
  if (ones === 0) return { change: 0n, bits: values.last };
  if (ones === 1) return { change: 0n, bits: input.read(1) === 0 ? values.again() : values.anew() };
  if (ones === 5) return { change: 0n, bits: staleBits };
  const width = ones === 2 ? 13 : ones === 3 ? 20 : 64;
  return { change: BigInt.asIntN(width, input.read64(width)), bits: undefined };
}

class ValueReader {
  /** Of the last value that was not stale. */
  last = 0n;
  readonly #input: BitReader;
  readonly #window = new XorWindow();

  constructor(input: BitReader) {
    this.#input = input;
  }

  whole(): bigint {
    const bits = this.#input.read64(64);
    if (bits !== staleBits) this.last = bits;
    return bits;
  }

  next(): bigint {
    if (this.#input.read(1) === 0) return this.last;
    if (this.#input.read(1) === 0) return this.again();
    return this.#input.read(1) === 0 ? this.anew() : staleBits;
  }

  again(): bigint {
    return (this.last ^= this.#window.readAgain(this.#input));
  }

  anew(): bigint {
    const x = this.#window.readAnew(this.#input);
    if (x === undefined) throw new ChunkCorruptError('a value window is wider than 64 bits', this.#input.byteOffset);
    return (this.last ^= x);
  }
}
