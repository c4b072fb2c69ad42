import { staleMarkerBits } from '@gauntlet/model';
import type { SeriesInput } from '@gauntlet/remote-write';
import { hashOf } from './random.js';
import { bitsOf, type SentHistogram } from './sample-text.js';

/** What a series of a simulated sender holds; `mixed` changes between floats and histograms. */
export type SampleKind = 'float' | 'histogram' | 'float-histogram' | 'custom-histogram' | 'gauge-histogram' | 'mixed';

export const sampleKinds: readonly SampleKind[] = [
  'float',
  'histogram',
  'float-histogram',
  'custom-histogram',
  'gauge-histogram',
  'mixed',
];

/** A sample with an exemplar of its time beside it. */
export function withExemplar(series: SeriesInput): SeriesInput {
  const timestampMs = BigInt(series.histograms?.[0]?.timestampMs ?? series.samples[0]?.timestampMs ?? 0);
  return {
    ...series,
    exemplars: [{ labels: [[Buffer.from('trace'), Buffer.from(String(timestampMs))]], bits: bitsOf(0.5), timestampMs }],
  };
}

/** The one sample that a series has at a time: kind, series and time decide everything about it. */
export function sampleAt(kind: SampleKind, series: string, timestampMs: number): SeriesInput {
  const hash = hashOf(`${series} ${timestampMs}`);
  const labels = [
    ['__name__', `crash_${kind.replaceAll('-', '_')}`],
    ['job', 'crash'],
    ['series', series],
  ] as const;
  const isHistogram =
    kind === 'mixed' ? hashOf(`${series} ${Math.floor(timestampMs / 2000)}`) % 2 === 0 : kind !== 'float';
  // A stale marker that follows a histogram is stored as a stale histogram: `mixed` sends none.
  return isHistogram
    ? { labels, samples: [], histograms: [histogramAt(kind, timestampMs, hash)] }
    : { labels, samples: [{ timestampMs, bits: floatBits(timestampMs, kind === 'mixed' ? hash | 8 : hash) }] };
}

/** Counters, gauges, stale markers and the values that codecs find hard. */
function floatBits(timestampMs: number, hash: number): bigint {
  switch (hash % 16) {
    case 0:
      return staleMarkerBits;
    case 1:
      return bitsOf([-0, 0, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE, 0.1, NaN][(hash >>> 8) % 8]!);
    case 2:
    case 3:
      return bitsOf(hash / 7);
    default:
      return bitsOf(timestampMs);
  }
}

/** Grows with time, resets now and then, and changes its buckets now and then. */
function histogramAt(kind: SampleKind, timestampMs: number, hash: number): SentHistogram {
  const layout = hashOf(`layout ${Math.floor(timestampMs / 1500)}`);
  const isFloat = kind === 'float-histogram';
  const isCustom = kind === 'custom-histogram';
  const isStale = hash % 16 === 0;
  const resetHint = kind === 'gauge-histogram' ? 3 : 0;
  const grown = kind === 'gauge-histogram' ? hash % 100 : Math.floor(timestampMs / 10) % 1000;
  const spans = isCustom
    ? [{ offset: 0, length: 3 }]
    : [
        { offset: -2 + (layout % 3), length: 2 },
        { offset: 1 + ((layout >>> 4) % 2), length: 1 + ((layout >>> 6) % 3) },
      ];
  const buckets = spans.reduce((sum, { length }) => sum + length, 0);
  const counts = Array.from({ length: buckets }, (_, at) => BigInt(grown * (at + 1)));
  const zero = isCustom ? 0n : BigInt(grown);
  const negative = isCustom ? [] : [BigInt(grown), BigInt(2 * grown)];
  const total = [...counts, ...negative].reduce((sum, count) => sum + count, zero);
  const count = (value: bigint) => (isFloat ? { floatBits: bitsOf(Number(value) / 2) } : { int: value });
  const deltas = (values: readonly bigint[]) =>
    isFloat ? [] : values.map((value, at) => value - (at === 0 ? 0n : (values[at - 1] as bigint)));
  const halves = (values: readonly bigint[]) => (isFloat ? values.map((value) => bitsOf(Number(value) / 2)) : []);
  return {
    count: count(total),
    sumBits: isStale ? staleMarkerBits : bitsOf(timestampMs / 3),
    schema: isCustom ? -53 : 3,
    zeroThresholdBits: isCustom ? 0n : bitsOf(0.001),
    zeroCount: count(zero),
    negativeSpans: isCustom ? [] : [{ offset: 0, length: 2 }],
    negativeDeltas: deltas(negative),
    negativeCountBits: halves(negative),
    positiveSpans: spans,
    positiveDeltas: deltas(counts),
    positiveCountBits: halves(counts),
    resetHint,
    timestampMs: BigInt(timestampMs),
    customValueBits: isCustom ? [1, 2.5, 10].map(bitsOf) : [],
  };
}
