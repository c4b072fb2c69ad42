import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectorsOf } from './index.js';

test('the example of the README works', () => {
  // <README>
  const query = 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / on (job) {"jobs.total"}';
  const selectors = selectorsOf(query);
  const texts = selectors.map(({ matchers }) => matchers.map(({ name, type, value }) => name + type + value));
  expect(texts).toEqual([['code=~5..', '__name__=http_requests_total'], ['__name__=jobs.total']]);
  expect(selectors[0]?.matchers[0]?.matches('503')).toBe(true);
  expect(() => selectorsOf('sum(')).toThrow('1:5: parse error: unexpected end of input');
  // </README>

  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
