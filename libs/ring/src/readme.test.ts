import { buildHashrings, judge, parseHashrings, quorumOf } from './index.js';

test('the lines of the README do what they say', () => {
  const configs = parseHashrings('[{"hashring":"default","endpoints":["a:10901","b:10901","c:10901"]}]');
  const hashrings = buildHashrings(configs, { algorithm: 'ketama', replicationFactor: 2 });
  const ring = hashrings.forTenant('team-a');
  if (!ring) throw new Error('no hashring takes the tenant');

  const batch = { rows: new Uint8Array(56), rowCount: 1 };
  const tuples = new Uint32Array(batch.rowCount);
  ring.placeRows(batch.rows, 0, batch.rowCount, tuples);
  const tuple = tuples[0] as number;
  const owners = ring.tupleOwners.subarray(tuple * 2, tuple * 2 + 2);
  expect(new Set(Array.from(owners, (owner) => ring.endpoints[owner]?.address)).size).toBe(2);

  const sharded = parseHashrings(
    '[{"endpoints":["a:10901","b:10901","c:10901"],"shuffle_sharding_config":{"shard_size":2}}]',
  );
  const shards = buildHashrings(sharded, { algorithm: 'ketama', replicationFactor: 2 });
  expect(shards.forTenant('team-a')?.endpoints).toHaveLength(2);
  expect(shards.shuffleCaches()[0]?.requests).toBe(1);

  expect(judge({ replicas: 3, quorum: quorumOf(3), stored: 2, conflicts: 1, limits: 0, outages: 0 })).toBe('stored');
});
