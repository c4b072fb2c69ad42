import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ChunkCorruptError, ChunkEncodingError, chunkSampleCount, decodeChunk } from './index.js';

const numRuns = process.env.GAUNTLET_LONG === undefined ? 500 : 300_000;

interface Recorded {
  readonly bytes?: string;
  readonly chunks?: readonly { readonly bytes: string }[];
}

/** The short ones, where a change hits something. */
function payloadsOf(name: string): Buffer[] {
  return readFileSync(join(__dirname, '../testdata', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded)
    .flatMap(({ bytes, chunks }) => (bytes === undefined ? (chunks ?? []).map((chunk) => chunk.bytes) : [bytes]))
    .map((bytes) => Buffer.from(bytes, 'base64'))
    .filter(({ length }) => length < 600);
}

const recorded = [
  { encoding: 1, payloads: payloadsOf('xor.jsonl') },
  { encoding: 2, payloads: payloadsOf('histogram.jsonl') },
  { encoding: 3, payloads: payloadsOf('floathistogram.jsonl') },
  { encoding: 4, payloads: payloadsOf('xor2.jsonl') },
  { encoding: 5, payloads: payloadsOf('histogram-st.jsonl') },
  { encoding: 6, payloads: payloadsOf('floathistogram-st.jsonl') },
];

/** Decodes; throws unless it gives samples or tells of corruption at a byte of the payload. */
function decodesOrTells(encoding: number, payload: Uint8Array): void {
  try {
    const samples = decodeChunk(encoding, payload);
    expect(samples).toHaveLength(chunkSampleCount(encoding, payload));
  } catch (error) {
    if (!(error instanceof ChunkCorruptError)) throw error;
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(payload.length);
  }
}

test.each(recorded)(
  'a mangled chunk of encoding $encoding decodes or is reported as corrupt',
  ({ encoding, payloads }) => {
    const mutations = fc.record({
      payload: fc.constantFrom(...payloads),
      flips: fc.array(fc.record({ at: fc.oneof(fc.nat(40), fc.nat()), byte: fc.nat(255) }), { maxLength: 4 }),
      cut: fc.option(fc.nat()),
    });
    fc.assert(
      fc.property(mutations, ({ payload, flips, cut }) => {
        const bytes = Buffer.from(payload);
        for (const { at, byte } of flips) bytes[at % bytes.length] = byte;
        decodesOrTells(encoding, cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1)));
      }),
      { numRuns },
    );
  },
);

test.each(recorded)('any bytes as a chunk of encoding $encoding decode or are reported as corrupt', ({ encoding }) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodesOrTells(encoding, bytes)),
    { numRuns },
  );
});

test.each(recorded)('a chunk of encoding $encoding that ends early is corrupt', ({ encoding, payloads }) => {
  for (const payload of payloads.slice(0, 20)) {
    for (let length = 0; length < payload.length; length += 1) {
      expect(() => decodeChunk(encoding, payload.subarray(0, length))).toThrow(ChunkCorruptError);
    }
  }
});

test('a chunk that names a billion buckets, spans or bounds is corrupt before anything is allocated for them', () => {
  const start = Buffer.from('00010000', 'hex'); // One sample, no flags, threshold 0.
  const bits = (text: string): Buffer =>
    Buffer.from((text.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, '0'), 2)));
  const many = `11111110${(2 ** 30).toString(2).padStart(56, '0')}`;
  const schema = '0'; // 0.
  const custom = `1110${(2 ** 9 - 53).toString(2)}`; // -53.
  for (const encoding of [2, 3, 5, 6]) {
    for (const layout of [
      `${schema}10001${many}0`, // One positive span of 2^30 buckets.
      `${schema}${many}`, // 2^30 spans.
      `${schema}0${many}`,
      `${custom}00${many}`, // 2^30 bounds.
    ]) {
      const payload = Buffer.concat([start, bits(layout), Buffer.alloc(64)]);
      expect(() => decodeChunk(encoding, payload)).toThrow(ChunkCorruptError);
    }
  }
});

test('encodings without a decoder are refused by name', () => {
  for (const encoding of [0, 7, 130, 255]) {
    expect(() => decodeChunk(encoding, Buffer.alloc(9))).toThrow(ChunkEncodingError);
    expect(() => chunkSampleCount(encoding, Buffer.alloc(9))).toThrow(`encoding ${encoding} is not supported`);
  }
});
