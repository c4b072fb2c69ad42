import { planRetention, type RetainedBlock, type RetentionPolicy } from './retention.js';

const block = (id: string, maxTimeMs: number, more: Partial<RetainedBlock> = {}): RetainedBlock => ({
  id,
  minTimeMs: maxTimeMs - 10,
  maxTimeMs,
  deletable: false,
  bytes: 10,
  ...more,
});
const blocks = [block('a', 100), block('b', 150), block('c', 200)];
const lax: RetentionPolicy = { retentionMs: 0, retentionBytesMax: 0, otherBytes: 0, nowMs: 1000, uploaded: undefined };
const names = (some: readonly { id: string }[]): string => some.map(({ id }) => id).join('');

test.each<[name: string, blocks: RetainedBlock[], policy: Partial<RetentionPolicy>, doomed: string, heldBack: string]>([
  ['keeps everything without a limit', blocks, {}, '', ''],
  ['deletes what ended a retention before the newest end', blocks, { retentionMs: 100 }, 'a', ''],
  ['counts from the newest block, not from the clock', [block('a', 100)], { retentionMs: 1 }, '', ''],
  ['keeps a block that is not in the bucket', blocks, { retentionMs: 50, uploaded: new Set('b') }, 'b', 'a'],
  ['deletes nothing while nothing is in the bucket', blocks, { retentionMs: 1, uploaded: new Set() }, '', 'ab'],
  ['deletes what its meta.json marks', [block('a', 100), block('b', 200, { deletable: true })], {}, 'b', ''],
  [
    'does not count from a block that ends in the future',
    [block('a', 950), block('b', 9000)],
    { retentionMs: 100 },
    '',
    '',
  ],
  ['has nothing to do without blocks', [], { retentionMs: 1, retentionBytesMax: 1, otherBytes: 5 }, '', ''],
  ['keeps as many bytes as are allowed', blocks, { retentionBytesMax: 30 }, '', ''],
  ['deletes the block that exceeds the bytes', blocks, { retentionBytesMax: 29 }, 'a', ''],
  ['counts log and head chunks first', blocks, { retentionBytesMax: 30, otherBytes: 1 }, 'a', ''],
  // A small old block would still fit, but history would have a hole.
  [
    'deletes all that is older than the block that exceeds the bytes',
    [block('a', 100, { bytes: 1 }), block('b', 150, { bytes: 50 }), block('c', 200)],
    { retentionBytesMax: 30 },
    'ab',
    '',
  ],
  ['deletes every block when the log alone is too much', blocks, { retentionBytesMax: 5, otherBytes: 6 }, 'abc', ''],
  [
    'cannot meet a size while blocks are not in the bucket',
    blocks,
    { retentionBytesMax: 10, uploaded: new Set('b') },
    'b',
    'a',
  ],
])('retention %s', (_name, all, policy, doomed, heldBack) => {
  const plan = planRetention(all, { ...lax, ...policy });
  expect([names(plan.doomed), names(plan.heldBack)]).toEqual([doomed, heldBack]);
});

test('a block is deleted for its first reason', () => {
  const policy = { ...lax, retentionMs: 100, retentionBytesMax: 15 };
  const all = [block('a', 100), block('b', 150), block('c', 190, { deletable: true }), block('d', 200)];
  expect(planRetention(all, policy).doomed).toEqual([
    { id: 'a', reason: 'time' },
    { id: 'b', reason: 'size' },
    { id: 'c', reason: 'deletable' },
  ]);
});
