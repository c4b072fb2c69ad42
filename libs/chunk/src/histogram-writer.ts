import { invariant } from '@gauntlet/base';
import { BitWriter } from './bit-stream.js';
import { bucketCount } from './bucket-spans.js';
import type { CounterReset, FloatHistogram, Histogram, HistogramLayout, IntegerHistogram } from './histogram.js';
import { toHeaderBits, writeLayout } from './histogram-header.js';
import { isStaleHistogram, staleHistogram } from './stale-histogram.js';
import { writeSigned, writeUnsigned } from './varbit.js';
import { XorWindow } from './xor-window.js';

/** Writes samples that all have one layout. Whether a sample may follow the one before is not asked here. */
export interface HistogramWriter<H extends Histogram = Histogram> {
  readonly out: BitWriter;
  readonly layout: HistogramLayout;
  readonly sampleCount: number;
  /** The newest sample, in this layout. */
  readonly last: H;
  append(timestampMs: bigint, histogram: H): void;
}

/** Begins a chunk with a first sample, whose layout becomes that of the chunk. */
export function beginHistograms(timestampMs: bigint, first: Histogram, header: CounterReset): HistogramWriter {
  return first.kind === 'integer'
    ? new IntegerWriter(timestampMs, first, header)
    : new FloatWriter(timestampMs, first, header);
}

/** u16 count, u8 header, the layout. */
function beginChunk(layout: HistogramLayout, header: CounterReset): BitWriter {
  const out = new BitWriter();
  out.write(0, 16);
  out.write(toHeaderBits(header) << 6, 8);
  writeLayout(out, layout);
  return out;
}

/** Changes of a field that is written as the change of its change; differences wrap in 64 bits. */
class Drift {
  #value: bigint;
  #change = 0n;

  constructor(value: bigint) {
    this.#value = value;
  }

  next(value: bigint): bigint {
    const change = BigInt.asIntN(64, value - this.#value);
    const drift = BigInt.asIntN(64, change - this.#change);
    this.#value = value;
    this.#change = change;
    return drift;
  }
}

const sampleCountMax = 65535;

function checkBuckets(layout: HistogramLayout, { positive, negative }: Histogram): void {
  invariant(bucketCount(layout.positiveSpans) === positive.length, 'a histogram has a count for each bucket');
  invariant(bucketCount(layout.negativeSpans) === negative.length, 'a histogram has a count for each bucket');
}

class IntegerWriter implements HistogramWriter<IntegerHistogram> {
  readonly out: BitWriter;
  readonly layout: HistogramLayout;
  sampleCount = 1;
  last: IntegerHistogram;
  readonly #time: Drift;
  readonly #count: Drift;
  readonly #zeroCount: Drift;
  readonly #sum = new XorWindow();
  readonly #positive: BucketDrift;
  readonly #negative: BucketDrift;

  constructor(timestampMs: bigint, first: IntegerHistogram, header: CounterReset) {
    const sample = isStaleHistogram(first) ? (staleHistogram('integer') as IntegerHistogram) : first;
    checkBuckets(sample, sample);
    this.layout = sample;
    this.last = sample;
    this.out = beginChunk(sample, header);
    this.#time = new Drift(timestampMs);
    this.#count = new Drift(sample.count);
    this.#zeroCount = new Drift(sample.zeroCount);
    writeSigned(this.out, timestampMs);
    writeUnsigned(this.out, sample.count);
    writeUnsigned(this.out, sample.zeroCount);
    this.out.write64(sample.sumBits, 64);
    this.#positive = new BucketDrift(this.out, sample.positive);
    this.#negative = new BucketDrift(this.out, sample.negative);
  }

  append(timestampMs: bigint, sample: IntegerHistogram): void {
    invariant(this.sampleCount < sampleCountMax, 'a chunk counts its samples in 16 bits');
    const isStale = isStaleHistogram(sample);
    if (!isStale) checkBuckets(this.layout, sample);
    writeSigned(this.out, this.#time.next(timestampMs));
    writeSigned(this.out, isStale ? 0n : this.#count.next(sample.count));
    writeSigned(this.out, isStale ? 0n : this.#zeroCount.next(sample.zeroCount));
    this.#sum.write(this.out, sample.sumBits ^ this.last.sumBits);
    if (!isStale) {
      this.#positive.next(this.out, sample.positive);
      this.#negative.next(this.out, sample.negative);
    }
    this.last = sample;
    this.sampleCount += 1;
  }
}

/** A drift for each bucket of one side. */
class BucketDrift {
  readonly #buckets: Drift[];

  constructor(out: BitWriter, first: BigInt64Array) {
    this.#buckets = Array.from(first, (value) => new Drift(value));
    for (const value of first) writeSigned(out, value);
  }

  next(out: BitWriter, values: BigInt64Array): void {
    for (let i = 0; i < values.length; i += 1) writeSigned(out, this.#buckets[i]!.next(values[i]!));
  }
}

class FloatWriter implements HistogramWriter<FloatHistogram> {
  readonly out: BitWriter;
  readonly layout: HistogramLayout;
  sampleCount = 1;
  last: FloatHistogram;
  readonly #time: Drift;
  readonly #scalars: XorFields;
  readonly #positive: XorFields;
  readonly #negative: XorFields;

  constructor(timestampMs: bigint, first: FloatHistogram, header: CounterReset) {
    const sample = isStaleHistogram(first) ? (staleHistogram('float') as FloatHistogram) : first;
    checkBuckets(sample, sample);
    this.layout = sample;
    this.last = sample;
    this.out = beginChunk(sample, header);
    this.#time = new Drift(timestampMs);
    writeSigned(this.out, timestampMs);
    this.#scalars = new XorFields(this.out, scalarsOf(sample));
    this.#positive = new XorFields(this.out, bitsOf(sample.positive));
    this.#negative = new XorFields(this.out, bitsOf(sample.negative));
  }

  append(timestampMs: bigint, sample: FloatHistogram): void {
    invariant(this.sampleCount < sampleCountMax, 'a chunk counts its samples in 16 bits');
    writeSigned(this.out, this.#time.next(timestampMs));
    const isStale = isStaleHistogram(sample);
    this.#scalars.next(this.out, scalarsOf(isStale ? (staleHistogram('float') as FloatHistogram) : sample));
    if (!isStale) {
      checkBuckets(this.layout, sample);
      this.#positive.next(this.out, bitsOf(sample.positive));
      this.#negative.next(this.out, bitsOf(sample.negative));
    }
    this.last = sample;
    this.sampleCount += 1;
  }
}

/** A value and a window for each field. */
class XorFields {
  #values: BigUint64Array;
  readonly #windows: XorWindow[];

  constructor(out: BitWriter, first: BigUint64Array) {
    this.#values = first;
    this.#windows = Array.from(first, () => new XorWindow());
    for (const bits of first) out.write64(bits, 64);
  }

  next(out: BitWriter, values: BigUint64Array): void {
    this.#windows.forEach((window, i) => window.write(out, values[i]! ^ this.#values[i]!));
    this.#values = values;
  }
}

function scalarsOf({ count, zeroCount, sumBits }: FloatHistogram): BigUint64Array {
  const bits = bitsOf(Float64Array.of(count, zeroCount, 0));
  bits[2] = sumBits;
  return bits;
}

/** The same bytes, as integers: no value passes through a register that might quiet a NaN. A copy, since it is kept. */
function bitsOf(values: Float64Array): BigUint64Array {
  return new BigUint64Array(values.slice().buffer);
}
