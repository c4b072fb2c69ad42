import { buildHashrings, parseHashrings, type Ring } from '@gauntlet/ring';
import fc from 'fast-check';
import { backoffMs } from './backoff.js';
import { joinReasons } from './errors.js';
import { Planner } from './plan.js';

const endpoints = Array.from({ length: 7 }, (_, i) => `e${i}:1`);
const rings = (['hashmod', 'ketama'] as const).flatMap((algorithm) =>
  [1, 2, 3].map(
    (replicationFactor) =>
      buildHashrings(parseHashrings(JSON.stringify([{ endpoints }])), { algorithm, replicationFactor })
        .rings[0] as Ring,
  ),
);

test('each row is in one batch for each replica: that of its owner, with the tuple that it shares', () => {
  const planner = new Planner();
  const hashes = fc.array(fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(...rings), hashes, fc.nat(5), (ring, routeHashes, firstRow) => {
      const rf = ring.replicationFactor;
      const rows = new Uint8Array((firstRow + routeHashes.length) * 56);
      routeHashes.forEach((hash, i) => new DataView(rows.buffer).setBigUint64((firstRow + i) * 56 + 8, hash, true));
      const { batches, tupleCount } = planner.plan(ring, rows, firstRow, routeHashes.length);
      const tupleOf = (row: number): number => {
        const hash = routeHashes[row - firstRow] as bigint;
        return ring.tupleOf(Number(hash >> 32n), Number(hash & 0xffffffffn));
      };
      const seen = new Map<number, Set<number>>();
      let placed = 0;
      for (const { endpoint, replica, rows: batchRows, tuples } of batches) {
        expect(new Set(tuples).size).toBe(tuples.length);
        expect(new Set(Array.from(batchRows, tupleOf)).size).toBe(tuples.length);
        for (const row of batchRows) {
          placed += 1;
          expect(ring.tupleOwners[tupleOf(row) * rf + replica]).toBe(endpoint);
          seen.set(row, (seen.get(row) ?? new Set()).add(replica));
        }
        for (const tuple of tuples) expect(tuple).toBeLessThan(tupleCount);
      }
      expect(placed).toBe(routeHashes.length * rf);
      expect([...seen.values()].every((replicas) => replicas.size === rf)).toBe(true);
      expect(tupleCount).toBe(new Set(Array.from(routeHashes, (_, i) => tupleOf(firstRow + i))).size);
    }),
  );
});

test.each([
  [0, 0.9, 100],
  [1, 0, 100],
  [1, 0.5, 150],
  [3, 0.5, 450],
  [10, 0.99, 5000],
  [1000, 0.5, 5000], // No overflow on the way to the ceiling.
])('pause %d with chance %d is %d ms', (attempt, random, expected) => {
  expect(backoffMs({ attempt, random, maxMs: 5000 })).toBe(expected);
});

test('reasons are joined in the order of their bytes, which is not that of UTF-16', () => {
  expect(joinReasons([])).toBe('');
  expect(joinReasons(['x', 'x'])).toBe('x');
  expect(joinReasons(['\u{1f680}', '\uffee', 'a', 'a'])).toBe('3 errors: a; \uffee; \u{1f680}');
});
