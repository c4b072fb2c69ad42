import fc from 'fast-check';
import { compareUtf8 } from '@gauntlet/model';
import { restlessPace } from './testing/index.js';
import { mergeTexts } from './merge-texts.js';

const texts = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 3 })).map((list) => list.sort(compareUtf8));

test('lists become one in the order of their bytes, with each text once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(texts, { maxLength: 6 }), async (lists) => {
      expect(await mergeTexts(lists, restlessPace)).toEqual([...new Set(lists.flat())].sort(compareUtf8));
    }),
  );
});

test('others have their turn while long lists are merged', async () => {
  const list = (first: number): string[] =>
    Array.from({ length: 50_000 }, (_, index) => String(1e6 + first + 2 * index));
  let turns = 0;
  const pace = { isDue: true, rest: () => Promise.resolve(void (turns += 1)) };
  expect(await mergeTexts([list(0), list(1)], pace)).toHaveLength(100_000);
  expect(turns).toBeGreaterThan(100);
});
