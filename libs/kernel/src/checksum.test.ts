import fc from 'fast-check';
import { crc32c, crc32cTwin, xxh64, xxh64Twin } from './index.js';

test('known checksums and hashes come out', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
  expect(xxh64(Buffer.from(''))).toBe(0xef46db3751d8e999n);
  expect(xxh64(Buffer.from('a'))).toBe(0xd24ec4f1a98c6e5bn);
  expect(xxh64(Buffer.from('abc'))).toBe(0x44bc2cf5ad770999n);
});

test('kernel and twin agree on any bytes, at any place in their buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, skip) => {
      const piece = bytes.subarray(skip);
      expect(crc32c(piece)).toBe(crc32cTwin(piece));
      expect(xxh64(piece)).toBe(xxh64Twin(piece));
    }),
  );
});

test('a checksum may be taken in parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }),
  );
  const large = Buffer.alloc(200_000, 'seventeen bytes..');
  expect(crc32c(large)).toBe(crc32cTwin(large));
});
