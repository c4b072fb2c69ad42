import { before, classify, type SampleVerdict } from './classify.js';

const hour = 3_600_000n;
/** Of a head whose newest sample is at 10 h; a series whose newest is at 9.5 h. */
const headMax = 10n * hour;
const newest = 9n * hour + hour / 2n;
const bounds = {
  minValid: 2n * hour,
  appendableMin: headMax - hour,
  timestampMax: 11n * hour,
  outOfOrderMin: undefined,
};
const late = { ...bounds, outOfOrderMin: headMax - 4n * hour };

test.each<[string, bigint, bigint | undefined, SampleVerdict, SampleVerdict]>([
  // The third column is the verdict without a window, the last with one of 4 h.
  ['beyond the limit', 11n * hour + 1n, newest, 'outOfBounds', 'outOfBounds'],
  ['newer than the series', newest + 1n, newest, 'newest', 'newest'],
  ['the first of a series', headMax - hour, undefined, 'newest', 'newest'],
  ['at the newest time', newest, newest, 'atNewest', 'atNewest'],
  ['older than the series', newest - 1n, newest, 'outOfOrder', 'late'],
  ['at the lowest appendable time', headMax - hour, newest, 'outOfOrder', 'late'],
  ['below it', headMax - hour - 1n, newest, 'outOfBounds', 'late'],
  // Newer than everything in its series, and out of order all the same.
  ['below it, the first of a series', headMax - hour - 1n, undefined, 'outOfBounds', 'late'],
  ['below it, and newer than the series', headMax - hour - 1n, headMax - 2n * hour, 'outOfBounds', 'late'],
  ['below it, at the newest time', headMax - 2n * hour, headMax - 2n * hour, 'outOfBounds', 'late'],
  ['at the end of the window', headMax - 4n * hour, newest, 'outOfBounds', 'late'],
  ['older than the window', headMax - 4n * hour - 1n, newest, 'outOfBounds', 'tooOld'],
  ['older than the window, the first of a series', headMax - 4n * hour - 1n, undefined, 'outOfBounds', 'tooOld'],
])('a sample %s', (_name, t, seriesNewest, without, withWindow) => {
  expect(classify(t, seriesNewest, bounds)).toBe(without);
  expect(classify(t, seriesNewest, late)).toBe(withWindow);
});

test('time does not go below its least value', () => {
  expect(before(10n, 4n)).toBe(6n);
  expect(before(-(2n ** 63n) + 3n, 4n)).toBe(-(2n ** 63n));
});
