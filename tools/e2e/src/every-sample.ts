import { staleMarkerBits } from '@gauntlet/model';
import type { SeriesInput } from '@gauntlet/remote-write';
import { sampleAt, type SampleKind } from './crash/make-samples.js';
import { bitsOf, bucketCounts, sentTexts, type SentHistogram } from './crash/sample-text.js';
import { exemplarText } from './prometheus-read.js';

/** One a second. */
const rounds = 60;
/** Thanos ends here once and is started again. */
export const halfTime = rounds / 2;
const seriesPerKind = 4;
const kinds: readonly SampleKind[] = [
  'float',
  'histogram',
  'float-histogram',
  'custom-histogram',
  'gauge-histogram',
  'mixed',
];
const lateKinds: readonly SampleKind[] = [
  'float',
  'histogram',
  'float-histogram',
  'custom-histogram',
  'gauge-histogram',
];
/** Sent as histograms of floats as well, which have records and chunks of their own. */
const halvedKinds: readonly SampleKind[] = ['custom-histogram', 'gauge-histogram'];

/** What is sent, in order of sending, and what must be found. */
export interface EverySample {
  readonly requests: readonly (readonly SeriesInput[])[];
  readonly samples: readonly string[];
  /** Those of them that are sent out of order. */
  readonly late: readonly string[];
  readonly exemplars: readonly string[];
}

/** A minute of samples of every kind, then those that come late. The newest floats carry exemplars. */
export function everySample(): EverySample {
  const startMs = Date.now() - rounds * 1000;
  const at = (round: number): number => startMs + round * 1000;
  const requests: SeriesInput[][] = [];
  const exemplars: string[] = [];
  for (let round = 0; round < rounds; round++) {
    // Neither Thanos nor Prometheus can cut what ends with a stale marker of a gauge histogram, or has one out of order.
    const mend = round % halfTime >= halfTime - 2 ? awake : (sample: SeriesInput) => sample;
    const series = [
      ...kinds.flatMap((kind) =>
        Array.from({ length: seriesPerKind }, (_, index) => sampleAt(kind, `steady-${index}`, at(round))),
      ),
      ...halvedKinds.map((kind) => inHalves(sampleAt(kind, 'halves', at(round)))),
    ];
    // Of these every other sample is left out for now.
    const late = round % 2 === 0 ? lateKinds.map((kind) => sampleAt(kind, 'late', at(round))) : [];
    const [first, ...others] = [...series, ...late].map(mend) as [SeriesInput, ...SeriesInput[]];
    // Alone and newest: Thanos leaves out its newest sample when it cuts at its end, and fails if a chunk of histograms has it.
    const alone = [sampleAt('float', 'offbeat', at(round) + 500)];
    if (round < rounds - 5) {
      requests.push([first, ...others], alone);
      continue;
    }
    const exemplar = { labels: { trace_id: `trace-${round}` }, value: round / 4, timestampMs: at(round) };
    const labels = [[Buffer.from('trace_id'), Buffer.from(`trace-${round}`)] as const];
    requests.push(
      [{ ...first, exemplars: [{ labels, timestampMs: BigInt(at(round)), bits: bitsOf(exemplar.value) }] }, ...others],
      alone,
    );
    exemplars.push(exemplarText(Object.fromEntries(first.labels) as Record<string, string>, exemplar));
  }
  const late: SeriesInput[][] = [];
  for (let round = rounds - 3; round > 0; round -= 2)
    late.push(
      lateKinds.map((kind) => {
        const sample = sampleAt(kind, 'late', at(round));
        return kind === 'gauge-histogram' ? awake(sample) : sample;
      }),
    );
  requests.push(...late);
  return {
    requests,
    samples: textsOf(requests.flat()),
    late: textsOf(late.flat()),
    exemplars: exemplars.sort(),
  };
}

function inHalves({ labels, histograms = [] }: SeriesInput): SeriesInput {
  const half = (value: number): bigint => bitsOf(value / 2);
  const halved = histograms.map((histogram): SentHistogram => {
    const { count, zero, positive, negative } = bucketCounts(histogram);
    return {
      ...histogram,
      count: { floatBits: half(count) },
      zeroCount: { floatBits: half(zero) },
      positiveDeltas: [],
      positiveCountBits: positive.map(half),
      negativeDeltas: [],
      negativeCountBits: negative.map(half),
    };
  });
  return { labels, samples: [], histograms: halved };
}

/** Without stale markers of histograms. */
const awake = ({ histograms = [], ...series }: SeriesInput): SeriesInput => ({
  ...series,
  histograms: histograms.map((histogram) =>
    histogram.sumBits === staleMarkerBits ? { ...histogram, sumBits: bitsOf(1) } : histogram,
  ),
});

/** Remote read, like everything that Go encodes, leaves out the sign of a zero. */
export const textsOf = (series: readonly SeriesInput[]): string[] =>
  series
    .flatMap(sentTexts)
    .map((text) => text.replace(/ 0\/8000000000000000$/, ' 0/0'))
    .sort();

/** A few of what the second has otherwise: whole lists would fill the screen. */
export function textDifferences(expected: readonly string[], found: readonly string[]): string[] {
  const [want, got] = [new Set(expected), new Set(found)];
  const all = [
    ...expected.filter((text) => !got.has(text)).map((text) => `missing: ${text}`),
    ...found.filter((text) => !want.has(text)).map((text) => `unexpected: ${text}`),
    ...(found.length === got.size ? [] : [`${found.length - got.size} twice`]),
  ];
  return all.length > 8 ? [...all.slice(0, 8), `and ${all.length - 8} more`] : all;
}
