import { blocksToDelete } from './retention.js';

const block = (id: string, maxTimeMs: number, deletable = false) => ({
  id,
  minTimeMs: maxTimeMs - 10,
  maxTimeMs,
  deletable,
});
const blocks = [block('a', 100), block('b', 150), block('c', 200)];

test.each([
  ['keeps everything without a retention time', blocks, 0, undefined, []],
  ['deletes what ended a retention before the newest end', blocks, 100, undefined, ['a']],
  ['counts from the newest block, not from the clock', [block('a', 100)], 1, undefined, []],
  ['keeps a block that is not in the bucket', blocks, 50, ['b'], ['b']],
  ['deletes nothing while nothing is in the bucket', blocks, 1, [], []],
  ['deletes what its meta.json marks as deletable', [block('a', 100), block('b', 200, true)], 0, undefined, ['b']],
  ['does not count from a block that ends in the future', [block('a', 950), block('b', 9000)], 100, undefined, []],
  ['has nothing to do without blocks', [], 1, undefined, []],
])('retention %s', (_name, all, retentionMs, uploaded, deleted) => {
  const found = blocksToDelete(all, { retentionMs, nowMs: 1000, uploaded: uploaded && new Set(uploaded) });
  expect(found.map(({ id }) => id)).toEqual(deleted);
});
