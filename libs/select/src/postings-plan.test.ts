import fc from 'fast-check';
import { compareUtf8 } from '@gauntlet/model';
import { compileMatcher, type MatchType } from './matcher.js';
import { planMatchers, selectPostings, type PostingsSource } from './postings-plan.js';
import { PostingsUnion } from './postings-union.js';
import { postingsOfList } from './postings.js';
import { stillPace } from './testing/index.js';

const matcher = (text: string) => {
  const [, name, type, value] = /^(\w+)(!=|=~|!~|=)(.*)$/.exec(text)!;
  return compileMatcher(type as MatchType, name!, value!);
};
const plan = (...texts: string[]) => {
  const { included, excluded } = planMatchers(texts.map(matcher));
  return [included, excluded].map((choices) => choices.map(({ name, values }) => [name, values]));
};

test.each([
  [['a=1'], [[['a', ['1']]], []]],
  [
    ['a=~1|2', 'b=3'],
    [
      [
        ['a', ['1', '2']],
        ['b', ['3']],
      ],
      [],
    ],
  ],
  [['a=~1.*'], [[['a', undefined]], []]],
  [['a!=1'], [[], [['a', ['1']]]]],
  [['a!~1|2'], [[], [['a', ['1', '2']]]]],
  [['a='], [[], [['a', undefined]]]],
  [['a!='], [[['a', undefined]], []]],
  [['a=~1|'], [[], [['a', undefined]]]], // The empty value matches: those with any other value than 1 go.
  [['a!~1|'], [[['a', undefined]], []]], // The empty value does not match: only lists can hold what does.
  [['a=~.*'], [[], []]],
  [['a=~.+'], [[['a', undefined]], []]],
  [['a!~.*'], [[['a', undefined]], []]],
  [[], [[], []]],
])('%j is asked of an index as %j', (texts, expected) => {
  expect(plan(...texts)).toEqual(expected);
});

type Series = Readonly<Record<string, string>>;

function indexOf(all: readonly Series[], isAsync: boolean): PostingsSource {
  const where = (test: (series: Series) => boolean) =>
    postingsOfList(Uint32Array.from([...all.keys()].filter((index) => test(all[index]!))));
  return {
    all: () => (isAsync ? Promise.resolve(where(() => true)) : where(() => true)),
    async unionOf(choices) {
      const union = new PostingsUnion(all.length, stillPace);
      for (const { name, values, takes } of choices)
        for (const value of new Set(all.flatMap((series) => series[name] ?? []).sort(compareUtf8)))
          if (values?.includes(value) ?? takes(value)) await union.add(where((series) => series[name] === value));
      return union.postings();
    },
  };
}

const name = fc.constantFrom('a', 'b', 'c');
const value = fc.constantFrom(...Array.from({ length: 24 }, (_, index) => index.toString(6)));
const series = fc.array(fc.dictionary(name, value, { maxKeys: 3 }), { maxLength: 60 });
const expressions = [
  '',
  '0',
  '1|2',
  '1|',
  '|',
  '.*',
  '.+',
  '1.*',
  '.*1',
  '[12]',
  '\\d',
  '\\d?',
  '.?',
  '(1|2).*',
  '[^1]*',
];
const matchers = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom<MatchType>('=', '!='), name, fc.oneof(value, fc.constant(''))),
    fc.tuple(fc.constantFrom<MatchType>('=~', '!~'), name, fc.constantFrom(...expressions)),
  ),
  { maxLength: 4 },
);

test('what an index selects is what naive filtering keeps', async () => {
  await fc.assert(
    fc.asyncProperty(series, matchers, fc.boolean(), async (all, given, isAsync) => {
      const compiled = given.map(([type, name, value]) => compileMatcher(type, name, value));
      const postings = await selectPostings(indexOf(all, isAsync), compiled);
      const found: number[] = [];
      for (let posting = postings.next(); posting >= 0; posting = postings.next()) found.push(posting);
      const expected = [...all.keys()].filter((index) =>
        compiled.every((matcher) => matcher.matches(all[index]![matcher.name] ?? '')),
      );
      expect(found).toEqual(expected);
    }),
    { numRuns: 400 },
  );
});
