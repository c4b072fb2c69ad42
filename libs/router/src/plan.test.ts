import { buildHashrings, parseHashrings, type Ring } from '@gauntlet/ring';
import fc from 'fast-check';
import { backoffMs } from './backoff.js';
import { joinReasons } from '@gauntlet/base';
import { Planner } from './plan.js';

const endpoints = Array.from({ length: 7 }, (_, i) => `e${i}:1`);
const rings = (['hashmod', 'ketama'] as const).flatMap((algorithm) =>
  [1, 2, 3].map(
    (replicationFactor) =>
      buildHashrings(parseHashrings(JSON.stringify([{ endpoints }])), { algorithm, replicationFactor })
        .rings[0] as Ring,
  ),
);

test('rows are grouped by their owners, and each group goes to all of them', () => {
  const planner = new Planner();
  const hashes = fc.array(fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(...rings), hashes, fc.nat(5), (ring, routeHashes, firstRow) => {
      const rf = ring.replicationFactor;
      const rows = new Uint8Array((firstRow + routeHashes.length) * 56);
      routeHashes.forEach((hash, i) => new DataView(rows.buffer).setBigUint64((firstRow + i) * 56 + 8, hash, true));
      const { batches, tuples } = planner.plan(ring, rows, firstRow, routeHashes.length);
      const tupleOf = (row: number): number => {
        const hash = routeHashes[row - firstRow] as bigint;
        return ring.tupleOf(Number(hash >> 32n), Number(hash & 0xffffffffn));
      };
      // Every row is in one tuple, with the others of its owners, in order.
      expect(tuples.flatMap((list) => [...list]).sort((a, b) => a - b)).toEqual(
        routeHashes.map((_, i) => firstRow + i),
      );
      for (const list of tuples) {
        expect([...list]).toEqual([...list].sort((a, b) => a - b));
        expect(new Set(Array.from(list, tupleOf)).size).toBe(1);
      }
      // Every tuple is in the batch of each of its owners.
      const owners = tuples.map(() => new Map<number, number>());
      for (const { endpoint, replica, tuples: numbers } of batches)
        for (const number of numbers) owners[number]?.set(replica, endpoint);
      tuples.forEach((list, number) => {
        const tuple = tupleOf(list[0] as number);
        for (let n = 0; n < rf; n += 1) expect(owners[number]?.get(n)).toBe(ring.tupleOwners[tuple * rf + n]);
      });
      expect(new Set(batches.map(({ endpoint, replica }) => `${endpoint} ${replica}`)).size).toBe(batches.length);
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
  expect(backoffMs({ attempt, random, backoffMsMax: 5000 })).toBe(expected);
});

test('reasons are joined in the order of their bytes, which is not that of UTF-16', () => {
  expect(joinReasons([])).toBe('');
  expect(joinReasons(['x', 'x'])).toBe('x');
  expect(joinReasons(['\u{1f680}', '\uffee', 'a', 'a'])).toBe('3 errors: a; \uffee; \u{1f680}');
});
