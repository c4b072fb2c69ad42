import { nextFlush, isCutDue, isCutLeft, nextCut } from './cut-plan.js';

const rangeMs = 7_200_000;
const empty = { minTimeMs: Infinity, maxTimeMs: -Infinity };
const from = (minTimeMs: number, maxTimeMs = minTimeMs) => ({ minTimeMs, maxTimeMs });

test.each([
  [from(0), 1.5 * rangeMs, false],
  [from(0), 1.5 * rangeMs + 1, true],
  [from(5), 1.5 * rangeMs + 5, false],
  [empty, 100 * rangeMs, false],
  [from(-1), 100 * rangeMs, true],
])('a head %j at %d is due to be cut: %s', (head, nowMs, due) => {
  expect(isCutDue(head, { nowMs, rangeMs })).toBe(due);
});

test.each([
  [from(0, 1.5 * rangeMs), false],
  [from(0, 1.5 * rangeMs + 1), true],
  [empty, false],
])('a cut of %j goes on: %s', (head, left) => {
  expect(isCutLeft(head, rangeMs)).toBe(left);
});

test.each([
  [0, 7_200_000],
  [7_199_999, 7_200_000],
  [7_200_000, 14_400_000],
  [-1, 0],
  [-7_200_000, 0],
])('a cut that begins at %d ends at the aligned end %d', (minTimeMs, maxTimeMs) => {
  expect(nextCut(minTimeMs, rangeMs)).toEqual({ minTimeMs, maxTimeMs });
});

test.each([
  [empty, undefined],
  [from(5), [5, 6]],
  [from(0, 7_199_999), [0, 7_200_000]],
  [from(0, 7_200_000), [0, 7_200_000]],
  [from(7_000_000, 15_000_000), [7_000_000, 7_200_000]],
  [from(14_400_000, 15_000_000), [14_400_000, 15_000_001]],
  [from(-5, 5), [-5, 0]],
])('a flush of %j begins with the block %j', (head, range) => {
  expect(nextFlush(head, rangeMs)).toEqual(range && { minTimeMs: range[0], maxTimeMs: range[1] });
});
