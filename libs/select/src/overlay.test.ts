import fc from 'fast-check';
import { canonicalLabels, compareCanonicalLabels, labelsOf, labelsOfCanonical, type Labels } from '@gauntlet/model';
import { createOverlay } from './overlay.js';

const finalOf = (stored: Record<string, string>, external: Record<string, string>, removed: string[] = []) =>
  Object.fromEntries(
    labelsOfCanonical(createOverlay(labelsOf(external), removed).apply(canonicalLabels(labelsOf(stored)))).map(
      ({ name, value }) => [name, value],
    ),
  );

test.each([
  ['added in order', { b: '1', d: '2' }, { a: 'x', c: 'y', e: 'z' }, [], { a: 'x', b: '1', c: 'y', d: '2', e: 'z' }],
  ['winning over stored ones', { a: '1', b: '2' }, { a: 'x' }, [], { a: 'x', b: '2' }],
  ['removed from both', { a: '1', b: '2', c: '3' }, { b: 'x', d: 'y' }, ['b', 'c', 'b'], { a: '1', d: 'y' }],
  ['all of a series without labels', {}, { a: 'x' }, [], { a: 'x' }],
  ['nothing at all', { a: '1' }, {}, ['a'], {}],
])('external labels are %s', (_, stored, external, removed, final) => {
  expect(finalOf(stored, external, removed)).toEqual(final);
});

const name = fc.constantFrom('a', 'ab', 'b', 'c', '\uffff', '\u{1f600}');
const labels = fc
  .dictionary(name, fc.constantFrom('1', '2', '12', 'x'.repeat(200)), { maxKeys: 5 })
  .map((record): Labels => labelsOf(record));
const overlay = fc
  .tuple(labels, fc.array(name, { maxLength: 3 }))
  .map(([external, removed]) => ({ external, removed }));

/** The same with labels as objects. */
function naiveFinal(stored: Labels, external: Labels, removed: readonly string[]): Labels {
  const final = new Map([...stored, ...external].map(({ name, value }) => [name, value]));
  for (const name of removed) final.delete(name);
  return labelsOf(Object.fromEntries(final));
}

test('final labels are stored ones, overlaid by external ones, without the removed', () => {
  fc.assert(
    fc.property(overlay, labels, ({ external, removed }, stored) => {
      const final = createOverlay(external, removed).apply(canonicalLabels(stored));
      expect(labelsOfCanonical(final)).toEqual(naiveFinal(stored, external, removed));
    }),
  );
});

test('stored labels compare as their final ones do', () => {
  fc.assert(
    fc.property(overlay, labels, labels, ({ external, removed }, a, b) => {
      const given = createOverlay(external, removed);
      const [left, right] = [canonicalLabels(a), canonicalLabels(b)];
      const finalOrder = compareCanonicalLabels(given.apply(left).slice(), given.apply(right));
      expect(Math.sign(given.compare(left, right))).toBe(Math.sign(finalOrder));
    }),
    { numRuns: 1_000 },
  );
});

test('neighbours that differ late compare as their final labels do', () => {
  fc.assert(
    fc.property(overlay, labels, labels, fc.nat(4), ({ external, removed }, common, own, kept) => {
      const shared = common.slice(0, kept);
      const rest = own.filter(({ name }) => !shared.some((label) => label.name === name));
      const given = createOverlay(external, removed);
      const [left, right] = [shared, [...shared, ...rest]].map((all) =>
        canonicalLabels(labelsOf(Object.fromEntries(all.map(({ name, value }) => [name, value])))),
      ) as [Uint8Array, Uint8Array];
      const finalOrder = compareCanonicalLabels(given.apply(left).slice(), given.apply(right));
      expect(Math.sign(given.compare(left, right))).toBe(Math.sign(finalOrder));
      expect(Math.sign(given.compare(right, left))).toBe(-Math.sign(finalOrder) + 0);
    }),
    { numRuns: 1_000 },
  );
});

test('labels in shared memory are read as well', () => {
  const bytes = canonicalLabels(labelsOf({ a: '1', c: '2' }));
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  expect(labelsOfCanonical(createOverlay(labelsOf({ b: 'x' }), []).apply(shared))).toEqual(
    labelsOf({ a: '1', b: 'x', c: '2' }),
  );
});
