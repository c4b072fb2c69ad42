import { md5 } from '@gauntlet/base';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { GoRandom } from './go-random.js';
import { buildHashrings, parseHashrings, type Hashrings, type Ring } from './index.js';
import { shardSeed } from './shuffle-shard.js';
import { anyDrawHolds, replicasMax } from './zones.js';

const addressesOf = (ring: Ring | undefined): string[] => (ring?.endpoints ?? []).map(({ address }) => address);
const endpointsOf = (count: number, zones = 1): { address: string; az: string }[] =>
  Array.from({ length: count }, (_, i) => ({ address: `ingester-${i}:10901`, az: zones > 1 ? `z${i % zones}` : '' }));

function hashringsOf(
  endpoints: unknown,
  shuffle: Record<string, unknown>,
  { replicationFactor = 1, ...more }: { replicationFactor?: number; hashring?: string } = {},
): Hashrings {
  return buildHashrings(parseHashrings(JSON.stringify([{ endpoints, shuffle_sharding_config: shuffle, ...more }])), {
    algorithm: 'ketama',
    replicationFactor,
  });
}

test('MD5 agrees with another implementation, at every length around a block', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 37 + length);
    expect(Buffer.from(md5(bytes)).toString('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
  }
});

describe('the random source', () => {
  type Case =
    | { readonly seed: string; readonly tenant: string; readonly zone: string; readonly first: string[] }
    | { readonly seed: string; readonly at: number[]; readonly values: string[] };
  const { cases } = JSON.parse(readFileSync(join(__dirname, '../testdata/shuffle-seeds.json'), 'utf8')) as {
    cases: Case[];
  };
  const numbers = (seed: string, count: number): string[] => {
    const random = new GoRandom(BigInt(seed));
    return Array.from({ length: count }, () => {
      const { hi, lo } = random.next();
      return String((BigInt(hi) << 32n) | BigInt(lo));
    });
  };

  test.each(cases.map((c) => [c.seed, c] as const))('with seed %s gives the recorded numbers', (seed, c) => {
    if ('at' in c) {
      const all = numbers(seed, Math.max(...c.at) + 1);
      expect(c.at.map((at) => all[at])).toEqual(c.values);
    } else {
      expect(String(shardSeed(c.tenant, c.zone))).toBe(seed);
      expect(numbers(seed, c.first.length)).toEqual(c.first);
    }
  });
});

test('a tenant has the first override that matches it; one without a type matches nobody, as in Thanos', () => {
  const hashrings = hashringsOf(endpointsOf(9), {
    shard_size: 4,
    overrides: [
      { shard_size: 2, tenants: ['a', 'glob-no'], tenant_matcher_type: 'exact' },
      { shard_size: 3, tenants: ['[', 'glob-*'], tenant_matcher_type: 'glob' },
      { shard_size: 5, tenants: ['a', 'b'], tenant_matcher_type: 'exact' },
      { shard_size: 6, tenants: ['c'] },
      { shard_size: 99, tenants: ['c', 'b'] }, // Not even its size is looked at.
      { shard_size: 99, tenants: ['['], tenant_matcher_type: 'glob' },
      { shard_size: 99, tenant_matcher_type: 'exact' },
    ],
  });
  const sizes = Object.fromEntries(
    ['a', 'glob-no', 'glob-yes', 'b', 'c', 'other'].map((t) => [t, hashrings.forTenant(t)?.endpoints.length]),
  );
  expect(sizes).toEqual({ a: 2, 'glob-no': 2, 'glob-yes': 3, b: 5, c: 4, other: 4 });
});

test.each([
  [
    'a default above the ring',
    5,
    1,
    { shard_size: 6 },
    'shard size 6 is larger than number of nodes in hashring h (5)',
  ],
  ['a default above a zone', 5, 2, { shard_size: 5 }, 'shard size 5 is larger than number of nodes in AZ z1 (2)'],
  [
    'an override above a zone',
    6,
    2,
    { shard_size: 2, overrides: [{ shard_size: 7, tenants: ['a'], tenant_matcher_type: 'exact' }] },
    'shard size 7 is larger than number of nodes in AZ z0 (3)',
  ],
  [
    'an override above the ring, where zones do not count',
    6,
    2,
    {
      shard_size: 2,
      zone_awareness_disabled: true,
      overrides: [{ shard_size: 7, tenants: ['a*'], tenant_matcher_type: 'glob' }],
    },
    'shard size 7 is larger than number of nodes in AZ  (6)',
  ],
  [
    'a shard below the replication factor',
    5,
    1,
    { shard_size: 1 },
    'Cannot build hashring "h": shard size 1 gives a tenant 1 endpoints, fewer than the replication factor 2',
  ],
  [
    'an override without endpoints',
    5,
    1,
    { shard_size: 2, overrides: [{ shard_size: -3, tenants: ['a'], tenant_matcher_type: 'exact' }] },
    'Cannot build hashring "h": shard size -3 gives a tenant 0 endpoints, fewer than the replication factor 2',
  ],
  [
    'a type with a typing error',
    5,
    1,
    { shard_size: 2, overrides: [{ shard_size: 2, tenants: ['a'], tenant_matcher_type: 'Exact' }] },
    'Cannot build hashring "h": override has unknown tenant_matcher_type "Exact", must be exact or glob',
  ],
  [
    'a cache that would fill the memory',
    5,
    1,
    { shard_size: 2, cache_size: 1_000_000 },
    'Cannot build hashring "h": a cache of 1000000 shards of up to 2 endpoints may hold more than 50000 endpoints; lower cache_size',
  ],
])('%s is refused when the file is loaded', (_what, count, zones, shuffle, message) => {
  expect(() => hashringsOf(endpointsOf(count, zones), shuffle, { replicationFactor: 2, hashring: 'h' })).toThrow(
    expect.objectContaining({ code: 'HASHRING_INVALID', message }) as Error,
  );
});

test('a shard is bounded, as a write waits for it; the whole ring is there already', () => {
  const endpoints = endpointsOf(300);
  expect(() => hashringsOf(endpoints, { shard_size: 251 })).toThrow(
    'Cannot build hashring "": shard size 251 gives a tenant 251 of 300 endpoints, more than 250',
  );
  const hashrings = hashringsOf(endpoints, { shard_size: 300 });
  expect(hashrings.forTenant('a')).toBe(hashrings.rings[0]);
});

test('an address listed twice is refused, for two members of a shard could be one ingester', () => {
  expect(() => hashringsOf(['a', 'b', 'a'], { shard_size: 2 })).toThrow('endpoint "a" is listed twice');
});

test('zones that some draw leaves unable to hold the replicas are refused, where Thanos never returns', () => {
  const build = (replicationFactor: number) => () =>
    hashringsOf(endpointsOf(8, 2), { shard_size: 5, zone_awareness_disabled: true }, { replicationFactor });
  expect(build(3)).not.toThrow();
  expect(build(4)).toThrow('shard size 5 gives some tenants zones that cannot hold 4 replicas');
});

test('the worst draw of endpoints agrees with trying every draw', () => {
  const worst = (sizes: readonly number[], count: number, drawn: readonly number[] = []): number => {
    const [size, ...rest] = sizes;
    if (size === undefined) return count === 0 ? replicasMax(drawn.filter((n) => n > 0)) : Infinity;
    const each = Array.from({ length: Math.min(size, count) + 1 }, (_, n) => worst(rest, count - n, [...drawn, n]));
    return Math.min(...each);
  };
  const layout = fc
    .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
    .chain((sizes) => fc.tuple(fc.constant(sizes), fc.integer({ min: 1, max: sizes.reduce((a, b) => a + b) })));
  fc.assert(
    fc.property(layout, fc.integer({ min: 1, max: 10 }), ([sizes, count], replicas) => {
      expect(anyDrawHolds(replicas, count, sizes)).toBe(worst(sizes, count) >= replicas);
    }),
    { numRuns: 2000 },
  );
});

test('the cache keeps the tenants last asked for, counts what it does, and shares equal shards', () => {
  const hashrings = hashringsOf(endpointsOf(4), { shard_size: 4, cache_size: 2 }, { hashring: 'h' });
  const ring = hashrings.forTenant('a');
  expect(hashrings.forTenant('a')).toBe(ring);
  expect(hashrings.forTenant('b')).toBe(ring); // The same four endpoints.
  hashrings.forTenant('a');
  hashrings.forTenant('c'); // Evicts b.
  hashrings.forTenant('a');
  hashrings.forTenant('b');
  expect(hashrings.shuffleCaches()).toEqual([
    { hashring: 'h', requests: 7, hits: 3, evicted: 2, items: 2, maxItems: 2 },
  ]);
});

test('hashrings without shuffle sharding have no cache to count, and a size of 0 or less means 100', () => {
  expect(hashringsOf(endpointsOf(4), { shard_size: 0, cache_size: 7 }).shuffleCaches()).toEqual([]);
  expect(hashringsOf(endpointsOf(4), { shard_size: 2, cache_size: -7 }).shuffleCaches()).toEqual([
    { hashring: '', requests: 0, hits: 0, evicted: 0, items: 0, maxItems: 100 },
  ]);
});

test('a shard places a series as a ring of only its endpoints does', () => {
  const hashrings = hashringsOf(endpointsOf(12, 3), { shard_size: 6 }, { replicationFactor: 3 });
  const shard = hashrings.forTenant('team-a') as Ring;
  const alone = buildHashrings(
    parseHashrings(JSON.stringify([{ endpoints: shard.endpoints.map((e) => ({ address: e.address, az: e.zone })) }])),
    { algorithm: 'ketama', replicationFactor: 3 },
  ).forTenant('x') as Ring;
  const owners = (ring: Ring, hi: number, lo: number): number[] => {
    const from = ring.tupleOf(hi, lo) * 3;
    return [...ring.tupleOwners.subarray(from, from + 3)];
  };
  const word = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(fc.property(word, word, (hi, lo) => expect(owners(shard, hi, lo)).toEqual(owners(alone, hi, lo))));
});

test('a new endpoint takes at most one place in the shard of any tenant', () => {
  const tenants = fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 20, maxLength: 20 });
  const shape = fc.record({ count: fc.integer({ min: 4, max: 14 }), zones: fc.integer({ min: 1, max: 3 }) });
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 1, max: 3 }),
      fc.nat(1000),
      fc.boolean(),
      tenants,
      ({ count, zones }, size, id, disabled, names) => {
        // As many from each zone as the smallest has, at most.
        const shard_size = disabled ? size : zones * Math.min(size, Math.floor(count / zones));
        const shuffle = { shard_size, zone_awareness_disabled: disabled, cache_size: 100 };
        const before = endpointsOf(count, zones);
        const added = { address: `new-${id}:10901`, az: before[id % count]?.az };
        const small = hashringsOf(before, shuffle);
        const large = hashringsOf([...before, added], shuffle);
        for (const tenant of names) {
          const now = addressesOf(large.forTenant(tenant));
          const lost = addressesOf(small.forTenant(tenant)).filter((address) => !now.includes(address));
          expect(lost.length).toBeLessThanOrEqual(1);
        }
      },
    ),
    { numRuns: 40 },
  );
});
