import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectorsOf } from './index.js';

const textsOf = (query: string) =>
  selectorsOf(query).map(({ matchers }) => matchers.map(({ type, name, value }) => `${name}${type}${value}`));

test.each([
  ['up', [['__name__=up']]],
  ['a:b', [['__name__=a:b']]],
  ['up{}', [['__name__=up']]],
  ['up{job="api", i!=\'a\', x=~"y.*", z!~`w|\\d`,}', [['job=api', 'i!=a', 'x=~y.*', 'z!~w|\\d', '__name__=up']]],
  ['{"quoted.name", a="b"}', [['__name__=quoted.name', 'a=b']]],
  ["{'q.x'='1'}", [['q.x=1']]],
  ['{__name__=~"a.*",__name__!="ab"}', [['__name__=~a.*', '__name__!=ab']]],
  ['sum by (job) (rate(x{a="1"}[5m])) / on(a) group_left(b) y', [['a=1', '__name__=x'], ['__name__=y']]],
  ['rate(x[5m:1m] offset 1d) or absent(y @ end())', [['__name__=x'], ['__name__=y']]],
  ['{a="b"} # {c="d"}\n+ x', [['a=b'], ['__name__=x']]],
  ['1 + 2', []],
  ['vector(time())', []],
  ['"{a=\'b\'}"', []],
  ['sum{sum="x"}', [['sum=x', '__name__=sum']]],
])('%s reads %j', (query, selectors) => {
  expect(textsOf(query)).toEqual(selectors);
});

test.each([
  [String.raw`"\a\b\f\n\r\t\v\\"`, '\x07\b\f\n\r\t\v\\'],
  [String.raw`"\"'"`, '"\''],
  [String.raw`'\'"'`, '\'"'],
  [String.raw`"\xc3\xa9\303\251\u00e9é"`, 'éééé'],
  [String.raw`"\U0001f600😀"`, '😀😀'],
  [String.raw`"\xff"`, '\ufffd'],
  ['`\\n"\'\n`', '\\n"\'\n'],
  ['"\ufeff"', '\ufeff'],
])('the literal %s is %j', (literal, value) => {
  expect(selectorsOf(`x{a=${literal}}`)[0]?.matchers[0]?.value).toBe(value);
});

const recordings = JSON.parse(readFileSync(join(__dirname, '../testdata/queries.json'), 'utf8')) as {
  query: string;
  error?: string;
}[];

test.each(recordings.filter(({ error }) => error !== undefined))(
  '$query is refused, as Prometheus does',
  ({ query }) => {
    expect(() => selectorsOf(query)).toThrow(
      expect.objectContaining({
        kind: 'rejected',
        code: 'PROMQL_INVALID',
        message: expect.stringMatching(/^(?:\d+:\d+|unknown position): parse error: /) as string,
      }),
    );
  },
);

test.each(recordings.filter(({ error }) => error === undefined))('$query is taken, as Prometheus does', ({ query }) => {
  expect(() => selectorsOf(query)).not.toThrow();
});

test.each([
  ['sum(', '1:5: parse error: unexpected end of input'],
  ['', 'unknown position: parse error: no expression found in input'],
  ['x +\n  {y=""}', '2:3: parse error: vector selector must contain at least one non-empty matcher'],
  ['up{"x"}', '1:1: parse error: metric name must not be set twice: "up" or "x"'],
  ['{x=~"("}', '1:2: parse error: error parsing regexp: missing closing ): `(`'],
  ['x'.repeat(300_000), 'unknown position: parse error: query has more than 262144 characters'],
])('%.20s is refused as %j', (query, message) => {
  expect(() => selectorsOf(query)).toThrow(expect.objectContaining({ message }));
});

test.each([['('], ['-'], ['x{'], ['{a="'], ['sum by (']])('a long row of %j ends at once', (piece) => {
  const startMs = performance.now();
  expect(() => selectorsOf(piece.repeat(50_000).slice(0, 250_000))).toThrow(
    expect.objectContaining({ kind: 'rejected' }),
  );
  expect(performance.now() - startMs).toBeLessThan(3_000);
});

test('the expressions of a query may cost no more than one alone', () => {
  const dear = 'x{a=~"(?:[a-z]*[0-9]*){900}"}';
  expect(selectorsOf(dear)).toHaveLength(1);
  expect(() => selectorsOf(Array.from({ length: 20 }, () => dear).join('+'))).toThrow('it costs more than 10000 steps');
});
