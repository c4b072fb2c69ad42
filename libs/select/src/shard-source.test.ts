import { canonicalLabels, labelsOf } from '@gauntlet/model';
import { shardSource, type Shard } from './shard-source.js';
import { collect, restlessPace, sourceOf, stillPace } from './testing/index.js';

const all = Array.from({ length: 1_000 }, (_, index) => ({
  labels: canonicalLabels(
    labelsOf({ instance: `i-${index % 50}`, job: `j-${index % 7}`, long: 'x'.repeat(index), n: String(index) }),
  ),
  chunks: [],
}));
const shardOf = (shard: Shard, isAsync = false) =>
  collect(shardSource(sourceOf(all, { isAsync }), shard, isAsync ? restlessPace : stillPace));
const shard = (index: number, count: number, more: Partial<Shard> = {}): Shard => ({
  index,
  count,
  by: false,
  labels: [],
  ...more,
});

test.each([[1], [3], [16]])('each series is in exactly one of %d shards', async (count) => {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const shards = await Promise.all(indexes.map((index) => shardOf(shard(index, count), index % 2 === 1)));
  const found = shards.flat().map(({ labels }) => Buffer.from(labels).toString('hex'));
  expect(found.sort()).toEqual(all.map(({ labels }) => Buffer.from(labels).toString('hex')).sort());
  for (const { length } of shards) expect(length).toBeGreaterThan(all.length / count / 2);
});

test('series with the same values of the chosen labels are in the same shard', async () => {
  const [by, without] = await Promise.all([
    shardOf(shard(0, 2, { by: true, labels: ['job', 'instance'] })),
    shardOf(shard(0, 2, { by: false, labels: ['n', 'long'] })),
  ]);
  expect(by).toEqual(without);
  expect(by.length).toBeGreaterThan(0);
  expect(by.length).toBeLessThan(all.length);
});

test('where no label takes part, all series are in the shard of the empty hash', async () => {
  const index = Number(0xef46db3751d8e999n % 5n);
  expect(await shardOf(shard(index, 5, { by: true, labels: ['zone'] }), true)).toHaveLength(all.length);
  expect(await shardOf(shard((index + 1) % 5, 5, { by: true, labels: ['zone'] }), true)).toEqual([]);
  // More shards than numbers can be multiplied for.
  const large = 2 ** 40;
  const at = Number(0xef46db3751d8e999n % BigInt(large));
  expect(await shardOf(shard(at, large, { by: true, labels: ['zone'] }))).toHaveLength(all.length);
});

test('fewer than one shard means all series', async () => {
  expect(await shardOf(shard(3, 0))).toHaveLength(all.length);
});
