import { BadArgument, parseLoadArguments } from './load-arguments.js';

const url = '--url=http://127.0.0.1:19291/api/v1/receive';

test('only the URL has to be given', () => {
  expect(parseLoadArguments([url])).toMatchObject({
    version: '1.0',
    series: 10_000,
    labelsPerSeries: 14,
    seriesPerRequest: 2000,
    samplesPerSeries: 1,
    connections: 4,
    durationMs: 10_000,
    samplesPerSecondMax: undefined,
    tenants: [],
    processes: [],
  });
});

test('counts take k and m, times take units, and processes and headers repeat', () => {
  const given = [
    url,
    '--remote-write=2.0',
    '--series=1m',
    '--rate',
    '10k',
    '--duration',
    '1.5m',
    '--tenants=2',
    '--header',
    'X-A: b: c',
    '--pid',
    'router=12',
    '--pid=ingester=13',
  ];
  expect(parseLoadArguments(given)).toMatchObject({
    version: '2.0',
    series: 1_000_000,
    samplesPerSecondMax: 10_000,
    durationMs: 90_000,
    tenants: ['tenant-0', 'tenant-1'],
    headers: { 'X-A': 'b: c' },
    processes: [
      { name: 'router', pid: 12 },
      { name: 'ingester', pid: 13 },
    ],
  });
});

test('samples per request are shared out over the samples of each series', () => {
  expect(parseLoadArguments([url, '--samples-per-request=1000', '--samples-per-series=10'])).toMatchObject({
    seriesPerRequest: 100,
  });
});

test.each([
  [[], '--url'],
  [['--url=ftp://x'], '--url=ftp://x'],
  [[url, '--remote-write=2'], '--remote-write=2'],
  [[url, '--series=0'], '--series=0'],
  [[url, '--series=1e3'], '--series=1e3'],
  [[url, '--labels=2'], '--labels=2'],
  [[url, '--duration=10'], '--duration=10'],
  [[url, '--header=broken'], '--header=broken'],
  [[url, '--pid=12'], '--pid=12'],
  [[url, '--nope'], '--nope'],
  [[url, 'extra'], 'extra'],
  [[url, '--series-per-request=1', '--samples-per-request=1'], 'together'],
])('%j is refused in one line that names it', (args, named) => {
  expect(() => parseLoadArguments(args)).toThrow(BadArgument);
  expect(() => parseLoadArguments(args)).toThrow(named);
  expect(() => parseLoadArguments(args)).toThrow(/^[^\n]+$/);
});
