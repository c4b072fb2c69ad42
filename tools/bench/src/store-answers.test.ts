import { countSeries, countTexts } from './store-answers.js';

const field = (number: number, bytes: readonly number[]): number[] => [(number << 3) | 2, bytes.length, ...bytes];
const text = (value: string): number[] => [...Buffer.from(value)];
const series = field(1, field(1, text('labels')));

test.each([
  ['one series', series, { items: 1, warnings: [] }],
  ['a batch', field(4, [...series, ...series, ...series]), { items: 3, warnings: [] }],
  ['a warning', field(2, text('late')), { items: 0, warnings: ['late'] }],
  ['hints', field(3, [1, 2, 3]), { items: 0, warnings: [] }],
  // A number of each size, as a later version may have them.
  [
    'fields without length',
    [0x28, 0x96, 0x01, 0x31, 0, 0, 0, 0, 0, 0, 0, 0, 0x3d, 0, 0, 0, 0, ...series],
    { items: 1, warnings: [] },
  ],
])('of a message with %s its series and warnings are counted', (_, bytes, expected) => {
  expect(countSeries(Buffer.from(bytes))).toEqual(expected);
});

test('names and values are counted, and empty ones too', () => {
  const bytes = [...field(1, text('job')), ...field(1, []), ...field(2, text('late'))];
  expect(countTexts(Buffer.from(bytes))).toEqual({ items: 2, warnings: ['late'] });
});

test.each([
  ['within a field', series.slice(0, -1)],
  ['within a length', [0x0a, 0x80]],
  ['within a batch', [0x22, 3, 0x0a, 5, 1]],
])('a message that ends %s is told, and not counted', (_, bytes) => {
  expect(() => countSeries(Buffer.from(bytes))).toThrow('Cannot count an answer');
});
