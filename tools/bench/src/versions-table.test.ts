import { median, versionsTable, type VersionsRow, type VersionWindow } from './versions-table.js';

const window = (routerCpuSeconds: number | undefined, ingesterCpuSeconds: number): VersionWindow => ({
  samples: 1000,
  routerCpuSeconds,
  ingesterCpuSeconds,
  bytesPerRequest: 130_000,
  p50Ms: 1.26,
  p99Ms: 9.94,
  failedRequests: 2,
  loadAverage: 3.14,
});
const row: VersionsRow = {
  maker: 'gauntlet',
  sentTo: 'router',
  replicationFactor: 3,
  ingesters: 3,
  series: 10_000,
  windows: {
    '1.0': [window(1, 2), window(10, 20), window(2, 2)],
    '2.0': [window(0.5, 2), window(5, 30), window(0.5, 1)],
  },
};
const bodyOf = (rows: readonly VersionsRow[]): string[] => versionsTable(rows, 'a machine').split('\n').slice(4);

test('the median is the middle one of an odd number, and between the two of an even one', () => {
  expect(median([9, 1, 4])).toBe(4);
  expect(median([9, 1, 4, 2])).toBe(3);
});

test('both versions have a row each, and processor time is compared window by window', () => {
  const [first, second, ...others] = bodyOf([row]);
  expect(first).toContain(
    '| router, RF 3 | 10,000 | gauntlet | 1.0 | 500 | 1,500 | 250 | 1.00 | 1.00 | 1.00 | 130,000 | 1.3 | 9.9 | 6 | 3.1 |',
  );
  // Ratios: router 0.5, 0.5, 0.25; ingesters 1, 1.5, 0.5; all 2.5/3, 35/30, 1.5/4. The slow windows in the middle are compared with one another.
  expect(second).toContain('| 2.0 | 2,000 | 1,500 | 400 | 0.50 | 1.00 | 0.83 |');
  expect(others).toEqual([]);
});

test('an ingester that is sent to directly has no figures of a router, and a load that nobody accepted has none at all', () => {
  const direct: VersionsRow = {
    ...row,
    sentTo: 'ingester',
    ingesters: 1,
    windows: { '1.0': [window(undefined, 2)], '2.0': [{ ...window(undefined, 2), samples: 0 }] },
  };
  const [first, second] = bodyOf([direct]);
  expect(first).toContain('| ingester | 10,000 | gauntlet | 1.0 | - | 500 | 500 | - | 1.00 | 1.00 |');
  expect(second).toContain('| 2.0 | - | 0 | 0 | - | - | - |');
});
