import fc from 'fast-check';
import { readUvarint } from './read-uvarint.js';

function read(bytes: readonly number[]): { value: bigint | undefined; bytesRead: number } {
  let at = 0;
  const value = readUvarint(() => bytes[at++] ?? fail());
  return { value, bytesRead: at };
}

function fail(): never {
  throw new Error('no byte is left');
}

/** The shortest form, or one that is padded with groups of zeros. */
function write(value: bigint, bytesMin = 1): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0n || bytes.length < bytesMin; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes[bytes.length - 1]! &= 127;
  return bytes;
}

test('what was written is read, in whatever length, and no byte more', () => {
  const number = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(300).map(BigInt));
  fc.assert(
    fc.property(number, fc.integer({ min: 1, max: 10 }), (value, bytesMin) => {
      const bytes = write(value, bytesMin);
      expect(read([...bytes, 1])).toEqual({ value, bytesRead: bytes.length });
    }),
  );
});

test('of the tenth byte the lowest bit counts', () => {
  expect(read([...Array<number>(9).fill(0xff), 0x7f]).value).toBe(2n ** 64n - 1n);
  expect(read([...Array<number>(9).fill(0x80), 0x7e]).value).toBe(0n);
});

test('eleven bytes are no number', () => {
  expect(read([...Array<number>(10).fill(0x80), 0])).toEqual({ value: undefined, bytesRead: 10 });
});

test('the end of the bytes is the reader’s to judge', () => {
  expect(() => read([0x80])).toThrow('no byte is left');
});
