import { BitReader } from './bit-stream.js';
import { bucketCount } from './bucket-spans.js';
import { truncated } from './chunk-fields.js';
import { ChunkCorruptError } from './encoding.js';
import { CounterReset, type ChunkSample, type Histogram, type HistogramLayout } from './histogram.js';
import { fromBits, fromHeaderBits, readLayout } from './histogram-header.js';
import { coarsenHistogram } from './histogram-resolution.js';
import { staleBits, staleHistogram } from './stale-histogram.js';
import { StartTimeReader } from './start-time.js';
import { readSigned, readUnsigned } from './varbit.js';
import { XorWindow } from './xor-window.js';

export interface HistogramChunkForm {
  readonly kind: Histogram['kind'];
  /** Encodings 5 and 6: the count has 14 bits below the counter reset header, then comes the start time header. */
  readonly hasStartTimes: boolean;
}

/** Reads chunks of encodings 2, 3, 5 and 6 (spec/tsdb.md 1.7 to 1.9). */
export function decodeHistogramChunk(payload: Uint8Array, form: HistogramChunkForm): ChunkSample[] {
  if (payload.length < 3) throw new ChunkCorruptError(`${payload.length} bytes hold no header`, payload.length);
  const { count, header, startTimes } = readHeader(payload, form);
  const samples: ChunkSample[] = [];
  if (count === 0) return samples;
  const input = new BitReader(payload, 3);
  const layout = readLayout(input);
  const fields = form.kind === 'integer' ? new IntegerFields(layout) : new FloatFields(layout, input);
  let timestampMs = 0n;
  let delta = 0n;
  for (let i = 0; i < count; i += 1) {
    const before = timestampMs;
    if (i > 0) delta = BigInt.asIntN(64, delta + readSigned(input));
    timestampMs = i === 0 ? readSigned(input) : BigInt.asIntN(64, timestampMs + delta);
    const histogram = fields.next(input, hintOf(header, i));
    const startMs = startTimes?.next(input, i, timestampMs, before);
    if (input.overrun) throw truncated(payload, i, count);
    samples.push(startMs === undefined ? { timestampMs, histogram } : { timestampMs, histogram, startMs });
  }
  return samples;
}

function readHeader(payload: Uint8Array, { hasStartTimes }: HistogramChunkForm) {
  const [high, low, third] = payload as unknown as [number, number, number];
  if (!hasStartTimes) {
    return { count: (high << 8) | low, header: fromHeaderBits(third >> 6), startTimes: undefined };
  }
  const startTimes = new StartTimeReader(third, readSigned);
  return { count: ((high & 0x3f) << 8) | low, header: fromHeaderBits(high >> 6), startTimes };
}

/** The header says what came before the chunk, which whoever reads the first sample of it cannot know to be what it reads before. */
function hintOf(header: CounterReset, sample: number): CounterReset {
  if (header === CounterReset.gauge) return header;
  return sample === 0 ? CounterReset.unknown : CounterReset.notReset;
}

interface Fields {
  next(input: BitReader, hint: CounterReset): Histogram;
}

class IntegerFields implements Fields {
  readonly #layout: HistogramLayout;
  #isFirst = true;
  /** Values and their changes: count, zero count, then the buckets of both sides. */
  readonly #values: BigInt64Array;
  readonly #changes: BigInt64Array;
  readonly #positiveEnd: number;
  readonly #window = new XorWindow();
  #sumBits = 0n;

  constructor(layout: HistogramLayout) {
    this.#layout = layout;
    this.#positiveEnd = 2 + bucketCount(layout.positiveSpans);
    this.#values = new BigInt64Array(this.#positiveEnd + bucketCount(layout.negativeSpans));
    this.#changes = new BigInt64Array(this.#values.length);
  }

  next(input: BitReader, hint: CounterReset): Histogram {
    if (this.#isFirst) {
      this.#values[0] = readUnsigned(input);
      this.#values[1] = readUnsigned(input);
      this.#sumBits = input.read64(64);
    } else {
      this.#advance(input, 0, 2);
      this.#sumBits ^= readXor(input, this.#window);
    }
    if (this.#sumBits === staleBits) {
      this.#isFirst = false;
      return staleHistogram('integer');
    }
    if (this.#isFirst) for (let i = 2; i < this.#values.length; i += 1) this.#values[i] = readSigned(input);
    else this.#advance(input, 2, this.#values.length);
    this.#isFirst = false;
    return coarsenHistogram({
      kind: 'integer',
      hint,
      ...this.#layout,
      count: BigInt.asUintN(64, this.#values[0]!),
      zeroCount: BigInt.asUintN(64, this.#values[1]!),
      sumBits: this.#sumBits,
      positive: this.#values.slice(2, this.#positiveEnd),
      negative: this.#values.slice(this.#positiveEnd),
    });
  }

  #advance(input: BitReader, from: number, to: number): void {
    // Bits that are not there would read as zeros, as many times as there are samples and buckets.
    for (let i = from; i < to && !input.overrun; i += 1) {
      // Both arrays wrap in 64 bits by themselves.
      this.#changes[i]! += readSigned(input);
      this.#values[i]! += this.#changes[i]!;
    }
  }
}

class FloatFields implements Fields {
  readonly #layout: HistogramLayout;
  #isFirst = true;
  /** Bits of count, zero count, sum, then of the buckets of both sides. */
  readonly #values: BigUint64Array;
  readonly #windows: XorWindow[];
  readonly #positiveEnd: number;

  constructor(layout: HistogramLayout, input: BitReader) {
    const buckets = bucketCount(layout.positiveSpans) + bucketCount(layout.negativeSpans);
    if (buckets * 64 > input.bitsLeft) throw new ChunkCorruptError('it has more buckets than bits', input.byteOffset);
    this.#layout = layout;
    this.#positiveEnd = 3 + bucketCount(layout.positiveSpans);
    this.#values = new BigUint64Array(3 + buckets);
    this.#windows = Array.from(this.#values, () => new XorWindow());
  }

  next(input: BitReader, hint: CounterReset): Histogram {
    this.#advance(input, 0, 3);
    const isStale = this.#values[2] === staleBits;
    if (!isStale) this.#advance(input, 3, this.#values.length);
    this.#isFirst = false;
    if (isStale) return staleHistogram('float');
    // Copied as integers and then seen as floats, so that no NaN is quieted on the way.
    const counts = new Float64Array(this.#values.slice(3).buffer);
    return coarsenHistogram({
      kind: 'float',
      hint,
      ...this.#layout,
      count: fromBits(this.#values[0]!),
      zeroCount: fromBits(this.#values[1]!),
      sumBits: this.#values[2]!,
      positive: counts.slice(0, this.#positiveEnd - 3),
      negative: counts.slice(this.#positiveEnd - 3),
    });
  }

  #advance(input: BitReader, from: number, to: number): void {
    for (let i = from; i < to && !input.overrun; i += 1) {
      this.#values[i]! ^= this.#isFirst ? input.read64(64) : readXor(input, this.#windows[i]!);
    }
  }
}

function readXor(input: BitReader, window: XorWindow): bigint {
  const x = window.read(input);
  if (x === undefined) throw new ChunkCorruptError('a value window is wider than 64 bits', input.byteOffset);
  return x;
}
