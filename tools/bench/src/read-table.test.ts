import { medianReadRow, readTable, type ReadRow } from './read-table.js';

const row = (some: Partial<ReadRow>): ReadRow => ({
  maker: 'gauntlet',
  call: 'LabelNames',
  items: 14,
  bytes: 100,
  calls: 300,
  cpuSeconds: 0.001,
  firstMs: 1,
  p50Ms: 1,
  p99Ms: 2,
  extraBytes: 0,
  ...some,
});

test('of repeats the one in the middle by processor time counts', () => {
  const repeats = [3, 1, 2].map((cpuSeconds) => row({ cpuSeconds, p50Ms: 10 * cpuSeconds }));
  expect(medianReadRow(repeats)).toMatchObject({ cpuSeconds: 2, p50Ms: 20 });
});

test('both are beside one another for each kind of call', () => {
  const rows = [
    row({ call: 'Series' }),
    row({ call: 'LabelNames' }),
    row({ call: 'Series', maker: 'thanos' }),
    row({ call: 'LabelNames', maker: 'thanos' }),
  ];
  const lines = readTable(rows, 'a machine').split('\n').slice(4);
  expect(lines.map((line) => line.split(' | ').slice(0, 2).join())).toEqual([
    '| Series,gauntlet',
    '| Series,thanos',
    '| LabelNames,gauntlet',
    '| LabelNames,thanos',
  ]);
});
