import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { md5 } from './md5.js';

test('digests are those of node:crypto, whatever the length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Buffer.from(md5(bytes)).toString('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
    }),
  );
});
