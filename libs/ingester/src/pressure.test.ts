import { diskPressure, memoryPressure, type Pressure } from './pressure.js';

test.each<[before: Pressure, used: number, after: Pressure]>([
  ['none', 900, 'none'],
  ['none', 901, 'tight'],
  ['none', 1000, 'tight'],
  ['none', 1001, 'over'],
  ['tight', 851, 'tight'],
  ['tight', 850, 'none'],
  ['tight', 1001, 'over'],
  ['over', 951, 'over'],
  ['over', 950, 'tight'],
  ['over', 850, 'none'],
])('memory that was %s and has %d of 1000 in use is %s', (before, used, after) =>
  expect(memoryPressure(before, used, 1000)).toBe(after),
);

test.each<[before: Pressure, free: number, after: Pressure]>([
  ['none', 800, 'none'],
  ['none', 799, 'over'],
  ['over', 800, 'over'],
  ['over', 899, 'over'],
  ['over', 900, 'none'],
])('a disk that was %s and has %d free of 800 at least is %s', (before, free, after) =>
  expect(diskPressure(before, free, 800)).toBe(after),
);

test('without a limit there is no pressure', () => {
  expect(memoryPressure('over', 1e12, 0)).toBe('none');
  expect(diskPressure('over', 0, 0)).toBe('none');
});
