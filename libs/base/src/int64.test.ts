import { toInt64 } from './index.js';

test.each([
  [-Infinity, -(2n ** 63n)],
  [-(2 ** 63), -(2n ** 63n)],
  [2 ** 63, 2n ** 63n - 1n],
  [Infinity, 2n ** 63n - 1n],
  [-5, -5n],
  [2.9, 2n],
  [-2.9, -2n],
])('%d is the int64 %d', (value, expected) => {
  expect(toInt64(value)).toBe(expected);
});
