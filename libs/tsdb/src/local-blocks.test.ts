import type { BlockMeta } from '@gauntlet/block';
import { LocalBlocks } from './local-blocks.js';

const block = (ulid: string, minTime: number): BlockMeta => ({
  ulid,
  minTime,
  maxTime: minTime + 10,
  version: 1,
  stats: {},
  compaction: { level: 1, sources: [ulid] },
});
const idsOf = ({ metas }: LocalBlocks): string => metas.map(({ ulid }) => ulid).join('');

test('blocks stay in order of their start, as one of out-of-order samples lies before those that were cut earlier', () => {
  const blocks = new LocalBlocks([block('b', 10), block('d', 20)], 30);
  blocks.add(block('c', 10));
  blocks.add(block('a', 0));
  expect(idsOf(blocks)).toBe('abcd');
});

test('what is covered is neither lowered by a deletion nor by a cut of older samples', () => {
  const blocks = new LocalBlocks([block('a', 0)], 10);
  blocks.coverUntil(20);
  blocks.coverUntil(15);
  blocks.remove('a');
  expect([idsOf(blocks), blocks.coveredMs]).toEqual(['', 20]);
});
