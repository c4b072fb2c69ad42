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

test.each<
  [
    what: string,
    head: { seriesCount?: number; minTimeMs?: number; maxTimeMs?: number },
    nowMs: number,
    expected: boolean,
  ]
>([
  ['an empty head', { seriesCount: 0, minTimeMs: Infinity, maxTimeMs: -Infinity }, 100_000, false],
  ['an emptied head that keeps its times', { seriesCount: 0 }, 100_000, false],
  ['a head of one and a half ranges', {}, 1500, false],
  ['one that is older, before its own moment', {}, 1600, false],
  ['one that is older, after its moment', {}, 1601, true],
  // A sender that was away for hours: the rest of the first range is still to come.
  ['old samples that are being filled in', { maxTimeMs: 1499 }, 100_000, false],
  ['old samples that have been filled in', { maxTimeMs: 1500 }, 100_000, true],
  ['a head that begins near the end of a range', { minTimeMs: 999, maxTimeMs: 2499 }, 2600, true],
])('%s', (_what, head, nowMs, expected) => {
  const times = { seriesCount: 1, minTimeMs: 0, maxTimeMs: 1600, ...head };
  expect(isCutTime(times, { nowMs, rangeMs: 1000, delayMs: 100 })).toBe(expected);
});
