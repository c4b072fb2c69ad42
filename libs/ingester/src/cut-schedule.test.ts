import { cutDelayMs, isCutTime } from './cut-schedule.js';

const rangeMs = 7_200_000;
const names = Array.from({ length: 1000 }, (_, i) => `tenant-${i}`);

test('a tenant has its moment, the same after every start', () => {
  expect(cutDelayMs('tenant-1', rangeMs)).toBe(cutDelayMs('tenant-1', rangeMs));
});

test('the cuts of many tenants are spread over a quarter of the range', () => {
  const minutes = new Map<number, number>();
  for (const name of names) {
    const delayMs = cutDelayMs(name, rangeMs);
    expect(delayMs).toBeLessThan(rangeMs / 4);
    const minute = Math.floor(delayMs / 60_000);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  }
  expect(minutes.size).toBe(30);
  expect(Math.max(...minutes.values())).toBeLessThan(60);
});

test.each<[what: string, seriesCount: number, minTimeMs: number, nowMs: number, expected: boolean]>([
  ['an empty head', 0, Infinity, 100_000, false],
  ['an emptied head that keeps its times', 0, 0, 100_000, false],
  ['a head of one and a half ranges', 1, 0, 1500, false],
  ['one that is older, before its own moment', 1, 0, 1600, false],
  ['one that is older, after its moment', 1, 0, 1601, true],
])('%s', (_what, seriesCount, minTimeMs, nowMs, expected) =>
  expect(isCutTime({ seriesCount, minTimeMs }, { nowMs, rangeMs: 1000, delayMs: 100 })).toBe(expected),
);
