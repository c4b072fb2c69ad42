import fc from 'fast-check';
import { canonicalLabels, compareCanonicalLabels, labelsOfCanonical, varintAt } from './canonical-labels.js';
import { compareLabels, labelsOf } from './labels.js';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('a', 'ab', '\u{1f600}', '\uffff', 'x'.repeat(300)),
);
const labels = fc.dictionary(text, text, { maxKeys: 4 }).map(labelsOf);

test('labels come back from their canonical form', () => {
  fc.assert(fc.property(labels, (given) => expect(labelsOfCanonical(canonicalLabels(given))).toEqual(given)));
});

test('canonical forms are ordered as their labels are', () => {
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const order = compareCanonicalLabels(canonicalLabels(a), canonicalLabels(b));
      expect(Math.sign(order)).toBe(Math.sign(compareLabels(a, b)));
    }),
  );
});

test('the form is that of repeated labels in a protobuf message', () => {
  expect(Buffer.from(canonicalLabels([{ name: 'a', value: 'bc' }])).toString('hex')).toBe(
    '0a070a0161120262 63'.replace(' ', ''),
  );
});

test('bytes that end within a length are not read for ever', () => {
  expect(varintAt(Uint8Array.of(0x80), 0)).toBe(0);
});
