import fc from 'fast-check';
import { ProtobufCursor } from './protobuf-cursor.js';
import { ProtobufOutput } from './protobuf-output.js';

const cursorAt = (hex: string): ProtobufCursor => {
  const cursor = new ProtobufCursor(Buffer.from(hex, 'hex'));
  cursor.nextField();
  return cursor;
};
/** Reads a message to its end, skipping everything. */
const skipAll = (hex: string): void => {
  const cursor = new ProtobufCursor(Buffer.from(hex, 'hex'));
  while (cursor.nextField() !== 0) cursor.skip();
};

test('every number of 64 bits reads as it was written', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), fc.integer(), (value, small) => {
      const output = new ProtobufOutput(1);
      output.varint(1, value);
      output.fixed64(2, value);
      output.zigzag(3, small);
      const cursor = new ProtobufCursor(output.view());
      expect([cursor.nextField(), cursor.varint()]).toEqual([1, BigInt.asUintN(64, value)]);
      expect([cursor.nextField(), cursor.fixed64()]).toEqual([2, BigInt.asUintN(64, value)]);
      expect([cursor.nextField(), cursor.sint32()]).toEqual([3, small]);
      expect(cursor.nextField()).toBe(0);
    }),
  );
});

test('over-long varints count, and bits beyond 64 are cut off', () => {
  expect(cursorAt('0885808080808080808000').varint()).toBe(5n);
  expect(cursorAt('08ffffffffffffffffff7f').varint()).toBe(2n ** 64n - 1n);
  expect(cursorAt('08ffffffffffff7f').varint()).toBe(2n ** 49n - 1n);
  expect(cursorAt('08ffffffffffffff7f').varint()).toBe(2n ** 56n - 1n);
});

test('repeated numbers come packed or one by one, and no more than asked for are kept', () => {
  const read = (hex: string, countMax: number): bigint[] => {
    const values: bigint[] = [];
    const cursor = new ProtobufCursor(Buffer.from(hex, 'hex'));
    while (cursor.nextField() !== 0) cursor.varints(values, countMax);
    return values;
  };
  expect(read('0a04010280010803', 9).map(Number)).toEqual([1, 2, 128, 3]);
  expect(read('0a03010203080408050a0106', 4).map(Number)).toEqual([1, 2, 3, 4]);
});

test('unknown fields are skipped, groups with all that is in them', () => {
  skipAll(['0b', '0801', '110102030405060708', '1b1c', '2501020304', '2a0161', '0c', '0801'].join(''));
  skipAll('0b'.repeat(100_000) + '0c'.repeat(100_000));
});

test.each([
  ['a cut tag', '80'],
  ['a cut varint', '0880'],
  ['a varint of eleven bytes', '08ffffffffffffffffffff01'],
  ['cut bytes', '0a0261'],
  ['a length beyond 64 bits', '0affffffffffffffffff01'],
  ['a cut number', '0901020304'],
  ['field 0', '0001'],
  ['the end of a group without its begin', '0c'],
  ['a group without its end', '0b0801'],
  ['wire type 6', '0e'],
])('%s is malformed', (_what, hex) => {
  expect(() => skipAll(hex)).toThrow(expect.objectContaining({ code: 'OTLP_MALFORMED', kind: 'rejected' }));
});

test('a known field with another wire type is malformed', () => {
  expect(() => cursorAt('0801').text()).toThrow('wrong wire type at offset 0');
  expect(() => cursorAt('0801').message()).toThrow('wrong wire type');
  expect(() => cursorAt('0801').fixed64()).toThrow('wrong wire type');
  expect(() => cursorAt('0a00').varint()).toThrow('wrong wire type');
  expect(() => cursorAt('0a0401020304').fixed64s([], 9)).toThrow('part of a number');
});
