import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { buildHashrings, HashringError, parseHashrings, type Algorithm, type Endpoint, type Ring } from './index.js';
import { KetamaRing } from './ketama-ring.js';
import { pointsOf, sectionsOf } from './ketama-sections.js';

/** Loads a file as a router does and asks for a few tenants: whatever it holds, it works or is refused, within a moment. */
function load(text: string, algorithm: Algorithm, replicationFactor: number): 'loaded' | 'refused' {
  const startedMs = performance.now();
  try {
    const hashrings = buildHashrings(parseHashrings(text), { algorithm, replicationFactor });
    for (const tenant of ['', 'default-tenant', 'tenant-a', 'größe', 'x/y']) {
      const ring = hashrings.forTenant(tenant);
      if (!ring) continue;
      const tuple = ring.tupleOf(0xfedcba98, 0x76543210);
      const owners = ring.tupleOwners.subarray(tuple * replicationFactor, (tuple + 1) * replicationFactor);
      expect(new Set(owners).size).toBe(replicationFactor);
      expect(owners.every((owner) => ring.endpoints[owner])).toBe(true);
      hashrings.externalLabelsOf(tenant);
    }
    return 'loaded';
  } catch (error) {
    if (error instanceof HashringError) return 'refused';
    throw error;
  } finally {
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  }
}

const algorithm = fc.constantFrom<Algorithm>('hashmod', 'ketama');
const replicationFactor = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 }));
const oddInteger = fc.oneof(
  { arbitrary: fc.integer({ min: -2, max: 8 }), weight: 30 },
  { arbitrary: fc.constantFrom(2 ** 31, -(2 ** 53), 2 ** 53, 1e300, 0.5), weight: 1 },
);
const matcherType = fc.oneof(
  { arbitrary: fc.constantFrom('', 'exact', 'glob', null), weight: 20 },
  { arbitrary: fc.constant('Exact'), weight: 1 },
);
const tenants = fc.array(
  fc.oneof(
    fc.constantFrom('*', 'tenant-a', '[', 't*', '[^a-z]', '\\', ''),
    fc.string({ unit: 'binary', maxLength: 5 }),
  ),
  { maxLength: 3 },
);
const zone = fc.constantFrom('', 'a', 'b', 'c');
const shuffle = fc.record(
  {
    shard_size: oddInteger,
    cache_size: oddInteger,
    zone_awareness_disabled: fc.boolean(),
    overrides: fc.array(fc.record({ shard_size: oddInteger, tenants, tenant_matcher_type: matcherType }), {
      maxLength: 3,
    }),
  },
  { requiredKeys: [] },
);
const endpoint = fc.oneof(
  fc.stringMatching(/^[a-f]:[0-9]$/),
  fc.record({ address: fc.stringMatching(/^[a-f][0-9]?$/), az: zone }),
);
const hashring = fc.record(
  {
    hashring: fc.string({ maxLength: 3 }),
    tenants,
    tenant_matcher_type: matcherType,
    algorithm: fc.constantFrom('', 'hashmod', 'ketama', 'ketama', 'x'),
    endpoints: fc.oneof(
      fc.array(endpoint, { maxLength: 9 }),
      fc.uniqueArray(fc.record({ address: fc.stringMatching(/^[a-f][0-9]$/), az: zone }), {
        selector: ({ address }) => address,
        minLength: 4,
        maxLength: 9,
      }),
    ),
    shuffle_sharding_config: shuffle,
  },
  { requiredKeys: ['endpoints'] },
);

test('any JSON and any text is read as hashrings or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), algorithm, replicationFactor, (text, a, rf) => {
      load(text, a, rf);
    }),
    { numRuns: 1000 },
  );
});

test('any configuration of the schema gives every tenant distinct owners, or is refused', () => {
  const outcomes = { loaded: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(hashring, { minLength: 1, maxLength: 2 }), algorithm, replicationFactor, (config, a, rf) => {
      outcomes[load(JSON.stringify(config), a, rf)] += 1;
    }),
    { numRuns: 400 },
  );
  expect(outcomes.loaded).toBeGreaterThan(20);
  expect(outcomes.refused).toBeGreaterThan(20);
});

test('a recorded file with a few bytes changed is read or refused', () => {
  const folder = join(__dirname, '../testdata');
  const texts = [
    ...readdirSync(join(folder, 'hashrings')).map((file) => readFileSync(join(folder, 'hashrings', file), 'utf8')),
    ...(
      JSON.parse(readFileSync(join(folder, 'placement-shuffle.json'), 'utf8')) as { cases: { hashrings: unknown }[] }
    ).cases.map(({ hashrings }) => JSON.stringify(hashrings)),
  ];
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    length: fc.nat(4),
    by: fc.constantFrom('', '0', '9', '-', '"', ',', '[', '}', 'null', '*', '\\', '\ud800', '1e9', ':[[', '"az":"z",'),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(change, { maxLength: 3 }),
      algorithm,
      replicationFactor,
      (text, changes, a, rf) => {
        const mutated = changes.reduce((all, { at, length, by }) => {
          const from = Math.floor(at * all.length);
          return all.slice(0, from) + by + all.slice(from + length);
        }, text);
        load(mutated, a, rf);
      },
    ),
    { numRuns: 400 },
  );
});

test.each([
  ['endpoints', JSON.stringify([{ endpoints: Array.from({ length: 2001 }, (_, i) => `e${i}`) }])],
  [
    'hashrings together',
    JSON.stringify([['a'], Array.from({ length: 2000 }, (_, i) => `e${i}`)].map((endpoints) => ({ endpoints }))),
  ],
])('more %s than ketama is allowed are refused before they are built', (_what, text) => {
  expect(() => buildHashrings(parseHashrings(text), { algorithm: 'ketama', replicationFactor: 1 })).toThrow(
    'ketama hashrings have 2001 endpoints, more than 2000',
  );
});

test('a ring whose walks take longer than the budget is refused, not awaited', () => {
  const endpoints = parseHashrings(
    JSON.stringify([
      { endpoints: Array.from({ length: 50 }, (_, i) => ({ address: `e${i}`, az: i === 0 ? 'a' : 'b' })) },
    ]),
  )[0]?.endpoints as Endpoint[];
  const build = (steps: number): Ring => new KetamaRing('h', endpoints, 2, sectionsOf(pointsOf(endpoints)), { steps });
  expect(() => build(1_000_000)).toThrow(
    new HashringError(
      'HASHRING_INVALID',
      'Cannot build hashring "h": zones of so unequal sizes cannot hold 2 replicas of 50 endpoints in acceptable time',
    ),
  );
  expect(build(10_000_000).tupleCount).toBeGreaterThan(1);
});

test.each([0, -1, 1.5, NaN, 17])('a replication factor of %d is refused', (replicationFactor) => {
  expect(() =>
    buildHashrings(parseHashrings('[{"endpoints":["a"]}]'), { algorithm: 'ketama', replicationFactor }),
  ).toThrow('is not between 1 and 16');
});

test('deep nesting and very many overrides end in a refusal, not in an overflow', () => {
  expect(load('['.repeat(1_000_000), 'ketama', 1)).toBe('refused');
  const overrides = Array.from({ length: 50_000 }, () => ({
    shard_size: 9,
    tenants: ['a'],
    tenant_matcher_type: 'exact',
  }));
  expect(
    load(JSON.stringify([{ endpoints: ['a'], shuffle_sharding_config: { shard_size: 1, overrides } }]), 'ketama', 1),
  ).toBe('refused');
});
