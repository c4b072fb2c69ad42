import { parseTextFormat, sumOf } from './text-format.js';

test.each([
  ['up 1', { name: 'up', labels: {}, value: 1 }],
  ['up{} 1', { name: 'up', labels: {}, value: 1 }],
  ['a:b{x="1",y="2",} 1.5e3 1700000000000', { name: 'a:b', labels: { x: '1', y: '2' }, value: 1500 }],
  ['h_bucket{le="+Inf"} 3', { name: 'h_bucket', labels: { le: '+Inf' }, value: 3 }],
  ['x{a="b } \\"c\\" \\\\ \\n, d=\\"e"} -Inf', { name: 'x', labels: { a: 'b } "c" \\ \n, d="e' }, value: -Infinity }],
  ['  # no comment, no sample', undefined],
  ['# HELP up Whether', undefined],
  ['', undefined],
  ['up', undefined],
  ['up{x=1} 1', undefined],
  ['up{x="1" 1', undefined],
  ['up one', undefined],
])('%s', (line, expected) => {
  expect(parseTextFormat(line)).toEqual(expected ? [expected] : []);
});

test('NaN is a value', () => {
  expect(parseTextFormat('q{quantile="0.5"} NaN')[0]?.value).toBeNaN();
});

test('a sum takes the series that carry the labels, and is absent rather than zero when there is none', () => {
  const page = parseTextFormat(
    'r_total{result="success",peer="a"} 3\nr_total{result="success",peer="b"} 4\nr_total{result="error"} 1\n',
  );
  expect(sumOf(page, 'r_total')).toBe(8);
  expect(sumOf(page, 'r_total', { result: 'success' })).toBe(7);
  expect(sumOf(page, 'r_total', { result: 'other' })).toBeUndefined();
});
