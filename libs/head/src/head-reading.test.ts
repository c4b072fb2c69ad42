import { type ChunkSample } from '@gauntlet/chunk';
import { canonicalLabels, compareCanonicalLabels, compareUtf8, type Labels } from '@gauntlet/model';
import { compileMatcher, createOverlay, type LabelMatcher, type Selection } from '@gauntlet/select';
import fc from 'fast-check';
import { createHead, type Head, type HeadOptions, type HeadSelectionQuery } from './index.js';
import { dumpInOrder, dumpLate } from './testing/dump-head.js';
import { integerHistogram } from './testing/histograms.js';
import { layOutBatch, type TestLabels } from './testing/lay-out-batch.js';
import { MemorySink } from './testing/memory-sink.js';
import { readSource, restless, textOf } from './testing/read-source.js';

const start = 1_699_999_200_000; // A multiple of the range.
const rangeMs = 600_000;

const names = ['__name__', 'a', 'ab', 'replica', 'z'];
const texts = ['', 'x', 'xy', 'y', '\u{fffd}', '\u{10ffff}'];
const anyLabels: fc.Arbitrary<TestLabels> = fc
  .tuple(...names.map((name) => fc.constantFrom(...texts).map((value) => [name, value] as const)))
  .map((labels) => labels.filter(([, value]) => value !== ''))
  .filter((labels) => labels.length > 0);
const anyMatcher = fc
  .tuple(
    fc.constantFrom('=' as const, '!=' as const, '=~' as const, '!~' as const),
    fc.constantFrom(...names, 'none'),
    fc.constantFrom('', 'x', 'y', 'xy', '\u{10ffff}'),
    fc.constantFrom('', 'x|y', 'x.*', '.*y', '.+', '.*', 'x|', '[^x]*'),
  )
  .map(([type, name, value, expression]) => compileMatcher(type, name, type.endsWith('~') ? expression : value));
const anyOverlay = fc
  .tuple(fc.subarray(['aa', 'replica', 'zz', 'a'] as const), fc.subarray(['replica', 'a', 'none'] as const))
  .map(([added, removed]) =>
    createOverlay(
      [...added].sort(compareUtf8).map((name) => ({ name, value: 'e' })),
      removed,
    ),
  );

interface Row {
  readonly labels: TestLabels;
  readonly late: boolean;
  readonly count: number;
  readonly isHistogram: boolean;
}
type Step =
  | { readonly kind: 'append'; readonly rows: readonly Row[] }
  | { readonly kind: 'spill' }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'truncate'; readonly share: number };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      rows: fc.array(
        fc.record({
          labels: anyLabels,
          late: fc.boolean(),
          count: fc.integer({ min: 1, max: 12 }),
          isHistogram: fc.constantFrom(false, false, false, true),
        }),
        { minLength: 1, maxLength: 40 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('spill' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
);

/** A head with files, and what is done to it. */
class Bench {
  readonly sink = new MemorySink();
  readonly head: Head;
  now = start;

  constructor(options: Partial<HeadOptions> = {}) {
    this.head = createHead({
      chunkRangeMs: rangeMs,
      samplesPerChunk: 8,
      shardSeriesMax: 60,
      outOfOrderWindowMs: rangeMs,
      outOfOrderCapMax: 4,
      chunkSink: this.sink,
      chunkSource: {
        read: async (chunks, into) => {
          await Promise.resolve();
          chunks.forEach((chunk, index) => {
            into(index, this.sink.read(chunk));
          });
        },
      },
      ...options,
    });
  }

  run(step: Step): void {
    const { head } = this;
    if (step.kind === 'append') {
      for (const { labels, late, count, isHistogram } of step.rows) this.append(labels, late, count, isHistogram);
    } else if (step.kind === 'spill') {
      while (head.spill(Infinity));
    } else if (step.kind === 'snapshot') {
      dumpInOrder(head, (stored) => this.sink.read(stored));
    } else if (head.minTimeMs < Infinity) {
      const time = Math.floor(head.minTimeMs + (head.maxTimeMs - head.minTimeMs) * step.share);
      while (head.truncate(time, 0));
    }
  }

  append(labels: TestLabels, late: boolean, count: number, isHistogram = false): void {
    this.now += 100;
    const times = Array.from({ length: count }, (_, i) => BigInt(late ? this.now - 60_000 - i * 70 : this.now + i));
    const row = isHistogram
      ? { labels, samples: [], histograms: times.map((t) => ({ t, histogram: integerHistogram(Number(t % 7n)) })) }
      : { labels, samples: times.map((t) => ({ t, bits: t })) };
    this.head.append(layOutBatch([row]), 0, { timestampMsMax: Infinity });
    if (!late) this.now += count;
  }

  /** All that is there, by its dumps. */
  naive(): Map<string, { readonly labels: Labels; readonly samples: ChunkSample[] }> {
    const all = new Map<string, { readonly labels: Labels; readonly samples: ChunkSample[] }>();
    const read = (stored: { readonly file: number; readonly offset: number; readonly dataLength: number }) =>
      this.sink.read(stored);
    for (const { labels: pairs, samples } of [...dumpInOrder(this.head, read), ...dumpLate(this.head, read)]) {
      const labels = pairs.map(([name, value]) => ({ name, value }));
      const key = textOf(canonicalLabels(labels));
      const known = all.get(key);
      if (known === undefined) all.set(key, { labels, samples: [...samples] });
      else known.samples.push(...samples);
    }
    return all;
  }
}

const everything = (query: Partial<HeadSelectionQuery> = {}): HeadSelectionQuery => ({
  matchers: [],
  minTimeMs: -Infinity,
  maxTimeMs: Infinity,
  limit: 0,
  pace: restless(),
  overlay: createOverlay([], []),
  skipChunks: false,
  ...query,
});

const matches = (labels: Labels, matchers: readonly LabelMatcher[]): boolean =>
  matchers.every((m) => m.matches(labels.find(({ name }) => name === m.name)?.value ?? ''));

function finalLabels(labels: Labels, { added, hidden }: Selection['overlay']): Uint8Array {
  const kept = [...labels.filter(({ name }) => !hidden.includes(name)), ...added];
  return canonicalLabels(kept.sort((a, b) => compareUtf8(a.name, b.name)));
}

const samplesKey = (samples: readonly ChunkSample[]): string[] =>
  samples
    .map((s) => ('bits' in s ? `${String(s.timestampMs)} ${String(s.bits)}` : `${String(s.timestampMs)} h`))
    .sort();

test('after any steps, a head answers as a list of its series does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 12 }),
      fc.array(fc.array(anyMatcher, { maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      anyOverlay,
      fc.constantFrom(...names),
      async (steps, questions, overlay, name) => {
        const bench = new Bench();
        const { head } = bench;
        // Asked early, the index has to follow; asked at the end only, it begins there.
        const asksEarly = questions.length % 2 === 0;
        for (const step of steps) {
          bench.run(step);
          if (asksEarly) await head.labelNames(everything());
        }
        const answers: { series: Awaited<ReturnType<typeof readSource>>; names: string[]; values: string[] }[] = [];
        for (const matchers of questions) {
          answers.push({
            series: await readSource(await head.select(everything({ matchers, overlay }))),
            names: await head.labelNames(everything({ matchers })),
            values: await head.labelValues(name, everything({ matchers })),
          });
        }
        const naive = [...bench.naive().values()].filter(({ samples }) => samples.length > 0);
        for (const [i, matchers] of questions.entries()) {
          const chosen = naive.filter(({ labels }) => matches(labels, matchers));
          const expected = chosen
            .map(({ labels, samples }) => ({ final: finalLabels(labels, overlay), samples: samplesKey(samples) }))
            .sort((a, b) => compareCanonicalLabels(a.final, b.final));
          expect(answers[i]!.series.map(({ labels }) => labels)).toEqual(expected.map(({ final }) => textOf(final)));
          const bySamples = (list: readonly (readonly [string, string[]])[]): string[] =>
            list.map((entry) => JSON.stringify(entry)).sort();
          expect(bySamples(answers[i]!.series.map(({ labels, samples }) => [labels, samplesKey(samples)]))).toEqual(
            bySamples(expected.map(({ final, samples }) => [textOf(final), samples])),
          );
          const all = chosen.flatMap(({ labels }) => labels);
          expect(answers[i]!.names).toEqual([...new Set(all.map((label) => label.name))].sort(compareUtf8));
          const values = all.filter((label) => label.name === name).map(({ value }) => value);
          expect(answers[i]!.values).toEqual([...new Set(values)].sort(compareUtf8));
        }
      },
    ),
    { numRuns: 40 },
  );
});
