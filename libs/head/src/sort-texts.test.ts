import { compareUtf8 } from '@gauntlet/model';
import fc from 'fast-check';
import { sortTexts } from './sort-texts.js';
import { restless } from './testing/read-source.js';

test.each([0, 1, 1024, 1025, 5000])('%i texts are sorted by their bytes', async (count) => {
  const texts = Array.from({ length: count }, (_, i) => `t${String((i * 7919) % 10_007)}`);
  expect(await sortTexts([...texts], restless())).toEqual([...texts].sort(compareUtf8));
});

test('characters beyond 16 bits come behind those that UTF-16 puts behind them', async () => {
  // The surrogates are in the last run, so that the others are sorted before one was seen.
  const texts = [...Array.from({ length: 3000 }, (_, i) => `\u{fffd}${String(i)}`), '\u{10000}', '\u{10ffff}'];
  expect((await sortTexts(texts, restless())).slice(-2)).toEqual(['\u{10000}', '\u{10ffff}']);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 50 }), async (some) => {
      expect(await sortTexts([...some], restless())).toEqual([...some].sort(compareUtf8));
    }),
  );
});
