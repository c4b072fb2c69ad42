import { defaultMemoryBytesMax, MemoryUse } from './memory-use.js';

test('what a head had at its peak and has no more is free for its next samples', () => {
  let resident = 1000;
  const use = new MemoryUse(() => resident);
  const head = { memoryBytes: 600 };
  expect(use.measure([head])).toBe(1000);
  head.memoryBytes = 200;
  expect(use.measure([head])).toBe(600);
  head.memoryBytes = 700;
  resident = 1100;
  expect(use.measure([head])).toBe(1100);
});

test.each<[container: number | undefined, expected: number]>([
  [undefined, 800],
  [0, 800],
  [500, 400],
  // What Node says of a container without a limit.
  [18446744073709552000, 800],
])('in a container of %p bytes on a machine of 1000 the default is %d', (containerBytes, expected) =>
  expect(defaultMemoryBytesMax({ containerBytes, machineBytes: 1000 })).toBe(expected),
);
