import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readJson, readLines, testdata } from './testing/fixtures.js';
import { addInterval, decodeTombstones, encodeTombstones, type Interval } from './tombstones.js';

type Case = {
  name: string;
  add: [string, string, string][];
  intervals: Record<string, [string, string][]>;
  file: string;
  fileComparable: boolean;
};
const cases = readLines<Case>(join(testdata, 'tombstones.jsonl'));

function added(stones: readonly (readonly [string, string, string])[]): Map<number, readonly Interval[]> {
  const tombstones = new Map<number, readonly Interval[]>();
  for (const [ref, min, max] of stones) {
    const interval = { minTimeMs: Number(min), maxTimeMs: Number(max) };
    tombstones.set(Number(ref), addInterval(tombstones.get(Number(ref)) ?? [], interval));
  }
  return tombstones;
}

test.each(cases.map((one) => [one.name, one] as const))(
  'recorded: %s',
  (_, { add, intervals, file, fileComparable }) => {
    const expected = new Map(
      Object.entries(intervals).map(([ref, list]) => [
        Number(ref),
        list.map(([min, max]) => ({ minTimeMs: Number(min), maxTimeMs: Number(max) })),
      ]),
    );
    expect(added(add)).toEqual(expected);
    expect(decodeTombstones(Buffer.from(file, 'base64'))).toEqual(expected);
    if (fileComparable) expect(Buffer.from(encodeTombstones(expected)).toString('base64')).toBe(file);
    else expect(decodeTombstones(encodeTombstones(expected))).toEqual(expected);
  },
);

test('reads the tombstones of a recorded block', () => {
  const dir = join(testdata, 'blocks/tombstones');
  const id = readdirSync(dir).find((name) => name.length === 26)!;
  const { tombstones } = readJson<{ tombstones: [string, string, string][] }>(join(dir, 'case.json'));
  expect(decodeTombstones(readFileSync(join(dir, id, 'tombstones')))).toEqual(added(tombstones));
});

test('a file without stones has nine bytes', () => {
  expect(Buffer.from(encodeTombstones(new Map())).toString('hex')).toBe('0130ba300100000000');
});

test('every changed byte and every cut is an error, never a crash', () => {
  const good = Buffer.from(
    encodeTombstones(
      new Map([
        [3, [{ minTimeMs: 1, maxTimeMs: 1000 }]],
        [7, [{ minTimeMs: -Infinity, maxTimeMs: Infinity }]],
      ]),
    ),
  );
  const refused = expect.objectContaining({ kind: 'corrupt', code: 'BLOCK_TOMBSTONES_CORRUPT', file: 'tombstones' });
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed[at]! ^= 0x10;
    expect(() => decodeTombstones(changed)).toThrow(refused);
    expect(() => decodeTombstones(good.subarray(0, at))).toThrow(refused);
  }
});

test('intervals added in any order cover what they cover one by one', () => {
  const interval = fc
    .tuple(fc.integer({ min: -30, max: 30 }), fc.nat(8))
    .map(([minTimeMs, length]) => ({ minTimeMs, maxTimeMs: minTimeMs + length }));
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 12 }), (intervals) => {
      const merged = intervals.reduce<readonly Interval[]>(addInterval, []);
      for (let time = -32; time <= 40; time += 1) {
        const covers = ({ minTimeMs, maxTimeMs }: Interval): boolean => minTimeMs <= time && time <= maxTimeMs;
        expect(merged.some(covers)).toBe(intervals.some(covers));
      }
      for (let index = 1; index < merged.length; index += 1)
        expect(merged[index]!.minTimeMs).toBeGreaterThan(merged[index - 1]!.maxTimeMs + 1);
    }),
  );
});
