import { seriesLabels } from './series-labels.js';

test.each([3, 14, 20])('with %i labels, series differ from one another and labels are sorted', (labelCount) => {
  const seen = new Set<string>();
  for (let index = 0; index < 5000; index++) {
    const pairs = seriesLabels(index, labelCount);
    const names = pairs.map(([name]) => name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toHaveLength(labelCount);
    seen.add(JSON.stringify(pairs));
  }
  expect(seen.size).toBe(5000);
});

test('fourteen labels come to about 420 bytes', () => {
  const bytes = seriesLabels(123_456, 14).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  expect(bytes).toBeGreaterThan(360);
  expect(bytes).toBeLessThan(460);
});
