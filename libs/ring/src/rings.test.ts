import fc from 'fast-check';
import { buildHashrings, parseHashrings, type Algorithm, type Ring } from './index.js';
import { cachedTenantsMax } from './hashrings.js';

function ringOf(addresses: readonly string[], algorithm: Algorithm, replicationFactor: number): Ring {
  return buildHashrings(parseHashrings(JSON.stringify([{ endpoints: addresses }])), { algorithm, replicationFactor })
    .rings[0] as Ring;
}

function ownersOf(ring: Ring, hash: bigint): string[] {
  const tuple = ring.tupleOf(Number(hash >> 32n), Number(hash & 0xffffffffn));
  const from = tuple * ring.replicationFactor;
  return Array.from(
    ring.tupleOwners.subarray(from, from + ring.replicationFactor),
    (owner) => ring.endpoints[owner]?.address as string,
  );
}

const hash = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });
const addresses = Array.from({ length: 6 }, (_, i) => `ingester-${i}:10901`);

test('hashmod counts replicas in 64 bits, also where the hash wraps', () => {
  const nodes = [...addresses].sort();
  for (const count of [1, 2, 3, 5, 6]) {
    const rf = Math.min(count, 3);
    const ring = ringOf(nodes.slice(0, count), 'hashmod', rf);
    const expected = (h: bigint): string[] =>
      Array.from(
        { length: rf },
        (_, n) => nodes[Number(((h + BigInt(n)) & 0xffffffffffffffffn) % BigInt(count))] as string,
      );
    fc.assert(fc.property(hash, (h) => expect(ownersOf(ring, h)).toEqual(expected(h))));
    for (let back = 0n; back < 6n; back += 1n)
      expect(ownersOf(ring, 0xffffffffffffffffn - back)).toEqual(expected(0xffffffffffffffffn - back));
  }
});

test('a ketama hash belongs to the first point at or after it, and to the first of all behind the last', () => {
  const ring = ringOf(addresses, 'ketama', 3);
  const sections = [
    ...(ring as unknown as { sections(): Iterable<{ point: bigint; owners: Uint16Array }> }).sections(),
  ];
  const expected = (h: bigint): string[] => {
    const { owners } = (sections.find(({ point }) => point >= h) ?? sections[0]) as { owners: Uint16Array };
    return Array.from(owners, (owner) => ring.endpoints[owner]?.address as string);
  };
  const nearPoint = fc
    .tuple(fc.nat(sections.length - 1), fc.constantFrom(-1n, 0n, 1n))
    .map(([i, d]) => BigInt.asUintN(64, (sections[i]?.point as bigint) + d));
  fc.assert(
    fc.property(fc.oneof(hash, nearPoint, fc.constantFrom(0n, 0xffffffffffffffffn)), (h) =>
      expect(ownersOf(ring, h)).toEqual(expected(h)),
    ),
    { numRuns: 1000 },
  );
});

test('removing an endpoint from a ketama ring moves only the series that it owned', () => {
  const full = ringOf(addresses, 'ketama', 2);
  const smaller = ringOf(addresses.slice(1), 'ketama', 2);
  fc.assert(
    fc.property(hash, (h) => {
      const before = ownersOf(full, h);
      const after = ownersOf(smaller, h);
      const kept = before.filter((address) => address !== addresses[0]);
      expect(after.slice(0, kept.length)).toEqual(kept);
    }),
  );
});

test('a ring of a hundred endpoints is built in a moment', () => {
  const many = Array.from({ length: 100 }, (_, i) => `ingester-${i}.ingester.monitoring.svc.cluster.local:10901`);
  const ring = ringOf(many, 'ketama', 3);
  expect(ring.tupleOwners).toHaveLength(ring.tupleCount * 3);
});

test('made-up tenants do not fill the memory, and all get the same answer again', () => {
  const hashrings = buildHashrings(
    parseHashrings('[{"tenants":["a*"],"tenant_matcher_type":"glob","endpoints":["x"]}]'),
    { algorithm: 'ketama', replicationFactor: 1 },
  );
  for (let i = 0; i < cachedTenantsMax * 2; i += 1) hashrings.forTenant(`a${i}`);
  expect(hashrings.forTenant('a0')).toBe(hashrings.rings[0]);
  expect(hashrings.forTenant('b')).toBeUndefined();
});
