import fc from 'fast-check';
import { IdLists } from './id-lists.js';

const anySteps = fc.array(
  fc.record({
    list: fc.nat(5),
    step: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.nat(2 ** 14), fc.nat(2 ** 22)),
    times: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) }, { weight: 1, arbitrary: fc.nat(3000) }),
  }),
  { maxLength: 20 },
);

test('lists have the ids that were added, in their order and each once', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const lists = new IdLists();
      const naive: number[][] = Array.from({ length: 6 }, () => []);
      for (const list of naive.keys()) expect(lists.create()).toBe(list);
      let id = 0;
      for (const { list, step, times } of steps) {
        for (let n = 0; n < times; n += 1) {
          id = Math.min(id + step, 2 ** 32 - 1);
          lists.add(list, id);
          if (naive[list]!.at(-1) !== id) naive[list]!.push(id);
        }
      }
      const reader = lists.reader();
      for (const [list, ids] of naive.entries()) {
        const read: number[] = [];
        reader.open(list);
        while (reader.next()) read.push(...reader.ids.subarray(0, reader.length));
        expect(read).toEqual(ids);
        expect(lists.count(list)).toBe(ids.length);
      }
    }),
    { numRuns: 60 },
  );
});

test('a list of neighbours takes little more than a byte for each', () => {
  const lists = new IdLists();
  lists.create();
  for (let id = 0; id < 1_000_000; id += 1) lists.add(0, id);
  expect(lists.bytes).toBeLessThan(1_100_000);
});
