import fc from 'fast-check';
import { FieldReader } from './field-reader.js';
import { MessageWriter } from './message-writer.js';
import { encodeMessage } from './testing/messages.js';

const fieldsOf = (hex: string): FieldReader => new FieldReader(Buffer.from(hex, 'hex'));

function readAll(fields: FieldReader): number[] {
  const numbers: number[] = [];
  while (fields.next()) {
    numbers.push(fields.number);
    fields.skip();
  }
  return numbers;
}

test('times are exact where a number is, and without bound where it is not', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (time) => {
      const fields = new FieldReader(encodeMessage('thanos.SeriesRequest', { maxTime: String(time) }));
      fields.next();
      const read = fields.int64();
      if (time <= BigInt(Number.MAX_SAFE_INTEGER) && time >= BigInt(Number.MIN_SAFE_INTEGER))
        expect(BigInt(read)).toBe(time);
      else expect(read).toBe(time > 0n ? Infinity : -Infinity);
    }),
  );
});

test.each([
  ['-1', '08ffffffffffffffffff01', -1],
  ['the least one', '0880808080808080808001', 0],
  ['a longer one than it needs', '0885808000', 5],
])('an int32 is the low half of what was sent: %s', (_name, hex, value) => {
  const fields = fieldsOf(hex);
  fields.next();
  expect(fields.int32()).toBe(value);
});

test('fields that nobody knows are passed over, groups too', () => {
  // Varint, 8 bytes, text, group with a text and a group in it, 4 bytes.
  const fields = fieldsOf('0805' + '110102030405060708' + '1a0161' + '230a01612b2c24' + '2d01020304');
  expect(readAll(fields)).toEqual([1, 2, 3, 4, 5]);
});

test('texts may begin with a byte order mark, which is part of them', () => {
  const fields = fieldsOf('0a04efbbbf61');
  fields.next();
  expect(fields.string()).toBe('\ufeffa');
});

test.each([
  ['ends inside a tag', 'ff'],
  ['ends inside a number', '0880'],
  ['ends inside a text', '0a0561'],
  ['has a text of 2^63 bytes', '0affffffffffffffff7f'],
  ['ends inside a group', '230801'],
  ['ends another group than began', '230801' + '2c'],
  ['ends a group that never began', '24'],
  ['has groups in groups without end', '23'.repeat(200_000)],
  ['has a field 0', '0001'],
  ['has a wire type that does not exist', '0e01'],
  ['has a number of more than ten bytes', '0880808080808080808080808001'],
])('a message is refused that %s', (_name, hex) => {
  expect(() => readAll(fieldsOf(hex))).toThrow(expect.objectContaining({ code: 'RPC_MESSAGE_UNREADABLE' }));
});

test('a known field of another type is refused', () => {
  const fields = fieldsOf('0805');
  fields.next();
  expect(() => fields.bytes()).toThrow('wrong wireType = 0 for field 1');
});

test('no bytes make it fail in another way, or never end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        readAll(new FieldReader(bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: 'RPC_MESSAGE_UNREADABLE' });
      }
    }),
  );
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.string({ unit: 'binary', maxLength: 20 }), fc.boolean(), (time, text, flag) => {
      const message = new MessageWriter(1);
      message.int64(1, time);
      message.string(2, text);
      message.bool(3, flag);
      const fields = new FieldReader(message.view());
      const read = { time: 0, text: '', flag: false };
      while (fields.next()) {
        if (fields.number === 1) read.time = fields.int64();
        if (fields.number === 2) read.text = fields.string();
        if (fields.number === 3) read.flag = fields.bool();
      }
      expect(read).toEqual({ time, text: text, flag });
    }),
  );
});
