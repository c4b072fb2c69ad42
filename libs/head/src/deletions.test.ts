import fc from 'fast-check';
import { Deletions } from './deletions.js';

const interval = (minTimeMs: number, maxTimeMs: number) => ({ minTimeMs, maxTimeMs });

test('intervals are merged where they overlap or touch, and stay in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(6)), { maxLength: 12 }), (added) => {
      const deletions = new Deletions();
      const deleted = new Set<number>();
      for (const [min, length] of added) {
        deletions.add(7, interval(min, min + length));
        for (let t = min; t <= min + length; t += 1) deleted.add(t);
      }
      const intervals = deletions.of(7);
      for (let t = -2; t < 60; t += 1) {
        expect(intervals.some(({ minTimeMs, maxTimeMs }) => t >= minTimeMs && t <= maxTimeMs)).toBe(deleted.has(t));
      }
      for (let i = 1; i < intervals.length; i += 1) {
        expect(intervals[i]!.minTimeMs).toBeGreaterThan(intervals[i - 1]!.maxTimeMs + 1);
      }
    }),
  );
});

test('those of other series, before a time or outside of a range are left out', () => {
  const deletions = new Deletions();
  deletions.add(1, interval(0, 9));
  deletions.add(1, interval(20, 29));
  deletions.add(2, interval(5, 5));
  expect(deletions.within(interval(9, 15))).toEqual(new Map([[1, [interval(0, 9)]]]));
  deletions.forgetBefore(9);
  expect([deletions.of(1), deletions.of(2)]).toEqual([[interval(0, 9), interval(20, 29)], []]);
  deletions.forgetBefore(10);
  expect(deletions.of(1)).toEqual([interval(20, 29)]);
  deletions.forget(1);
  expect(deletions.isEmpty).toBe(true);
});
