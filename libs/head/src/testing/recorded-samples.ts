import { type ChunkSample, type Histogram } from '@gauntlet/chunk';

/** A sample as recordings give it: time, and the bits of a float in hex, or a histogram. */
export type RecordedSample = readonly [t: string, value: string | RecordedHistogram, start?: string];

export interface RecordedHistogram {
  readonly kind: 'int' | 'float';
  readonly hint: 'unknown' | 'reset' | 'notReset' | 'gauge';
  readonly schema: number;
  readonly zeroThreshold: string;
  readonly sum: string;
  readonly count: string;
  readonly zeroCount: string;
  readonly posSpans: readonly (readonly [offset: number, length: number])[];
  readonly negSpans: readonly (readonly [offset: number, length: number])[];
  readonly pos: readonly string[];
  readonly neg: readonly string[];
  readonly custom?: readonly string[];
}

export interface RecordedSeries {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly RecordedSample[];
}

const hints = ['unknown', 'reset', 'notReset', 'gauge'] as const;

export function recordedSample(sample: ChunkSample): RecordedSample {
  const t = String(sample.timestampMs);
  return 'bits' in sample ? [t, hex(sample.bits)] : [t, recordedHistogram(sample.histogram)];
}

export function recordedHistogram(h: Histogram): RecordedHistogram {
  const number = (value: number | bigint) => (typeof value === 'bigint' ? String(value) : hex(bitsOf(value)));
  return {
    kind: h.kind === 'integer' ? 'int' : 'float',
    hint: hints[h.hint],
    schema: h.schema,
    zeroThreshold: hex(bitsOf(h.zeroThreshold)),
    sum: hex(h.sumBits),
    count: number(h.count),
    zeroCount: number(h.zeroCount),
    posSpans: h.positiveSpans.map(({ offset, length }) => [offset, length]),
    negSpans: h.negativeSpans.map(({ offset, length }) => [offset, length]),
    pos: [...h.positive].map(number),
    neg: [...h.negative].map(number),
    ...(h.customBounds.length > 0 && { custom: [...h.customBounds].map((bound) => hex(bitsOf(bound))) }),
  };
}

export function histogramOf(recorded: RecordedHistogram): Histogram {
  const layout = {
    hint: hints.indexOf(recorded.hint) as Histogram['hint'],
    schema: recorded.schema,
    zeroThreshold: doubleOf(recorded.zeroThreshold),
    sumBits: BigInt(`0x${recorded.sum}`),
    positiveSpans: recorded.posSpans.map(([offset, length]) => ({ offset, length })),
    negativeSpans: recorded.negSpans.map(([offset, length]) => ({ offset, length })),
    customBounds: Float64Array.from(recorded.custom ?? [], doubleOf),
  };
  if (recorded.kind === 'float') {
    return {
      kind: 'float',
      ...layout,
      count: doubleOf(recorded.count),
      zeroCount: doubleOf(recorded.zeroCount),
      positive: Float64Array.from(recorded.pos, doubleOf),
      negative: Float64Array.from(recorded.neg, doubleOf),
    };
  }
  return {
    kind: 'integer',
    ...layout,
    count: BigInt(recorded.count),
    zeroCount: BigInt(recorded.zeroCount),
    positive: BigInt64Array.from(recorded.pos, BigInt),
    negative: BigInt64Array.from(recorded.neg, BigInt),
  };
}

function hex(bits: bigint): string {
  return bits.toString(16).padStart(16, '0');
}

function bitsOf(value: number): bigint {
  return new BigUint64Array(new Float64Array([value]).buffer)[0]!;
}

function doubleOf(bits: string): number {
  return new Float64Array(new BigUint64Array([BigInt(`0x${bits}`)]).buffer)[0]!;
}
