import fc from 'fast-check';
import { BufferPool, MessageReader, pooledBufferOf } from './message-reader.js';

function frame(content: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + content.length);
  framed.writeUInt32BE(content.length, 1);
  framed.set(content, 5);
  return framed;
}

test('messages come out whole however they are cut, and buffers that were given back do not mix them up', () => {
  const pool = new BufferPool();
  const contents = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.integer({ min: 0, max: 200_000 }).map((length) => Buffer.alloc(length, length)),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(contents, fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1 }), (messages, cuts) => {
      const reader = new MessageReader(pool, 200_000);
      const sent = Buffer.concat(messages.map(frame));
      const received: Buffer[] = [];
      for (let at = 0, cut = 0; at < sent.length; cut += 1) {
        const length = cuts[cut % cuts.length] as number;
        for (const message of reader.write(sent.subarray(at, at + length))) {
          received.push(Buffer.from(message));
          pool.give(pooledBufferOf(message));
        }
        at += length;
      }
      expect(Buffer.concat(received).equals(sent)).toBe(true);
      expect(received).toHaveLength(messages.length);
      expect(reader.readState).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('a buffer that was given back serves the next message', () => {
  const pool = new BufferPool();
  const reader = new MessageReader(pool, 1000);
  const [first] = reader.write(frame(Buffer.from('first')));
  pool.give(pooledBufferOf(first as Buffer));
  const [second] = reader.write(frame(Buffer.from('second')));
  expect((second as Buffer).buffer).toBe((first as Buffer).buffer);
});

test('a message that says it is longer than the limit is refused by its header alone', () => {
  const header = Buffer.from([0, 0, 0, 3, 233]);
  expect(() => new MessageReader(new BufferPool(), 1000).write(Buffer.concat([header, Buffer.alloc(1)]))).toThrow(
    'Received message larger than max (1001 vs 1000)',
  );
});

test('a header that promises much takes no memory beyond the first buffer', () => {
  const pool = new BufferPool();
  const taken: number[] = [];
  const take = pool.take.bind(pool);
  pool.take = (bytes) => (taken.push(bytes), take(bytes));
  const reader = new MessageReader(pool, 2 ** 31 - 1);
  reader.write(Buffer.from([0, 0x70, 0, 0, 0, 1]));
  expect(reader.readState).not.toBe(0);
  expect(Math.max(...taken)).toBeLessThanOrEqual(2 ** 20);
});
