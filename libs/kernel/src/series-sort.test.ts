import { SeriesReader } from './series-reader.js';
import { SeriesSort } from './series-sort.js';
import type { Shard } from './shard.js';
import { appendRows, newShard } from './testing/shard-driver.js';

const nameOf = (shard: Shard, s: number): string => Buffer.from(new SeriesReader(shard.memory).labels(s)).toString();

describe('series as they come', () => {
  test('those that are there are listed, then those that come, once and in the order of their refs', () => {
    const shard = newShard();
    const names = Array.from({ length: 3000 }, (_, i) => `n${String(i)}`);
    const rows = names.map((name) => ({ name, samples: [[1n, 1n] as const] }));
    appendRows(shard, rows.slice(0, 700));
    const there = [...shard.trackCreated()];
    expect(there.map((s) => nameOf(shard, s)).sort()).toHaveLength(700);
    expect(shard.takeCreated()).toHaveLength(0);
    appendRows(shard, rows.slice(600, 2000));
    appendRows(shard, rows.slice(1900));
    const come: number[] = [];
    for (let some = shard.takeCreated(); some.length > 0; some = shard.takeCreated()) come.push(...some);
    expect(new Set([...there, ...come]).size).toBe(3000);
    const reader = new SeriesReader(shard.memory);
    const refs = come.map((s) => reader.ref(s));
    expect(refs).toEqual([...refs].sort((a, b) => a - b));
    shard.untrackCreated();
    appendRows(shard, [{ name: 'another', samples: [[1n, 1n]] }]);
    expect(shard.takeCreated()).toHaveLength(0);
  });
});

describe('sorting', () => {
  const filled = (count: number): { readonly shard: Shard; readonly all: Uint32Array } => {
    const shard = newShard();
    const rows = Array.from({ length: count }, (_, i) => ({
      name: String((i * 7919) % count).padStart(5, '0'),
      samples: [[1n, 1n] as const],
    }));
    appendRows(shard, rows);
    return { shard, all: shard.trackCreated() };
  };

  test.each([0, 1, 15, 16, 17, 1000])('%i series come in the order of their labels', (count) => {
    const { shard, all } = filled(count);
    const sort = new SeriesSort(shard, count, { hidden: [], lastAdded: undefined });
    sort.addresses.set(all);
    sort.begin(count);
    while (sort.step(16));
    const sorted = [...sort.sorted(count)].map((s) => nameOf(shard, s));
    expect(sorted).toEqual([...all].map((s) => nameOf(shard, s)).sort());
    sort.close();
  });

  test('what it has borrowed is given back', () => {
    const { shard } = filled(1000);
    const sortOnce = (): number => {
      new SeriesSort(shard, 100_000, { hidden: ['a', 'b'], lastAdded: 'z' }).close();
      return shard.usedBytes;
    };
    const used = sortOnce();
    for (let i = 0; i < 20; i += 1) expect(sortOnce()).toBe(used);
  });

  test('a shard without room refuses to lend, and keeps nothing', () => {
    const shard = newShard({ memoryBytesMax: 8 * 1024 * 1024 });
    expect(() => new SeriesSort(shard, 4_000_000, { hidden: [], lastAdded: undefined })).toThrow(
      expect.objectContaining({ code: 'HEAD_SHARD_FULL' }),
    );
    new SeriesSort(shard, 1000, { hidden: [], lastAdded: undefined }).close();
  });
});
