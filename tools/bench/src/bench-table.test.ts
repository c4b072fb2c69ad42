import { benchTable, medianCell, type Cell } from './bench-table.js';
import { blocksTable } from './measure-blocks.js';
import { cutTable } from './measure-cut.js';
import { idleTable } from './measure-idle.js';
import { restartTable } from './measure-restart.js';
import { readLoadTable } from './read-load-table.js';
import { readTable, type ReadRow } from './read-table.js';

const cell = (ingesterPerCpuSecond: number): Cell => ({
  maker: 'gauntlet',
  series: 10_000,
  replicationFactor: 3,
  samplesPerSecond: 1,
  failedRequests: 0,
  routerPerCpuSecond: 2,
  ingesterPerCpuSecond,
  fleetPerCpuSecond: 3,
  newSeriesPerCpuSecond: 4,
  ingesterBytesPerSeries: 5,
  p50Ms: 6,
  p99Ms: 7,
});

const read = (maker: ReadRow['maker'], calls: number, cpuSeconds: number): ReadRow => ({
  maker,
  call: 'Series, all',
  items: 100_000,
  bytes: 62_500_000,
  calls,
  cpuSeconds,
  firstMs: 1.5,
  p50Ms: 700,
  p99Ms: 800,
  extraBytes: 2e6,
});

test('the median is by samples of the ingester', () => {
  expect(medianCell([cell(30), cell(10), cell(20)]).ingesterPerCpuSecond).toBe(20);
  expect(medianCell([cell(5)]).ingesterPerCpuSecond).toBe(5);
});

test('what a call costs is left open when there were too few, or less than can be told', () => {
  const [few, free] = readTable([read('gauntlet', 3, 0.5), read('thanos', 100, 0)], 'a machine')
    .split('\n')
    .slice(-2);
  expect(few).toContain('| 200,000 | 500 | 1.5 | 700.0 | - |');
  expect(free).toContain('| - | 0.00 | 1.5 | 700.0 | 800.0 |');
});

test.each([
  ['fleets', benchTable([cell(1), cell(2_000_000)], 'a machine'), '| 2,000,000 |'],
  [
    'restarts',
    restartTable(
      [
        {
          maker: 'thanos',
          series: 1_000_000,
          samples: 4_000_000,
          logBytes: 1024,
          readyMs: 250,
          firstWriteMs: 340,
          routedWriteMs: 1000,
          replayedMs: 17_700,
          replayedCpuSeconds: 30.6,
          residentBytes: 2 ** 30,
          residentBytesPeak: 2 ** 31,
          seriesAfter: 999_999,
        },
      ],
      'a machine',
    ),
    '| 0.25 | 0.34 | 1.00 | 17.70 | 30.60 | 1.00 GiB | 2.00 GiB | 999,999 |',
  ],
  [
    'cuts',
    cutTable(
      (['before', 'during'] as const).map((phase, k) => ({
        maker: 'gauntlet',
        phase,
        seconds: 30,
        requests: 500,
        failed: 0,
        p50Ms: 5,
        p99Ms: 10 + 5 * k,
        maxMs: 20,
        residentBytesPeak: 1e9,
      })),
      'a machine',
    ),
    '| during | 30.0 | 500 | 0 | 5.0 | 15.0 | 1.50 | 20.0 | 1,000 |',
  ],
  [
    'blocks',
    blocksTable(
      [
        {
          of: 'prometheus',
          series: 10,
          samples: 100,
          chunks: 10,
          indexBytes: 1000,
          chunkBytes: 2000,
          blockBytes: 3072,
        },
      ],
      'a machine',
    ),
    '| 1,000 | 2,000 | 3,072 | 3.00 KiB | 30.72 |',
  ],
  [
    'idle tenants',
    idleTable(
      (['never', 'SIGTERM'] as const).map((ended, k) => ({
        maker: 'gauntlet',
        tenants: 1000 * k,
        ended,
        readyMs: 250,
        foundMs: 500,
        cpuSeconds: 0.75,
        residentBytes: 2 ** 26,
        extraBytes: 2 ** 24 * k,
      })),
      'a machine',
    ),
    '| 1,000 | SIGTERM | 0.25 | 0.50 | 0.75 | 64.0 MiB | 16 MiB |',
  ],
  [
    'reads',
    readTable([read('gauntlet', 100, 0), read('thanos', 3, 0.5)], 'a machine'),
    '| Series, all | thanos | 100,000 | 62.5 | 3 | 200,000 | 500 | 1.5 | 700.0 | - | 2.0 |',
  ],
  [
    'reads under load',
    readLoadTable(
      (['before', 'all series are read'] as const).map((phase, k) => ({
        maker: 'gauntlet',
        phase,
        samplesPerSecond: 200_000,
        seconds: 30,
        requests: 3000,
        failed: 0,
        p50Ms: 5,
        p99Ms: 10 + 5 * k,
        maxMs: 20,
        reads: 4 * k,
        seriesRead: 1_000_000 * k,
        readMs: 7000 * k,
        processors: 0.75,
        callerProcessors: 0.5,
        residentBytes: 9e8,
        residentBytesPeak: 9.3e8,
      })),
      'a machine',
    ),
    '| all series are read | 200,000 | 30.0 | 3,000 | 0 | 5.0 | 15.0 | 1.50 | 20.0 | 4 | 1,000,000 | 7.00 | 0.75 | 0.50 | 900 | 930 | 30.0 |',
  ],
])('the table of %s begins with the machine, and every line has as many columns as its head', (_, table, row) => {
  const [machine, , ...lines] = table.split('\n');
  expect(machine).toBe('a machine');
  expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
  expect(lines.at(-1)).toContain(row);
});
