import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { forEachMutation } from '@gauntlet/base/testing';
import { decodeRejections, encodeRejections, rejectionsMax, RejectionsMalformedError } from './rejection-codec.js';
import { rejectedItems, rejectionReasons, type Rejection } from './rejection.js';

const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  parse(text: string): {
    root: {
      lookupType(name: string): {
        decode(bytes: Uint8Array): object;
        encode(message: object): { finish(): Uint8Array };
        fromObject(object: object): object;
        toObject(message: object, options: object): { rejections?: Record<string, unknown>[] };
      };
    };
  };
};
const proto = readFileSync(join(__dirname, '../../../proto/gauntlet/write/v1/write.proto'), 'utf8');
const WriteResponse = protobuf.parse(proto).root.lookupType('gauntlet.write.v1.WriteResponse');

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const anyRejection: fc.Arbitrary<Rejection> = fc
  .record({
    series: fc.oneof(fc.nat(1000), u32),
    item: fc.constantFrom(...rejectedItems),
    first: fc.oneof(fc.nat(100), u32),
    count: fc.oneof(
      fc.integer({ min: 1, max: 100 }),
      u32.map((n) => Math.max(n, 1)),
    ),
    reason: fc.constantFrom(...rejectionReasons),
  })
  .map((rejection) => (rejection.item === 'series' ? { ...rejection, first: 0, count: 1 } : rejection));

/** As enums name them: `outOfBounds` is `REASON_OUT_OF_BOUNDS`. */
const enumName = (prefix: string, name: string): string =>
  `${prefix}_${name === 'unknown' ? 'UNSPECIFIED' : name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

test('what is encoded is decoded, by us and by whoever has the description', () => {
  fc.assert(
    fc.property(fc.array(anyRejection, { maxLength: 30 }), (rejections) => {
      const body = encodeRejections(rejections);
      expect(decodeRejections(body)).toEqual(rejections);
      const described = WriteResponse.toObject(WriteResponse.decode(body), { enums: String, defaults: true });
      expect(described.rejections).toEqual(
        rejections.map(({ item, reason, ...rest }) => ({
          ...rest,
          item: enumName('ITEM', item),
          reason: enumName('REASON', reason),
        })),
      );
    }),
  );
});

test('the empty answer of a Thanos ingester has no rejections', () => {
  expect(decodeRejections(Buffer.alloc(0))).toEqual([]);
  expect(encodeRejections([])).toHaveLength(0);
});

test.each<[string, object, Partial<Rejection>]>([
  ['a reason', { item: 2, first: 3, count: 4, reason: 99 }, { item: 'sample', first: 3, count: 4, reason: 'unknown' }],
  // Something in the series was refused: nothing of it may be held stored.
  [
    'a kind of item',
    { item: 9, first: 3, count: 4, reason: 9 },
    { item: 'series', first: 0, count: 1, reason: 'outOfOrder' },
  ],
  [
    'that there is a count',
    { item: 2, first: 3, reason: 9 },
    { item: 'sample', first: 3, count: 1, reason: 'outOfOrder' },
  ],
])('an answer need not say what we know: %s', (_what, message, expected) => {
  const body = WriteResponse.encode(WriteResponse.fromObject({ rejections: [{ series: 7, ...message }] })).finish();
  expect(decodeRejections(body)).toEqual([{ series: 7, ...expected }]);
});

test('unknown fields are passed over', () => {
  // Field 1 of the answer, and field 9 of a rejection of series 7.
  const body = Buffer.from([0x08, 1, 0xca, 0x3e, 6, 0x08, 7, 0x10, 1, 0x48, 5]);
  expect(decodeRejections(body)).toEqual([{ series: 7, item: 'series', first: 0, count: 1, reason: 'unknown' }]);
});

test.each([
  ['cut short', [0xca, 0x3e, 9, 0x08], /a field is cut short at byte 0$/],
  ['with a number of 33 bits', [0xca, 0x3e, 6, 0x08, 0x80, 0x80, 0x80, 0x80, 0x10], /a number has more than 32 bits/],
  ['of another wire type', [0xc8, 0x3e, 1], /a field has the wrong wire type at byte 0$/],
])('an answer %s is refused with the place', (_case, bytes, message) => {
  let error: unknown;
  try {
    decodeRejections(Buffer.from(bytes));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(RejectionsMalformedError);
  expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringMatching(message) });
});

test('a message of too many rejections is refused', () => {
  const one = encodeRejections([{ series: 0, item: 'series', first: 0, count: 1, reason: 'unknown' }]);
  const body = Buffer.alloc(one.length * (rejectionsMax + 1), one);
  expect(() => decodeRejections(body)).toThrow('there are too many');
  expect(decodeRejections(body.subarray(one.length))).toHaveLength(rejectionsMax);
});

test('damaged bytes are decoded or refused', async () => {
  const good = encodeRejections(
    Array.from({ length: 50 }, (_, i) => ({
      series: i * 1000,
      item: rejectedItems[i % 4]!,
      first: i,
      count: i + 1,
      reason: rejectionReasons[i % rejectionReasons.length]!,
    })),
  );
  let refused = 0;
  await forEachMutation(good, { count: 3000 }, ({ bytes }) => {
    try {
      for (const { series, first, count } of decodeRejections(bytes)) {
        expect(series + first).toBeGreaterThanOrEqual(0);
        expect(count).toBeGreaterThan(0);
      }
    } catch (error) {
      if (!(error instanceof RejectionsMalformedError)) throw error;
      expect(error.byteOffset).toBeLessThanOrEqual(bytes.length);
      refused += 1;
    }
  });
  expect(refused).toBeGreaterThan(500);
});

test('any bytes are decoded or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeRejections(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RejectionsMalformedError);
      }
    }),
  );
});
