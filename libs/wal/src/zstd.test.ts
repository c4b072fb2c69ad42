import fc from 'fast-check';
import { kernelCodec } from './codec.js';
import { readSegment } from './segment-reader.js';
import { goldenFiles, goldenLines, type GoldenRecord } from './testing/golden.js';
import { zstdDecode } from './zstd.js';

const KiB = 1024;

/** The frames of the recorded log. */
async function goldenFrames(): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  const keep = (bytes: Uint8Array): Uint8Array => {
    frames.push(Buffer.from(bytes));
    return bytes;
  };
  for (const bytes of goldenFiles('good/all-records-zstd/wal').values()) {
    const file = {
      read: async (into: Uint8Array, position: number) => bytes.copy(into, 0, position, position + into.length),
    };
    const codec = { ...kernelCodec, zstdDecode: keep };
    await readSegment(file as Parameters<typeof readSegment>[0], codec, { onRecord: () => undefined });
  }
  return frames;
}

test('recorded frames decompress to the recorded records', async () => {
  const records = goldenLines<GoldenRecord>('good/all-records-none/records.jsonl.gz').map(({ record }) => record);
  const frames = await goldenFrames();
  expect(frames.length).toBeGreaterThan(20);
  for (const frame of frames) {
    const record = zstdDecode(frame, 256 * KiB);
    expect(records).toContain(Buffer.from(record).toString('base64'));
  }
});

const frameOf = (...parts: number[][]): Buffer => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...parts.flat()]);
/** Header of a block: size, type and whether it is the last. */
const block = (size: number, type: number, isLast: boolean): number[] => {
  const header = (size << 3) | (type << 1) | Number(isLast);
  return [header & 0xff, (header >> 8) & 0xff, header >> 16];
};
const noSize = [0x00, 0x38]; // And a window of 128 KiB.

test('a frame without a size counts what its blocks amount to', () => {
  const repeated = [...block(100_000, 1, false), 7, ...block(100_000, 1, true), 7];
  expect(zstdDecode(frameOf(noSize, repeated), 200_000)).toHaveLength(200_000);
  expect(() => zstdDecode(frameOf(noSize, repeated), 199_999)).toThrow('blocks exceed the frame');
});

test.each([
  ['a size beyond the bound', frameOf([0xa0, 0xff, 0xff, 0xff, 0x7f], block(0, 0, true)), 'too large'],
  ['a size beyond 2^53', frameOf([0xe0, ...Array<number>(8).fill(0xff)], block(0, 0, true)), 'too large'],
  ['a window beyond the bound', frameOf([0x00, 0xf8], block(0, 0, true)), 'too large'],
  ['a block of 2 MiB', frameOf(noSize, block(2 ** 21 - 1, 1, true), [7]), 'a block is too large'],
  [
    'blocks longer than its size',
    frameOf([0x20, 5], block(5, 1, false), [7], block(1, 1, true), [7]),
    'blocks exceed the frame',
  ],
  ['a dictionary', frameOf([0x21, 1, 5], block(5, 1, true), [7]), 'reserved bit or dictionary'],
  ['bytes behind it', frameOf([0x20, 5], block(5, 1, true), [7, 0]), 'not one whole frame'],
  ['no last block', frameOf([0x20, 5], block(5, 1, false), [7]), 'Offset is outside'],
  ['another magic number', Buffer.from('5a2a4d1800000000', 'hex'), 'not a Zstandard frame'],
])('a frame with %s is refused before anything is allocated for it', (_, frame, message) => {
  expect(() => zstdDecode(frame, 1024 * KiB)).toThrow(message);
});

test('a mangled frame decompresses to no more than the bound, or throws', async () => {
  const frames = await goldenFrames();
  const mutations = fc.record({
    frame: fc.constantFrom(...frames),
    flips: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(mutations, ({ frame, flips }) => {
      const bytes = Buffer.from(frame);
      for (const { at, byte } of flips) bytes[at % bytes.length] = byte;
      let length = 0;
      try {
        length = zstdDecode(bytes, 1024 * KiB).length;
      } catch {
        return;
      }
      expect(length).toBeLessThanOrEqual(1024 * KiB);
    }),
    { numRuns: process.env.GAUNTLET_LONG === undefined ? 500 : 10_000 },
  );
});
