import fc from 'fast-check';
import { PostingsUnion } from './postings-union.js';
import {
  intersectPostings,
  noPostings,
  postingsOfList,
  subtractPostings,
  unionPostings,
  type PostingsCursor,
} from './postings.js';
import { restlessPace } from './testing/index.js';

const postingsMax = 120;
const list = fc.uniqueArray(fc.nat(postingsMax), { maxLength: 60 }).map((numbers) => Uint32Array.from(numbers).sort());
const lists = fc.array(list, { maxLength: 20 });
const cursorOf = (numbers: Uint32Array) => postingsOfList(numbers);

/** A read is a step, or a look for a number at least. */
const reads = fc.array(fc.option(fc.nat(postingsMax + 5)), { maxLength: 60 });

function replay(cursor: PostingsCursor, steps: readonly (number | null)[]): number[] {
  return steps.map((least) => (least === null ? cursor.next() : cursor.seek(least)));
}

/** What the cursor's contract says, over a sorted array. */
function naiveCursor(numbers: readonly number[]): PostingsCursor {
  let at = -1;
  const current = () => numbers[at] ?? -1;
  return {
    next() {
      at = Math.min(at + 1, numbers.length);
      return current();
    },
    seek(least) {
      at = Math.max(at, 0);
      while (at < numbers.length && numbers[at]! < least) at += 1;
      return current();
    },
  };
}

async function unionOf(all: readonly Uint32Array[]): Promise<PostingsCursor> {
  const union = new PostingsUnion(postingsMax + 1, restlessPace);
  for (const numbers of all) await union.add(cursorOf(numbers));
  return union.postings();
}

const sorted = (numbers: Iterable<number>) => [...new Set(numbers)].sort((a, b) => a - b);

test('a list is read as it stands, also a part of it', () => {
  fc.assert(
    fc.property(list, fc.nat(10), fc.nat(10), reads, (numbers, from, less, steps) => {
      const to = Math.max(from, numbers.length - less);
      const start = Math.min(from, numbers.length);
      const end = Math.min(to, numbers.length);
      expect(replay(postingsOfList(numbers, start, end), steps)).toEqual(
        replay(naiveCursor([...numbers.subarray(start, end)]), steps),
      );
    }),
  );
});

test('an intersection holds what is in all lists', () => {
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), reads, ([first, ...others], steps) => {
      const expected = [...first!].filter((posting) => others.every((other) => other.includes(posting)));
      const cursor = intersectPostings([first!, ...others].map(cursorOf));
      expect(replay(cursor, steps)).toEqual(replay(naiveCursor(expected), steps));
    }),
  );
});

test('a union holds what is in any list, be they few or many', async () => {
  await fc.assert(
    fc.asyncProperty(lists, reads, async (all, steps) => {
      const expected = replay(naiveCursor(sorted(all.flatMap((numbers) => [...numbers]))), steps);
      expect(replay(unionPostings(all.map(cursorOf)), steps)).toEqual(expected);
      expect(replay(await unionOf(all), steps)).toEqual(expected);
    }),
  );
});

test('a difference holds what is in the first list only', () => {
  fc.assert(
    fc.property(list, list, reads, (from, taken, steps) => {
      const expected = [...from].filter((posting) => !taken.includes(posting));
      const cursor = subtractPostings(cursorOf(from), cursorOf(taken));
      expect(replay(cursor, steps)).toEqual(replay(naiveCursor(expected), steps));
    }),
  );
});

test('numbers up to 2^32 - 1 are postings', async () => {
  const top = Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1);
  for (const cursor of [
    cursorOf(top),
    unionPostings([cursorOf(top), cursorOf(top)]),
    intersectPostings([cursorOf(top)]),
  ])
    expect(replay(cursor, [null, null, null, null])).toEqual([0, 2 ** 31, 2 ** 32 - 1, -1]);
});

test('of no lists, union and intersection are empty', () => {
  expect([unionPostings([]), intersectPostings([])]).toEqual([noPostings, noPostings]);
});

test('a cancelled call ends while a union takes a long list', async () => {
  const union = new PostingsUnion(1_000, { isDue: true, rest: () => Promise.reject(new Error('cancelled')) });
  const list = Uint32Array.from({ length: 1_000 }, (_, index) => index);
  for (let count = 0; count < 16; count += 1) expect(union.add(postingsOfList(list))).toBeUndefined();
  await expect(union.add(postingsOfList(list))).rejects.toThrow('cancelled');
});
