import { isRetryable, type Rejection } from '@gauntlet/remote-write';
import { judge, mergeVerdicts, quorumOf, type Verdict } from '@gauntlet/ring';
import fc from 'fast-check';
import { WriteTally, type CallAnswer, type Holdings } from './write-tally.js';

const none = { series: 1, samples: 0, histograms: 0, exemplars: 0 };
const labels = [[Buffer.from('__name__'), Buffer.from('up')]] as const;

/** An answer that refuses parts of the only series of tuple 0. */
function refusing(holdings: Holdings, ...rejections: Partial<Rejection>[]): CallAnswer {
  return {
    kind: 'stored',
    refused: rejections.map((rejection) => ({
      tuple: 0,
      position: 0,
      items: holdings,
      labels,
      tenant: 'team',
      rejection: { series: 0, item: 'sample', first: 0, count: 1, reason: 'outOfOrder', ...rejection },
    })),
  };
}

const stored: CallAnswer = { kind: 'stored', refused: [] };

function merged(holdings: Holdings, answers: readonly CallAnswer[]) {
  const tally = new WriteTally([holdings], answers.length);
  for (const answer of answers) tally.count([0], answer);
  return { verdict: tally.verdict(), written: tally.written(), counts: tally.refused().counts };
}

describe('of a series with five samples', () => {
  const holdings = { ...none, samples: 5 };
  const refused = (...rejections: Partial<Rejection>[]): CallAnswer => refusing(holdings, ...rejections);

  test('samples that a quorum refused are missing, and the others are written', () => {
    const twoOfThree = [stored, refused({ first: 1, count: 2 }), refused({ first: 2, count: 3 })];
    expect(merged(holdings, twoOfThree)).toEqual({
      verdict: 'conflict',
      written: { samples: 4, histograms: 0, exemplars: 0 },
      counts: { outOfOrder: 1 }, // The third sample: only that one was refused twice.
    });
  });

  test('samples that one of three refused are written', () => {
    expect(merged(holdings, [stored, stored, refused({ count: 5 })])).toMatchObject({ verdict: 'stored', counts: {} });
  });

  test('a refused sample that an outage could still save is worth a retry', () => {
    expect(merged(holdings, [stored, refused({}), { kind: 'outage' }])).toEqual({
      verdict: 'unavailable',
      written: { samples: 4, histograms: 0, exemplars: 0 },
      counts: { outOfOrder: 1 },
    });
  });

  test('a limit alone is a limit, and a conflict that suffices is a conflict', () => {
    const limit = refused({ item: 'series', reason: 'seriesLimit' });
    expect(merged(holdings, [stored, limit, limit])).toMatchObject({
      verdict: 'limited',
      written: { samples: 0 },
      counts: { seriesLimit: 1 },
    });
    expect(merged(holdings, [limit, refused({ count: 5 }), refused({ count: 5 })]).verdict).toBe('conflict');
  });

  test('a limit of the series is not worth a retry where none of its samples is', () => {
    const limit = refused({ item: 'series', reason: 'seriesLimit' });
    expect(merged(holdings, [{ kind: 'conflict' }, refused({ count: 5 }), limit]).verdict).toBe('conflict');
    expect(merged(holdings, [{ kind: 'conflict' }, refused({ count: 4 }), limit]).verdict).toBe('limited');
  });

  test('a peer that names a sample twice refused it once', () => {
    expect(merged(holdings, [stored, stored, refused({}, {}, { item: 'series' })]).verdict).toBe('stored');
  });

  test('what lies beyond the series is not counted', () => {
    expect(merged(holdings, [refused({ first: 4, count: 100 })])).toMatchObject({ written: { samples: 4 } });
    expect(merged(holdings, [refused({ first: 99 })])).toMatchObject({ verdict: 'stored', written: { samples: 5 } });
  });
});

test('a request is not settled while the last answer can still save or condemn a refused sample', () => {
  const holdings = { ...none, samples: 1 };
  const tally = new WriteTally([holdings], 3);
  tally.count([0], stored);
  tally.count([0], refusing(holdings, {}));
  expect(tally.verdictOf(0)).toBe('stored');
  expect(tally.settled).toBe(false);
  tally.count([0], stored);
  expect(tally.settled).toBe(true);
  expect(tally.verdict()).toBe('stored');
});

test('60,000 runs in one series are merged without a look at each pair', () => {
  const holdings = { ...none, samples: 120_000 };
  const runs = Array.from({ length: 60_000 }, (_, i) => ({ first: 2 * i }));
  const { written } = merged(holdings, [refusing(holdings, ...runs), refusing(holdings, ...runs), stored]);
  expect(written.samples).toBe(60_000);
});

test('the merge is that of the verdicts on every single item', () => {
  const rejection = fc.record({
    item: fc.constantFrom('series', 'sample', 'histogram', 'exemplar'),
    first: fc.nat(6),
    count: fc.integer({ min: 1, max: 4 }),
    reason: fc.constantFrom('outOfOrder', 'duplicate', 'seriesLimit'),
  }) as fc.Arbitrary<Partial<Rejection>>;
  const answer = fc.oneof(
    fc.constantFrom('conflict', 'limited', 'outage').map((kind) => ({ kind, rejections: [] as Partial<Rejection>[] })),
    fc.array(rejection, { maxLength: 3 }).map((rejections) => ({ kind: 'stored', rejections })),
  );
  const holding = fc.record({ samples: fc.nat(6), histograms: fc.nat(3), exemplars: fc.nat(3) });
  fc.assert(
    fc.property(holding, fc.array(answer, { minLength: 1, maxLength: 5 }), (items, answers) => {
      const holdings = { series: 1, ...items };
      const { verdict, written } = merged(
        holdings,
        answers.map(({ kind, rejections }) =>
          kind === 'stored' ? refusing(holdings, ...rejections) : ({ kind } as CallAnswer),
        ),
      );
      // Every item by itself, plainly.
      const verdictOf = (item: string, index: number): Verdict => {
        const outcomes = answers.map(({ kind, rejections }) => {
          if (kind !== 'stored') return kind;
          const hits = rejections.filter(
            (each) =>
              each.item === 'series' ||
              (each.item === item && each.first! <= index && index < each.first! + each.count!),
          );
          if (hits.length === 0) return 'stored';
          return hits.every(({ reason }) => isRetryable(reason!)) ? 'limited' : 'conflict';
        });
        const count = (kind: string): number => outcomes.filter((outcome) => outcome === kind).length;
        return judge({
          replicas: answers.length,
          quorum: quorumOf(answers.length),
          stored: count('stored'),
          conflicts: count('conflict'),
          limits: count('limited'),
          outages: count('outage'),
        });
      };
      const all = (item: string, length: number): Verdict[] => Array.from({ length }, (_, i) => verdictOf(item, i));
      const samples = all('sample', items.samples);
      const histograms = all('histogram', items.histograms);
      const exemplars = all('exemplar', items.exemplars);
      const isEmpty = samples.length + histograms.length + exemplars.length === 0;
      // What is said of the series as a whole is said of each item; it goes by no item where there is none.
      const series = isEmpty ? all('none', 1) : [];
      expect(verdict).toBe(mergeVerdicts([...series, ...samples, ...histograms, ...exemplars]));
      const storedOf = (verdicts: Verdict[]): number => verdicts.filter((each) => each === 'stored').length;
      expect(written).toEqual({
        samples: storedOf(samples),
        histograms: storedOf(histograms),
        exemplars: storedOf(exemplars),
      });
    }),
  );
});
