import { parseBenchArguments } from './bench-arguments.js';
import { benchTable, medianCell, type Cell } from './bench-table.js';

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

test('the median is by samples of the ingester', () => {
  expect(medianCell([cell(30), cell(10), cell(20)]).ingesterPerCpuSecond).toBe(20);
  expect(medianCell([cell(5)]).ingesterPerCpuSecond).toBe(5);
});

test('every line of the table has as many columns as its head, and the machine comes first', () => {
  const [machine, , ...lines] = benchTable([cell(1), cell(2_000_000)], 'a machine').split('\n');
  expect(machine).toBe('a machine');
  expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
  expect(lines.at(-1)).toContain('| 2,000,000 |');
});

test('sizes, factors and repeats are read from lists', () => {
  expect(parseBenchArguments(['--sizes=10k,1m', '--rf', '3', '--only=thanos', '--rounds=2', '--duration=3s'])).toEqual({
    sizes: [10_000, 1_000_000],
    replicationFactors: [3],
    rounds: 2,
    durationMs: 3000,
    makers: ['thanos'],
    output: undefined,
  });
});

test.each([
  [['--sizes=many'], '--sizes=many'],
  [['--only=both'], '--only=both'],
  [['--rf=0'], '--rf=0'],
])('%j is refused in one line that names it', (args, named) => {
  expect(() => parseBenchArguments(args)).toThrow(named);
});
