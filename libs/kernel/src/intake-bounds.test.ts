import { MiB } from '@gauntlet/base';
import { createIntake, readRow } from './index.js';

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.of(...bytes, value);
}

const prometheus = { kind: 'prometheus', tenant: 'a' } as const;

/** A series field that holds `samples` empty samples. */
function emptySamples(samples: number): Buffer {
  const content = Buffer.alloc(samples * 2, Buffer.of(0x12, 0));
  return Buffer.concat([Buffer.of(0x0a), varint(content.length), content]);
}

test.each([
  ['series', () => Buffer.alloc(2 * (2 ** 20 + 1), Buffer.of(0x0a, 0))],
  ['samples', () => emptySamples(2 ** 23 + 1)],
])('more %s than the tables may hold are refused, and the next message is taken', (_name, message) => {
  const intake = createIntake({ messageBytesMax: 64 * MiB });
  for (let i = 0; i < 2; i += 1) {
    expect(() => intake.scan(message(), 'identity', prometheus)).toThrow(
      expect.objectContaining({ kind: 'rejected', code: 'MESSAGE_TOO_LARGE' }),
    );
  }
  expect(intake.scan(emptySamples(3), 'identity', prometheus).sampleCount).toBe(3);
});

test('as many series, and as many samples, as the tables hold are taken, one request after the other', () => {
  const intake = createIntake({ messageBytesMax: 64 * MiB });
  expect(intake.scan(emptySamples(2 ** 23), 'identity', prometheus).sampleCount).toBe(2 ** 23);
  expect(intake.scan(Buffer.alloc(2 ** 21, Buffer.of(0x0a, 0)), 'identity', prometheus).rowCount).toBe(2 ** 20);
});

test('the memory of an outlier is given up with the next scan', () => {
  const intake = createIntake({ messageBytesMax: 160 * MiB });
  const filler = Buffer.concat([Buffer.of(0x7a), varint(140 * MiB), Buffer.alloc(140 * MiB)]);
  expect(
    intake.scan(Buffer.concat([filler, emptySamples(1)]), 'identity', prometheus).body.buffer.byteLength,
  ).toBeGreaterThan(256 * MiB);
  const batch = intake.scan(emptySamples(2), 'identity', prometheus);
  expect(batch.body.buffer.byteLength).toBeLessThan(16 * MiB);
  expect(readRow(batch, 0).samples).toHaveLength(2);
});
