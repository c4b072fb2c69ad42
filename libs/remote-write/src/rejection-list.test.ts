import fc from 'fast-check';
import { RejectionList } from './rejection-list.js';
import { reasonOfVerdict, rejectionReasons, type RejectedItem, type RejectionReason } from './rejection.js';
import { RowVerdict } from '@gauntlet/kernel';

test('neighbouring items that are refused for one reason make a run', () => {
  const list = new RejectionList();
  list.add(3, 'sample', 'outOfOrder', 0, 2);
  list.add(3, 'sample', 'outOfOrder', 2);
  list.add(3, 'sample', 'duplicate', 3);
  list.add(3, 'histogram', 'duplicate', 4);
  list.add(4, 'sample', 'outOfOrder', 0);
  list.add(5, 'series', 'emptyLabel');
  list.add(6, 'sample', 'outOfOrder', 7, 0);
  expect([...list]).toEqual([
    { series: 3, item: 'sample', first: 0, count: 3, reason: 'outOfOrder' },
    { series: 3, item: 'sample', first: 3, count: 1, reason: 'duplicate' },
    { series: 3, item: 'histogram', first: 4, count: 1, reason: 'duplicate' },
    { series: 4, item: 'sample', first: 0, count: 1, reason: 'outOfOrder' },
    { series: 5, item: 'series', first: 0, count: 1, reason: 'emptyLabel' },
  ]);
  expect(list.length).toBe(5);
  expect(rejectionReasons.map((reason) => list.count(reason)).filter((count) => count > 0)).toEqual([1, 4, 2]);
});

test('every item is listed once, and counted', () => {
  const anyItem = fc.tuple(
    fc.nat(3),
    fc.constantFrom<RejectedItem>('sample', 'histogram', 'exemplar'),
    fc.constantFrom<RejectionReason>('outOfOrder', 'duplicate', 'seriesLimit'),
  );
  fc.assert(
    fc.property(fc.array(anyItem, { maxLength: 100 }), (items) => {
      const list = new RejectionList();
      items.forEach(([series, item, reason], at) => list.add(series, item, reason, at));
      const listed = [...list].flatMap(({ series, item, first, count, reason }) =>
        Array.from({ length: count }, (_, i) => [first + i, series, item, reason]),
      );
      expect(listed).toEqual(items.map((item, at) => [at, ...item]));
      for (const reason of rejectionReasons)
        expect(list.count(reason)).toBe(items.filter(([, , of]) => of === reason).length);
    }),
  );
});

test('series beyond a limit are counted as series', () => {
  const list = new RejectionList();
  list.add(1, 'sample', 'seriesLimit', 0, 5);
  list.add(1, 'histogram', 'seriesLimit', 0);
  list.add(2, 'sample', 'outOfBounds', 0);
  list.add(2, 'sample', 'seriesLimit', 1);
  expect(list.limitedSeries).toBe(2);
});

test('every verdict on labels is a reason', () => {
  for (const [name, verdict] of Object.entries(RowVerdict)) {
    if (verdict === RowVerdict.ok) expect(() => reasonOfVerdict(verdict)).toThrow();
    else expect(reasonOfVerdict(verdict)).toBe(name);
  }
});
