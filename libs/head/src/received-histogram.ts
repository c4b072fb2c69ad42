import { CounterReset, type Histogram } from '@gauntlet/chunk';
import type { Histogram as ReceivedHistogram, HistogramCount } from '@gauntlet/remote-write';

/** Reads a histogram of a request: one of floats if its count is a double, else of integers; what the message lacks is 0, and fields of the other kind are not looked at. */
export function receivedHistogram(received: ReceivedHistogram): Histogram {
  const layout = {
    hint: hintOf(received.resetHint),
    schema: received.schema,
    zeroThreshold: doubleOf(received.zeroThresholdBits),
    positiveSpans: received.positiveSpans,
    negativeSpans: received.negativeSpans,
    customBounds: doublesOf(received.customValueBits),
    sumBits: received.sumBits,
  };
  const { count } = received;
  if (count !== undefined && 'floatBits' in count) {
    return {
      kind: 'float',
      ...layout,
      count: doubleOf(count.floatBits),
      zeroCount: floatCount(received.zeroCount),
      positive: doublesOf(received.positiveCountBits),
      negative: doublesOf(received.negativeCountBits),
    };
  }
  return {
    kind: 'integer',
    ...layout,
    count: count?.int ?? 0n,
    zeroCount: integerCount(received.zeroCount),
    positive: BigInt64Array.from(received.positiveDeltas),
    negative: BigInt64Array.from(received.negativeDeltas),
  };
}

function hintOf(hint: number): CounterReset {
  return hint === CounterReset.reset || hint === CounterReset.notReset || hint === CounterReset.gauge
    ? hint
    : CounterReset.unknown;
}

function floatCount(count: HistogramCount | undefined): number {
  return count !== undefined && 'floatBits' in count ? doubleOf(count.floatBits) : 0;
}

function integerCount(count: HistogramCount | undefined): bigint {
  return count !== undefined && 'int' in count ? count.int : 0n;
}

function doublesOf(bits: readonly bigint[]): Float64Array {
  return Float64Array.from(bits, doubleOf);
}

const doubles = new DataView(new ArrayBuffer(8));

function doubleOf(bits: bigint): number {
  doubles.setBigUint64(0, bits);
  return doubles.getFloat64(0);
}
