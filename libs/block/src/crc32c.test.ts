import fc from 'fast-check';
import { crc32c } from './crc32c.js';

test('gives the check value', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

test('agrees with a division bit by bit, in one piece and in two', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), (bytes, cut) => {
      let crc = 0xffffffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
      }
      const middle = Math.min(cut, bytes.length);
      expect(crc32c(bytes)).toBe(~crc >>> 0);
      expect(crc32c(bytes, crc32c(bytes, 0, 0, middle), middle)).toBe(~crc >>> 0);
    }),
  );
});
