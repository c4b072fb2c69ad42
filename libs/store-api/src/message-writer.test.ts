import fc from 'fast-check';
import { MessageWriter, int64FieldBytes, varint64Bytes } from './message-writer.js';
import { decodeMessage } from './testing/messages.js';

test.each<[number, string]>([
  [1, '1'],
  [-1, '-1'],
  [2 ** 32, '4294967296'],
  [-(2 ** 32) - 1, '-4294967297'],
  [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  [Number.MIN_SAFE_INTEGER, '-9007199254740991'],
  [2 ** 60, '1152921504606846976'],
  [2 ** 63, '9223372036854775807'],
  [-(2 ** 63), '-9223372036854775808'],
  [Infinity, '9223372036854775807'],
  [-Infinity, '-9223372036854775808'],
])('%d is sent as %s', (value, text) => {
  const message = new MessageWriter();
  message.int64(1, value);
  expect(decodeMessage('thanos.SeriesRequest', message.view()).minTime).toBe(text);
  expect(message.length).toBe(int64FieldBytes(value));
});

test('zero takes no bytes', () => {
  const message = new MessageWriter();
  message.int64(1, 0);
  expect([message.length, int64FieldBytes(0)]).toEqual([0, 0]);
});

test('lengths of numbers are known before they are written', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.oneof(fc.constant(0), fc.nat(0xffff_ffff)), (low, high) => {
      const message = new MessageWriter();
      message.varint64(low, high);
      expect(message.length).toBe(varint64Bytes(low, high));
    }),
  );
});

test('others read what is written', () => {
  const names = fc.array(fc.string({ unit: 'binary', maxLength: 150 }), { maxLength: 5 });
  fc.assert(
    fc.property(names, fc.double({ noDefaultInfinity: true }), fc.maxSafeInteger(), (list, value, ts) => {
      const bits = Buffer.alloc(8);
      bits.writeDoubleLE(value);
      const message = new MessageWriter(1);
      message.message(1, (data) => {
        data.message(1, (labels) => {
          for (const name of list) labels.message(1, (label) => label.string(1, name));
        });
        data.message(2, (exemplar) => {
          exemplar.double(2, bits.readBigInt64LE());
          exemplar.int64(3, ts);
        });
      });
      const { data } = decodeMessage('thanos.ExemplarsResponse', message.view());
      expect(data.seriesLabels.labels).toEqual(list.map((name) => ({ name })));
      expect(data.exemplars[0]).toEqual({ value, ts: ts === 0 ? undefined : String(ts) });
    }),
  );
});
