import fc from 'fast-check';
import { ExemplarRing, type Exemplar, type ExemplarVerdict } from './exemplar-ring.js';

const bitsOf = (value: number): bigint => new BigUint64Array(new Float64Array([value]).buffer)[0]!;
const exemplar = (t: number, value = 1, id = 'a'): Exemplar => ({
  timestampMs: BigInt(t),
  valueBits: bitsOf(value),
  labels: id === '' ? [] : [{ name: 'id', value: id }],
});

describe('behind an exemplar at 100 with the value 5, one', () => {
  test.each<[string, Exemplar, ExemplarVerdict, ExemplarVerdict]>([
    // The third column is the verdict without a window, the last with one of 20 ms.
    ['that is newer is kept', exemplar(101, 5), 'stored', 'stored'],
    ['that is the same is a repetition', exemplar(100, 5), 'repeated', 'repeated'],
    ['of that time and a larger value is kept', exemplar(100, 6), 'stored', 'stored'],
    ['of that time and a smaller value is out of order', exemplar(100, 4), 'outOfOrder', 'outOfOrder'],
    ['that is older is out of order, unless the window has it', exemplar(99, 9), 'outOfOrder', 'stored'],
    ['as old as the window is out of order', exemplar(80, 9), 'outOfOrder', 'outOfOrder'],
    ['with 128 code points of labels is kept', exemplar(101, 1, '\u{1F600}'.repeat(126)), 'stored', 'stored'],
    ['with 129 is not', exemplar(101, 1, '\u{1F600}'.repeat(127)), 'labels', 'labels'],
    ['without labels is kept', exemplar(101, 1, ''), 'stored', 'stored'],
  ])('%s', (_name, next, without, withWindow) => {
    for (const [outOfOrderWindowMs, expected] of [[0, without] as const, [20, withWindow] as const]) {
      const ring = new ExemplarRing({ capacity: 10, outOfOrderWindowMs });
      expect(ring.add(1, exemplar(100, 5))).toBe('stored');
      expect(ring.judge(1, next)).toBe(expected);
      expect(ring.add(1, next)).toBe(expected);
      expect(ring.size).toBe(expected === 'stored' ? 2 : 1);
    }
  });
});

test('of two with the same time and value, that with the larger hash of labels comes second', () => {
  const order = (first: string, second: string) => {
    const ring = new ExemplarRing({ capacity: 10 });
    ring.add(1, exemplar(1, 1, first));
    return ring.add(1, exemplar(1, 1, second));
  };
  expect([order('a', 'b'), order('b', 'a')].sort()).toEqual(['outOfOrder', 'stored']);
});

test('an older one whose time is taken is left out', () => {
  const ring = new ExemplarRing({ capacity: 10, outOfOrderWindowMs: 100 });
  for (const t of [10, 30, 20]) expect(ring.add(1, exemplar(t))).toBe('stored');
  expect(ring.add(1, exemplar(20, 7))).toBe('repeated');
  expect(ring.select(1).map(({ timestampMs }) => Number(timestampMs))).toEqual([10, 20, 30]);
});

test('a ring keeps what came last, whatever is added and forgotten', () => {
  const anyAction = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        ref: fc.integer({ min: 1, max: 4 }),
        t: fc.integer({ min: 0, max: 30 }),
        value: fc.integer({ min: 0, max: 2 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ forget: fc.integer({ min: 1, max: 4 }) }) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(0, 5, 50),
      fc.array(anyAction, { maxLength: 60 }),
      (capacity, outOfOrderWindowMs, actions) => {
        const ring = new ExemplarRing({ capacity, outOfOrderWindowMs });
        // The slots of the ring, in the order in which they are written.
        const slots: ({ ref: number; exemplar: Exemplar } | undefined)[] = Array.from({ length: capacity });
        let next = 0;
        for (const action of actions) {
          if ('forget' in action) {
            ring.forget(action.forget);
            slots.forEach((slot, i) => {
              if (slot?.ref === action.forget) slots[i] = undefined;
            });
          } else {
            const added = exemplar(action.t, action.value);
            if (ring.add(action.ref, added) === 'stored') {
              slots[next] = { ref: action.ref, exemplar: added };
              next = (next + 1) % capacity;
            }
          }
          const kept = slots.filter((slot) => slot !== undefined);
          expect(ring.size).toBe(kept.length);
          for (let ref = 1; ref <= 4; ref += 1) {
            const times = ring.select(ref).map(({ timestampMs }) => timestampMs);
            expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
            const key = ({ timestampMs, valueBits }: Exemplar) => `${timestampMs} ${valueBits}`;
            expect(ring.select(ref).map(key).sort()).toEqual(
              kept
                .filter((slot) => slot.ref === ref)
                .map((slot) => key(slot.exemplar))
                .sort(),
            );
          }
          expect(new Set([...ring.all()].map(({ ref }) => ref))).toEqual(new Set(kept.map(({ ref }) => ref)));
        }
      },
    ),
    { numRuns: 200 },
  );
});
