import { staleMarkerBits } from '@gauntlet/model';
import type { SeriesInput } from '@gauntlet/remote-write';
import { hashOf } from './crash/random.js';
import { bitsOf, type SentHistogram } from './crash/sample-text.js';

export const stepMs = 15_000;
export const rounds = 80;
export const tenants = ['default-tenant', 'other'] as const;
export type TenantName = (typeof tenants)[number];
/** What a pair of senders puts on its samples, for a Querier to take off. */
export const senderLabel = 'prometheus_replica';

type Labels = Readonly<Record<string, string>>;

/** A series of which each round has one sample, or none. */
interface Source {
  readonly tenant: TenantName;
  readonly labels: Labels;
  /** Two senders send it, and the second of them begins late. */
  readonly isPaired?: true;
  /** Every other sample comes after all others, the newest first. */
  readonly isLate?: true;
  readonly hasExemplars?: true;
  valueAt(round: number): number | 'stale' | SentHistogram | undefined;
}

/** One body: what senders send, and what a Prometheus must be given for it to answer as a Querier does. */
export interface WriteOfRounds {
  readonly sent: Readonly<Record<TenantName, readonly SeriesInput[]>>;
  readonly merged: readonly SeriesInput[];
}

const secondSenderFrom = 5;
const roundsPerWrite = 3;

/** All samples in order of sending: twenty minutes, and then those that come late. */
export function writesOfRounds(startMs: number): WriteOfRounds[] {
  const at = (round: number): number => startMs + round * stepMs;
  const isHeldBack = ({ isLate }: Source, round: number): boolean => isLate === true && round % 2 === 1;
  const writes: WriteOfRounds[] = [];
  for (let first = 0; first < rounds; first += roundsPerWrite) {
    const some = Array.from({ length: Math.min(roundsPerWrite, rounds - first) }, (_, index) => first + index);
    writes.push(
      writeOf((source) =>
        some.filter((round) => !isHeldBack(source, round)).map((round) => ({ round, timestampMs: at(round) })),
      ),
    );
  }
  for (let round = rounds - 1; round >= 0; round--)
    if (round % 2 === 1)
      writes.push(writeOf((source) => (isHeldBack(source, round) ? [{ round, timestampMs: at(round) }] : [])));
  return writes;
}

type Moment = { readonly round: number; readonly timestampMs: number };

function writeOf(momentsOf: (source: Source) => Moment[]): WriteOfRounds {
  const sent: Record<TenantName, SeriesInput[]> = { 'default-tenant': [], other: [] };
  const merged: SeriesInput[] = [];
  for (const source of sources) {
    const moments = momentsOf(source);
    const { tenant, labels, isPaired } = source;
    const add = (to: SeriesInput[], more: Labels, some: readonly Moment[]): void => {
      const series = seriesOf(source, { ...labels, ...more }, some);
      if (series !== undefined) to.push(series);
    };
    add(merged, { tenant_id: tenant }, moments);
    add(sent[tenant], isPaired ? { [senderLabel]: 'a' } : {}, moments);
    if (isPaired)
      add(
        sent[tenant],
        { [senderLabel]: 'b' },
        moments.filter(({ round }) => round >= secondSenderFrom),
      );
  }
  return { sent, merged };
}

function seriesOf(source: Source, labels: Labels, moments: readonly Moment[]): SeriesInput | undefined {
  const samples: SeriesInput['samples'][number][] = [];
  const histograms: SentHistogram[] = [];
  const exemplars: NonNullable<SeriesInput['exemplars']>[number][] = [];
  for (const { round, timestampMs } of moments) {
    const value = source.valueAt(round);
    if (value === undefined) continue;
    if (typeof value === 'object') histograms.push({ ...value, timestampMs: BigInt(timestampMs) });
    else samples.push({ timestampMs, bits: value === 'stale' ? staleMarkerBits : bitsOf(value) });
    if (source.hasExemplars && round % 7 === 3) {
      const trace = [Buffer.from('trace_id'), Buffer.from(`trace-${round}`)] as const;
      exemplars.push({ labels: [trace], timestampMs: BigInt(timestampMs), bits: bitsOf(round / 8) });
    }
  }
  if (samples.length + histograms.length === 0) return undefined;
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return { labels: sorted, samples, histograms, exemplars };
}

// --- What the series hold

/** A counter of whole numbers. */
const counter = (seed: string) => (round: number) => 100 + round * (1 + (hashOf(seed) % 9));
/** One that starts anew every 25 rounds. */
const restarting = (seed: string) => (round: number) => counter(seed)(round % 25);
/** Not twice the same, so that an order by value is one. */
const noise = (seed: string, round: number): number => (hashOf(`${seed} ${round}`) % 1_000_003) / 8192;

/** Goes up and down, ends with a stale marker now and then, and comes back. */
function gauge(seed: string) {
  const from = hashOf(seed) % 20;
  return (round: number): number | 'stale' | undefined => {
    const phase = (round + from) % 30;
    if (phase === 20) return 'stale';
    return phase > 20 && phase < 25 ? undefined : noise(seed, round);
  };
}

interface HistogramPlan {
  readonly schema?: number;
  readonly isFloat?: boolean;
  readonly isGauge?: boolean;
  /** Custom buckets instead of those of a schema. */
  readonly bounds?: readonly number[];
  readonly goesStale?: boolean;
}

/** Counters of buckets that grow, start anew every 30 rounds and change their layout every 18; or gauges. */
function histogram(seed: string, { schema = 2, isFloat = false, isGauge = false, bounds, goesStale }: HistogramPlan) {
  const base = 1 + (hashOf(seed) % 5);
  return (round: number): SentHistogram => {
    const grown = isGauge ? hashOf(`${seed} ${round}`) % 50 : (round % 30) * base;
    const shift = bounds === undefined ? Math.floor(round / 18) % 3 : 0;
    const spans =
      bounds === undefined
        ? [
            { offset: -shift, length: 2 + shift },
            { offset: 1, length: 2 },
          ]
        : [{ offset: 0, length: bounds.length + 1 }];
    const counts = Array.from(
      { length: spans.reduce((sum, { length }) => sum + length, 0) },
      (_, at) => grown * (at + 1),
    );
    const negative = bounds === undefined ? [grown, 3 * grown] : [];
    const zero = bounds === undefined ? grown : 0;
    const total = [...counts, ...negative].reduce((sum, count) => sum + count, zero);
    const isStale = goesStale === true && round % 22 === 21;
    const unit = (value: number) => (isFloat ? { floatBits: bitsOf(value / 2) } : { int: BigInt(value) });
    const deltas = (values: readonly number[]) =>
      isFloat ? [] : values.map((value, at) => BigInt(value - (values[at - 1] ?? 0)));
    const halves = (values: readonly number[]) => (isFloat ? values.map((value) => bitsOf(value / 2)) : []);
    return {
      count: unit(total),
      sumBits: isStale ? staleMarkerBits : bitsOf(total * 1.25),
      schema: bounds === undefined ? schema : -53,
      zeroThresholdBits: bounds === undefined ? bitsOf(0.001) : 0n,
      zeroCount: unit(zero),
      negativeSpans: negative.length > 0 ? [{ offset: 0, length: 2 }] : [],
      negativeDeltas: deltas(negative),
      negativeCountBits: halves(negative),
      positiveSpans: spans,
      positiveDeltas: deltas(counts),
      positiveCountBits: halves(counts),
      resetHint: isGauge ? 3 : 0,
      timestampMs: 0n,
      customValueBits: (bounds ?? []).map(bitsOf),
    };
  };
}

function series(
  tenant: TenantName,
  labels: Labels,
  values: (seed: string) => Source['valueAt'],
  more: Pick<Source, 'isPaired' | 'isLate' | 'hasExemplars'> = {},
): Source {
  return { tenant, labels, valueAt: values(JSON.stringify([tenant, labels])), ...more };
}

const cross = (sets: Readonly<Record<string, readonly string[]>>): Labels[] =>
  Object.entries(sets).reduce<Labels[]>(
    (all, [name, values]) => all.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value }))),
    [{}],
  );

const main: TenantName = 'default-tenant';
const histograms = (plan: HistogramPlan) => (seed: string) => histogram(seed, plan);
/** Written in an order of UTF-16 units that is not the one of UTF-8 bytes. */
const rooms = ['attic', 'cellar', 'küche', '\u{1f600}', '\uff5e', 'a b"c\\d'];

const sources: readonly Source[] = [
  ...cross({
    __name__: ['http_requests_total'],
    job: ['api', 'web'],
    instance: ['i1', 'i2'],
    code: ['200', '500'],
  }).map((labels) => series(main, labels, counter, { isPaired: true, hasExemplars: true })),
  ...cross({ __name__: ['http_requests_total'], job: ['api'], instance: ['i1', 'i3'], code: ['200'] }).map((labels) =>
    series('other', labels, counter),
  ),
  ...tenants.flatMap((tenant) =>
    cross({ __name__: ['temperature'], room: rooms }).map((labels) => series(tenant, labels, gauge)),
  ),
  ...cross({ __name__: ['restarts_total'], job: ['api', 'web'] }).map((labels) =>
    series(main, labels, restarting, { isPaired: true }),
  ),
  series('other', { __name__: 'only_there', job: 'api' }, counter),
  ...['0.1', '1', '+Inf'].map((le, index) =>
    series(main, { __name__: 'classic_seconds_bucket', job: 'api', le }, () => (round) => round * (index + 1)),
  ),
  ...cross({ __name__: ['latency_seconds'], job: ['api', 'web'] }).map((labels) =>
    series(main, labels, histograms({ goesStale: true }), { isPaired: true, hasExemplars: true }),
  ),
  ...cross({ __name__: ['latency_seconds'], job: ['api'] }).map((labels) => series('other', labels, histograms({}))),
  ...cross({ __name__: ['weight'], job: ['api', 'web'] }).map((labels) =>
    series(main, labels, histograms({ isFloat: true, schema: 0 })),
  ),
  ...cross({ __name__: ['size_bytes'], job: ['api', 'web'] }).map((labels) =>
    series(main, labels, histograms({ bounds: [1, 2.5, 10] })),
  ),
  ...cross({ __name__: ['queue'], job: ['api', 'web'] }).map((labels) =>
    series(main, labels, histograms({ isGauge: true, schema: 1 })),
  ),
  ...cross({ __name__: ['late_total'], job: ['api', 'web'] }).map((labels) =>
    series(main, labels, counter, { isLate: true }),
  ),
  series(main, { __name__: 'late_seconds', job: 'api' }, histograms({}), { isLate: true }),
  series(main, { __name__: 'late_weight', job: 'api' }, histograms({ isFloat: true }), { isLate: true }),
  // A few that are there for a part of the time only.
  ...['begin', 'middle', 'end'].map((part, index) =>
    series(
      main,
      { __name__: 'passing', part },
      (seed) => (round) => (Math.floor(round / 27) === index ? noise(seed, round) : undefined),
    ),
  ),
];
