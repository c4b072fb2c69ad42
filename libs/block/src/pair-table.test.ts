import fc from 'fast-check';
import { Pace } from './pace.js';
import { PairTable } from './pair-table.js';

test('pairs are kept once, counted, and ordered by name and value, also a value of many names', async () => {
  // Values of two kinds: those of one name, and one that hundreds of names share.
  const pair = fc.oneof(fc.tuple(fc.nat(400), fc.constant(7)), fc.tuple(fc.nat(12), fc.nat(400)));
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { maxLength: 600, size: 'max' }), fc.nat(), async (pairs, shuffle) => {
      const table = new PairTable();
      const ids = new Map<string, number>();
      const counts = new Map<string, number>();
      for (const [name, value] of pairs) {
        const key = `${name} ${value}`;
        const id = table.intern(name, value);
        expect(ids.get(key) ?? id).toBe(id);
        ids.set(key, id);
        table.count(id);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      expect(table.size).toBe(ids.size);
      for (const [key, id] of ids) {
        expect(`${table.nameOf(id)} ${table.valueOf(id)}`).toBe(key);
        expect(table.countOf(id)).toBe(counts.get(key));
      }
      // Symbols in any order of their bytes.
      const order = Uint32Array.from({ length: 2000 }, (_, id) => id).map((id) => (id * 7 + shuffle) % 2000);
      const ordinals = new Uint32Array(2000);
      order.forEach((id, ordinal) => (ordinals[id] = ordinal));
      const places = [...(await table.sortedIds(order, ordinals, new Pace()))].map(
        (id) => ordinals[table.nameOf(id)]! * 2000 + ordinals[table.valueOf(id)]!,
      );
      expect(places.length).toBe(ids.size);
      expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});
