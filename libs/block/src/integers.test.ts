import fc from 'fast-check';
import { ByteCursor } from './byte-cursor.js';
import { putUint64, putUvarint, putUvarintDifference, putVarint, putVarint64, uvarintLength } from './integers.js';

const cursorOf = (bytes: Uint8Array): ByteCursor => new ByteCursor(bytes, { part: 'INDEX', file: 'index', offset: 0 });

test('the ends of int64 in zig-zag form', () => {
  const bytes = Buffer.alloc(10);
  putVarint(bytes, 0, -Infinity);
  expect(bytes.toString('hex')).toBe('ffffffffffffffffff01');
  putVarint(bytes, 0, Infinity);
  expect(bytes.toString('hex')).toBe('feffffffffffffffff01');
});

test('safe integers come back', () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.maxSafeNat(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (signed, natural, int64) => {
        const bytes = new Uint8Array(50);
        let at = putVarint(bytes, 0, signed);
        at = putUvarint(bytes, at, natural);
        expect(uvarintLength(natural)).toBe(at - putVarint(new Uint8Array(10), 0, signed));
        at = putVarint64(bytes, at, int64);
        at = putUvarintDifference(bytes, at, natural, signed);
        at = putUint64(bytes, at, natural);
        const cursor = cursorOf(bytes.subarray(0, at));
        expect([cursor.varint64(), cursor.uvarint(), cursor.varint64()]).toEqual([BigInt(signed), natural, int64]);
        expect(cursor.uvarint64()).toBe(BigInt.asUintN(64, BigInt(natural) - BigInt(signed)));
        expect(cursor.uint64()).toBe(natural);
        expect(cursor.isAtEnd).toBe(true);
      },
    ),
  );
});

test.each([
  ['an end in the middle', '80'],
  ['eleven bytes', 'ffffffffffffffffffff01'],
  ['a 65th bit', 'ffffffffffffffffff02'],
])('an integer with %s is an error', (_, hex) => {
  expect(() => cursorOf(Buffer.from(hex, 'hex')).uvarint64()).toThrow(expect.objectContaining({ kind: 'corrupt' }));
});
