import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  ChunkCorruptError,
  ChunkEncodingError,
  XorAppender,
  chunkDecoder,
  decodeXor,
  encodeXor,
  type FloatSample,
} from './index.js';

interface Recorded {
  readonly name: string;
  readonly samples: readonly (readonly [string, string])[];
  readonly bytes: string;
}

const recordings = readFileSync(join(__dirname, '../testdata/xor.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

const samplesOf = (recorded: Recorded): FloatSample[] =>
  recorded.samples.map(([t, bits]) => ({ timestampMs: BigInt(t), bits: BigInt(`0x${bits}`) }));

test.each(recordings)('recorded chunk $name is written and read as Prometheus does', (recorded) => {
  const bytes = Buffer.from(recorded.bytes, 'base64');
  expect(Buffer.from(encodeXor(samplesOf(recorded))).toString('hex')).toBe(bytes.toString('hex'));
  expect(decodeXor(bytes)).toEqual(samplesOf(recorded));
});

test('the worked example of the specification comes out byte for byte', () => {
  const t = 1_700_000_000_000n;
  const chunk = encodeXor([
    { timestampMs: t, bits: 0x3ff0000000000000n },
    { timestampMs: t + 15_000n, bits: 0x4000000000000000n },
    { timestampMs: t + 30_001n, bits: 0x4008000000000000n },
  ]);
  expect(Buffer.from(chunk).toString('hex')).toBe('000380a0abfef9623ff00000000000009875c25fff8001d80c');
});

const sampleRuns = fc
  .record({
    start: fc.bigInt(-(2n ** 63n), 2n ** 62n),
    steps: fc.array(
      fc.record({
        step: fc.oneof(
          fc.constantFrom(1n, 15_000n, 15_001n, 23_191n, 23_193n),
          fc.bigInt(1n, 2n ** 21n),
          fc.bigInt(1n, 2n ** 54n),
        ),
        bits: fc.oneof(
          fc.constantFrom(0n, 2n ** 63n, 0x7ff0000000000002n, 0x7ff8000000000001n, 1n),
          fc.bigInt(0n, 2n ** 64n - 1n),
        ),
      }),
      { maxLength: 200 },
    ),
  })
  .map(({ start, steps }) => {
    let timestampMs = start;
    return steps.map(({ step, bits }) => ({ timestampMs: (timestampMs += step), bits }));
  });

test('any rising run of samples is read back as it was written, bits and all', () => {
  fc.assert(
    fc.property(sampleRuns, fc.boolean(), (samples, isPadded) => {
      const bytes = encodeXor(samples);
      // Older writers leave a whole unused byte at the end.
      expect(decodeXor(isPadded ? Buffer.concat([bytes, Buffer.of(0)]) : bytes)).toEqual(samples);
    }),
  );
});

test('a chunk cut short anywhere is reported as corrupt, never as fewer samples', () => {
  const samples = Array.from({ length: 20 }, (_, i) => ({
    timestampMs: BigInt(i * i * 1000),
    bits: BigInt(i) * 0x123456789n,
  }));
  const bytes = encodeXor(samples);
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => decodeXor(bytes.subarray(0, length))).toThrow(ChunkCorruptError);
  }
});

test('an encoding without a decoder is named in the error', () => {
  expect(chunkDecoder(1)).toBe(decodeXor);
  expect(() => chunkDecoder(2)).toThrow(ChunkEncodingError);
  expect(() => chunkDecoder(2)).toThrow('Cannot decode chunk: encoding 2 is not supported');
});

test('the README example holds', () => {
  const appender = new XorAppender();
  appender.append(1_700_000_000_000n, 0x3ff0000000000000n); // 1.0
  appender.append(1_700_000_015_000n, 0x7ff0000000000002n); // A stale marker.
  const payload = appender.bytes();
  expect(appender.sampleCount).toBe(2);
  expect(chunkDecoder(1)(payload).map(({ timestampMs }) => timestampMs)).toEqual([
    1_700_000_000_000n,
    1_700_000_015_000n,
  ]);
});
