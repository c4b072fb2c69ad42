import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as snappy from 'snappy';
import { MessageError, snappyBlockDecode, snappyBlockEncode, snappyFramedDecode, snappyFramedEncode } from './index.js';
import { decodeBlock, encodeBlock } from './twin/snappy-block.js';
import { decodeStream, encodeStream } from './twin/snappy-framed.js';

type Outcome = { error: string } | { length: number; sha256: string };
interface Case {
  readonly name: string;
  readonly input?: string;
  readonly stream?: string;
  readonly thanos: Outcome;
}

const bytesMax = 1 << 27;

function cases(file: string): Case[] {
  return (JSON.parse(readFileSync(join(__dirname, '../testdata', file), 'utf8')) as { cases: Case[] }).cases;
}

function outcomeOf(decode: () => Uint8Array): Outcome {
  try {
    const content = decode();
    return { length: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  } catch (error) {
    if (error instanceof MessageError && error.code === 'SNAPPY_CORRUPT') return { error: 'corrupt' };
    throw error;
  }
}

function expected(outcome: Outcome): Outcome {
  return 'error' in outcome ? { error: 'corrupt' } : { length: outcome.length, sha256: outcome.sha256 };
}

describe('blocks', () => {
  test.each([
    ['kernel', snappyBlockDecode],
    ['twin', decodeBlock],
  ] as const)('%s decodes and refuses what the recordings say', (_, decode) => {
    const wrong = cases('snappy-block.json').filter((each) => {
      const outcome = outcomeOf(() => decode(Buffer.from(each.input!, 'base64'), bytesMax));
      return JSON.stringify(outcome) !== JSON.stringify(expected(each.thanos));
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('a block that declares more than the limit is too large, and one that lies about it is corrupt', () => {
    const block = snappyBlockEncode(Buffer.alloc(100_000, 'abc'));
    expect(() => snappyBlockDecode(block, 99_999)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_TOO_LARGE', kind: 'rejected' }),
    );
    expect(snappyBlockDecode(block, 100_000)).toHaveLength(100_000);
    const lie = Buffer.from('ffffffff0f0000', 'hex');
    expect(() => snappyBlockDecode(lie, 1000)).toThrow(expect.objectContaining({ code: 'SNAPPY_CORRUPT' }));
    expect(() => snappyBlockDecode(lie, 1000)).toThrow(/^snappy decode error: /);
  });
});

describe('streams', () => {
  test.each([
    ['kernel', snappyFramedDecode],
    ['twin', decodeStream],
  ] as const)('%s decodes and refuses what the recordings say', (_, decode) => {
    const wrong = cases('snappy-framed.json').filter((each) => {
      const outcome = outcomeOf(() => decode(Buffer.from(each.stream!, 'base64'), bytesMax));
      return JSON.stringify(outcome) !== JSON.stringify(expected(each.thanos));
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('a stream whose chunks declare more than the limit is too large', () => {
    const stream = snappyFramedEncode(Buffer.alloc(200_000, 'abc'));
    expect(() => snappyFramedDecode(stream, 199_999)).toThrow(expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }));
    expect(snappyFramedDecode(stream, 200_000)).toHaveLength(200_000);
  });
});

/** Bytes with the repetitions that make an encoder write copies of all kinds. */
const repetitive = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 60 })), { maxLength: 60 }),
  )
  .map(([words, picks]) =>
    Buffer.concat(picks.flatMap(([word, times]) => Array<Uint8Array>(times).fill(words[word % words.length]!))),
  );

test('content survives our encoders and decoders, their twins, and those of the snappy package', () => {
  fc.assert(
    fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 300 }).map(Buffer.from)), (content) => {
      const block = snappyBlockEncode(content);
      const foreign = snappy.compressSync(content, { copyOutputData: true });
      for (const back of [
        snappyBlockDecode(block, bytesMax),
        decodeBlock(block, bytesMax),
        snappy.uncompressSync(block, { asBuffer: true, copyOutputData: true }) as Buffer,
        snappyBlockDecode(foreign, bytesMax),
        snappyBlockDecode(encodeBlock(content), bytesMax),
      ]) {
        if (!content.equals(back)) throw new Error('a block came back changed');
      }
      const stream = snappyFramedEncode(content);
      for (const back of [
        snappyFramedDecode(stream, bytesMax),
        decodeStream(stream, bytesMax),
        snappyFramedDecode(encodeStream(content), bytesMax),
      ]) {
        if (!content.equals(back)) throw new Error('a stream came back changed');
      }
      expect(block.length).toBeLessThanOrEqual(32 + content.length + content.length / 6);
    }),
    { numRuns: 300 },
  );
});

test('large contents of several chunks survive, and shrink if they can', () => {
  const text = Buffer.from(
    Array.from(
      { length: 20_000 },
      (_, index) => `series{instance="host-${index % 97}",code="${index % 7}"} ${index}\n`,
    ).join(''),
  );
  const noise = Buffer.from(
    Uint32Array.from({ length: 70_000 }, (_, index) => Math.imul(index ^ 0x5bd1e995, 2654435761)).buffer,
  );
  for (const content of [text, noise, Buffer.alloc(1_000_000), text.subarray(0, 65536), text.subarray(0, 65537)]) {
    expect(snappyBlockDecode(snappyBlockEncode(content), bytesMax).equals(content)).toBe(true);
    expect(snappyFramedDecode(snappyFramedEncode(content), bytesMax).equals(content)).toBe(true);
    expect(
      (snappy.uncompressSync(snappyBlockEncode(content), { asBuffer: true, copyOutputData: true }) as Buffer).equals(
        content,
      ),
    ).toBe(true);
  }
  expect(snappyBlockEncode(text).length).toBeLessThan(text.length / 3);
});

test('on damaged blocks and streams, kernel and twin agree to the byte and never crash', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(repetitive, damage, fc.nat(), fc.boolean(), (content, changes, cut, framed) => {
      const bytes = framed ? snappyFramedEncode(content) : snappyBlockEncode(content);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      const damaged = cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes;
      const [kernel, twin] = framed ? [snappyFramedDecode, decodeStream] : [snappyBlockDecode, decodeBlock];
      expect(outcomeOf(() => kernel(damaged, bytesMax))).toEqual(outcomeOf(() => twin(damaged, bytesMax)));
    }),
    { numRuns: 500 },
  );
});

test('on garbage, kernel and twin agree and never crash', () => {
  const element = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.tuple(fc.nat(255), fc.nat(8)).map(([tag, offset]) => Uint8Array.of(tag, offset, 0)),
  );
  fc.assert(
    fc.property(fc.nat(100), fc.array(element, { maxLength: 8 }), (length, elements) => {
      const garbage = Buffer.concat([Uint8Array.of(length), ...elements]);
      expect(outcomeOf(() => snappyBlockDecode(garbage, bytesMax))).toEqual(
        outcomeOf(() => decodeBlock(garbage, bytesMax)),
      );
    }),
    { numRuns: 2000 },
  );
});
