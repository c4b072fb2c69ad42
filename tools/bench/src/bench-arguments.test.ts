import { benchUsage, parseBenchArguments } from './bench-arguments.js';

test('sizes, factors and repeats are read from lists, with or without the name of the measurement', () => {
  const flags = ['--sizes=10k,1m', '--rf', '3', '--only=thanos', '--rounds=2', '--duration=3s'];
  const expected = {
    command: 'fleet',
    sizes: [10_000, 1_000_000],
    replicationFactors: [3],
    rounds: 2,
    durationMs: 3000,
    makers: ['thanos'],
    output: undefined,
  };
  expect(parseBenchArguments(flags)).toEqual(expected);
  expect(parseBenchArguments(['fleet', ...flags])).toEqual(expected);
});

test.each([
  [
    ['versions', '--sizes=1k,2k', '--rf=3', '--rounds=4', '--duration=8s'],
    { command: 'versions', sizes: [1000, 2000], replicationFactors: [3], rounds: 4, durationMs: 8000 },
  ],
  [
    ['restart', '--series=10k', '--samples=2', '--output=table.md'],
    { command: 'restart', series: 10_000, samplesPerSeries: 2, output: 'table.md' },
  ],
  [['cut'], { command: 'cut', series: 1_000_000, rangeMs: 120_000, rate: 50_000, windowMs: 30_000 }],
  [
    ['cut', '--range=3m', '--rate=2k', '--window=10s'],
    { command: 'cut', series: 1_000_000, rangeMs: 180_000, rate: 2000, windowMs: 10_000 },
  ],
  [['blocks', '--step=5s'], { command: 'blocks', series: 10_000, samplesPerSeries: 240, stepMs: 5000 }],
  [['idle', '--tenants=7', '--series=2'], { command: 'idle', tenants: 7, seriesPerTenant: 2 }],
  [['read'], { command: 'read', series: 100_000, samplesPerSeries: 4, rounds: 3 }],
  [
    ['read', '--series=5k', '--samples=9', '--rounds=1'],
    { command: 'read', series: 5000, samplesPerSeries: 9, rounds: 1 },
  ],
  // Half of what it takes at most is known only when that was measured.
  [['read-under-load'], { command: 'read-under-load', series: 1_000_000, rate: undefined, windowMs: 30_000 }],
  [
    ['read-under-load', '--series=20k', '--rate=50k', '--window=5s'],
    { command: 'read-under-load', series: 20_000, rate: 50_000, windowMs: 5000 },
  ],
])('%j is what is measured', (args, expected) => {
  expect(parseBenchArguments(args)).toMatchObject({ makers: ['gauntlet', 'thanos'], ...expected });
});

test.each([
  [['--sizes=many'], '--sizes=many'],
  [['--only=both'], '--only=both'],
  [['--rf=0'], '--rf=0'],
  [['versions', '--rounds=0'], '--rounds=0'],
  [['restart', '--samples=none'], '--samples=none'],
  [['cut', '--range=2'], '--range=2'],
  // Two hours would be more than one block.
  [['blocks', '--samples=480'], '--samples=480'],
  [['idle', '--tenants=0'], '--tenants=0'],
  // An hour would be before what a head takes.
  [['read', '--samples=240'], '--samples=240'],
  [['read', '--rounds=0'], '--rounds=0'],
  [['read-under-load', '--rate=none'], '--rate=none'],
  [['read-under-load', '--samples=4'], '--samples'],
  [['restart', '--rf=1'], '--rf'],
  [['speed'], 'speed'],
])('%j is refused in one line that names it', (args, named) => {
  expect(() => parseBenchArguments(args)).toThrow(named);
});

test.each([
  ['--help'],
  ['versions --help'],
  ['restart --help'],
  ['cut --help'],
  ['blocks --help'],
  ['idle --help'],
  ['read --help'],
  ['read-under-load --help'],
])('%s asks for the usage, which names every measurement', (line) => {
  expect(parseBenchArguments(line.split(' '))).toBe('help');
  expect(benchUsage).toContain(`npm run bench -- ${line.replace('--help', '').trim()}`.trim());
});
