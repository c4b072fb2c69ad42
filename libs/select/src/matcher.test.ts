import { createExpressionBudget } from './expression.js';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelsOf } from '@gauntlet/model';
import { compileMatcher, prepareMatchers, type MatchType } from './matcher.js';

const re = (expression: string) => compileMatcher('=~', 'l', expression);

test.each<[MatchType, string, string[], string[]]>([
  ['=', 'a', ['a'], ['', 'b', 'aa']],
  ['=', '', [''], ['a']],
  ['!=', 'a', ['', 'b'], ['a']],
  ['!=', '', ['a'], ['']],
  ['=~', 'a|b', ['a', 'b'], ['', 'ab', 'c']],
  ['!~', 'a|b', ['', 'c'], ['a', 'b']],
  ['=~', '', [''], ['a']],
  ['=~', '.*', ['', 'a', 'a\nb'], []],
  ['=~', '.+', ['a', '\n', '\u{1f600}'], ['']],
  ['=~', '.', ['a', '\n', '\u{1f600}'], ['', 'ab']],
  ['=~', '..', ['ab', '\u{1f600}\u{1f600}'], ['\u{1f600}']],
  ['=~', '.+.+', ['ab'], ['a', '\u{1f600}']],
  ['=~', 'a.*', ['a', 'a\n'], ['', 'ba']],
  ['=~', '.*a', ['a', 'ba'], ['ab']],
  ['=~', '.*a.*', ['a', 'xax'], ['x']],
  ['=~', 'a.+a', ['aba', 'aaa'], ['aa', 'a']],
  ['=~', '.*aa.*aa', ['aaaa', 'aaxaa'], ['aaa']],
  ['=~', 'x(a|b)y', ['xay', 'xby'], ['xy', 'a']],
  ['=~', 'node-[0-2a]', ['node-0', 'node-2', 'node-a'], ['node-3', 'node-']],
  ['=~', 'ab?', ['a', 'ab'], ['b', '']],
  ['=~', '(|a)b', ['b', 'ab'], ['', 'a']],
  ['=~', '^a|b$', ['a', 'b'], ['ax', 'xb']],
  ['=~', '(?i)abc|.*x', ['ABC', 'yX'], ['ab']],
  ['=~', '(?i:ſ)', ['s', 'S'], ['x']], // The long s folds to s.
  ['=~', 'a\\.b', ['a.b'], ['axb']],
  ['=~', '\\Qa.b\\E', ['a.b'], ['axb']],
  ['=~', '\\d{2,3}', ['12', '123'], ['1', '1234', '\u0661\u0661']], // Only ASCII digits.
  ['=~', '\\pL+', ['ab', 'é'], ['1']],
  ['=~', 'a$', ['a'], ['a\n']],
  ['=~', '(?m:a$.*)', ['a', 'a\nb'], ['ab']],
  ['=~', 'a|ab', ['a', 'ab'], ['abc']],
])('%s %j', (type, value, yes, no) => {
  const { matches, matchesEmpty } = compileMatcher(type, 'l', value);
  expect(yes.filter((tested) => !matches(tested))).toEqual([]);
  expect(no.filter((tested) => matches(tested))).toEqual([]);
  expect(matchesEmpty).toBe(matches(''));
});

test.each<[MatchType, string, string[] | undefined]>([
  ['=', 'a', ['a']],
  ['=', '', ['']],
  ['!=', 'a', undefined],
  ['=~', 'a|b|a', ['a', 'b']],
  ['=~', '(?:x|y)z|w?', ['xz', 'yz', 'w', '']],
  ['=~', '^(a|b)$', ['a', 'b']],
  ['=~', 'a.*', undefined],
  ['=~', '(?i)a', undefined],
  ['!~', 'a|b', undefined],
])('the values of %s %j are %j', (type, value, values) => {
  expect(compileMatcher(type, 'l', value).values).toEqual(values);
});

const refused = ['invalid re', 'names invalid re', 'values invalid re', 'empty ingester bad regex'];
const recordings = JSON.parse(readFileSync(join(__dirname, '../testdata/invalid-expressions.json'), 'utf8')) as {
  name: string;
  expression: string;
  message: string;
}[];

test('every kind of refused expression has been recorded', () => {
  for (const prefix of refused) expect(recordings.some(({ name }) => name.startsWith(prefix))).toBe(true);
});

test.each(recordings)('$name is refused in the recorded words', ({ expression, message }) => {
  expect(() => re(expression)).toThrow(expect.objectContaining({ kind: 'rejected', code: 'MATCHER_INVALID', message }));
});

test.each(
  [
    ['a)(b'],
    ['a)|(?:b'],
    ['**'],
    ['.**'],
    ['.*{2}'],
    ['x{2}{3}'],
    ['('.repeat(1001) + 'a*' + ')'.repeat(1001)],
    ['((a{100}){100}){100}'],
    ['.{1000}'.repeat(9_000)],
    ['[\\pL\\pN]'.repeat(7_000)],
    ['\\Q)\\E{1000}'.repeat(10_000)],
    ['([)]{1000}'.repeat(10_000)],
    ['(a|b)[0-9]?'.repeat(100_000)],
    ['x'.repeat(4 * 1024 * 1024 + 1)],
  ].map(([expression]) => ({ start: expression!.slice(0, 20), expression: expression! })),
)('$start is refused at once', ({ expression }) => {
  const startMs = performance.now();
  expect(() => re(expression)).toThrow(expect.objectContaining({ code: 'MATCHER_INVALID' }));
  expect(performance.now() - startMs).toBeLessThan(2_000);
});

test.each([['(a+)+$'], ['(x+x+)+y'], ['(.*)*a(.*)*b'], ['(a|aa)+'], ['([a-z]+)*[0-9]'], ['(a?){50}a{50}']])(
  '%s takes time linear in the value',
  (expression) => {
    const startMs = performance.now();
    re(expression).matches('a'.repeat(20_000) + '!');
    expect(performance.now() - startMs).toBeLessThan(1_000);
  },
);

test('a hundred thousand alternatives, or one text of a million characters, need no engine', () => {
  const texts = Array.from({ length: 100_000 }, (_, index) => `node-${index}`);
  expect(re(texts.join('|')).values).toHaveLength(100_000);
  expect(re(texts.join('.*|')).matches('node-99998-x')).toBe(true);
  const long = 'x'.repeat(1024 * 1024);
  expect(re(long).matches(long)).toBe(true);
});

/** Expressions whose meaning is the same in JavaScript, with its flags `s` and `u`. */
const atom = fc.oneof(
  fc.constantFrom('a', 'b', '.*', '.+', 'a?'),
  fc.constantFrom('\u{1f600}', '\uffff', '.', '.*?', '[ab]', '[0-2]', '[^a]', '\\.', '\\d', 'b*', '^', '$'),
);
const alternativesOf = (piece: fc.Arbitrary<string>) =>
  fc
    .array(fc.array(piece, { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((alternatives) => alternatives.map((pieces) => pieces.join('')).join('|'));
const groupOf = (inner: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.constantFrom('(', '(?:'), inner, fc.constantFrom('', '', '', '?', '{1,2}'))
    .map(([open, text, repetition]) => `${open}${text})${repetition}`);
const group = groupOf(alternativesOf(fc.oneof(atom, groupOf(alternativesOf(atom)))));
const expression = alternativesOf(fc.oneof(atom, atom, group));
const units = ['', 'a', 'b', '1', '\u{1f600}', '\n', '.'];
const values = [...new Set(units.flatMap((a) => units.flatMap((b) => ['', 'a', 'b'].map((c) => a + b + c))))];

test('simple expressions match what they match in JavaScript', () => {
  fc.assert(
    fc.property(expression, (source) => {
      const [ours, theirs] = [re(source), new RegExp(`^(?:${source})$`, 'su')];
      const isSame = (tested: string) => ours.matches(tested) === theirs.test(tested);
      expect([...values, ...(ours.values ?? [])].filter((tested) => !isSame(tested))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('listed values are exactly those that match', () => {
  fc.assert(
    fc.property(expression, fc.constantFrom(...values), (source, tested) => {
      const { values: listed, matches } = re(source);
      if (listed !== undefined) expect(listed.includes(tested)).toBe(matches(tested));
    }),
  );
});

describe('matchers on external labels', () => {
  const external = labelsOf({ cluster: 'eu-1', replica: 'r1' });
  const onSeries = compileMatcher('=', 'job', 'api');

  test('are judged by the external value, and left out where they hold', () => {
    expect(prepareMatchers([compileMatcher('=~', 'cluster', 'eu-.*'), onSeries], external)).toEqual([onSeries]);
    expect(prepareMatchers([compileMatcher('!=', 'cluster', 'eu-1'), onSeries], external)).toBe('none');
    expect(prepareMatchers([compileMatcher('=', 'cluster', '')], external)).toBe('none');
  });

  test('are asked of series where the store has no such label', () => {
    const absent = compileMatcher('=', 'zone', '');
    expect(prepareMatchers([absent, onSeries], external)).toEqual([absent, onSeries]);
  });
});

test.each<[expression: string, isCostly: boolean]>([
  ['a|b.*', false],
  ['(a|b)+', true],
  [Array.from({ length: 17 }, (_, n) => `a${n}.*`).join('|'), true],
])('whether %s may take long for one value is known', (expression, isCostly) => {
  expect(compileMatcher('=~', 'l', expression).isCostly).toBe(isCostly);
  expect(compileMatcher('=', 'l', expression).isCostly).toBe(false);
});

test('the expressions of a request share what they may cost', () => {
  const budget = createExpressionBudget();
  const compile = (): unknown => compileMatcher('=~', 'l', '(?:[a-z]*[0-9]*){900}', budget);
  expect(compile).not.toThrow();
  const compileMore = (): void => Array.from({ length: 20 }).forEach(compile);
  expect(compileMore).toThrow('it costs more than 10000 steps');
});
