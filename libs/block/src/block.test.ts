import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { compareLabels } from '@gauntlet/model';
import { MemorySource } from './byte-source.js';
import { readChunk } from './chunk-reader.js';
import { crc32c } from './crc32c.js';
import { type BlockIndex, openIndex } from './index-reader.js';
import {
  cursorOf,
  encodeLabels,
  exampleSeries,
  exampleTimeMs,
  filesOf,
  memoryBlock,
  testdata,
} from './testing/fixtures.js';
import { type BlockSeries, type WriteBlockOptions, writeBlock } from './write-block.js';

const refused = expect.objectContaining({ kind: 'corrupt', code: 'BLOCK_INDEX_CORRUPT', file: 'index' });

async function write(series: readonly BlockSeries[], options: WriteBlockOptions = {}) {
  const block = memoryBlock();
  const stats = await writeBlock(cursorOf(series), block, options);
  return { stats, files: block.files() };
}

async function walk(index: BlockIndex): Promise<void> {
  const series = index.allSeries();
  while (!(await series.next()).done);
  for (const name of index.labelNames()) for (const value of index.labelValues(name)) await index.postings(name, value);
}

const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'é', '\uffff', '\u{1f600}', '\0'),
  minLength: 1,
  maxLength: 5,
});
const labelSet = fc.uniqueArray(fc.tuple(text, text), { minLength: 1, maxLength: 4, selector: ([name]) => name });
const chunk = fc.record({
  gapMs: fc.integer({ min: 1, max: 2 ** 40 }),
  lengthMs: fc.nat(),
  encoding: fc.integer({ min: 1, max: 6 }),
  data: fc.uint8Array({ minLength: 2, maxLength: 300 }),
});
const seriesSet = fc.uniqueArray(
  fc.tuple(labelSet, fc.array(chunk, { maxLength: 3 }), fc.integer({ min: -(2 ** 50), max: 2 ** 50 })),
  {
    maxLength: 30,
    selector: ([labels]) => JSON.stringify([...labels].sort()),
  },
);

test('what is written comes back: series, chunks, postings, names and values', async () => {
  await fc.assert(
    fc.asyncProperty(seriesSet, fc.integer({ min: 8, max: 600 }), async (set, segmentBytesMax) => {
      const all = set
        .map(([pairs, chunks, startMs]) => {
          const labels = pairs
            .map(([name, value]) => ({ name, value }))
            .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
          let time = startMs;
          const timed = chunks.map(({ gapMs, lengthMs, encoding, data }) => {
            const minTimeMs = time + gapMs;
            time = minTimeMs + lengthMs;
            return { minTimeMs, maxTimeMs: time, encoding, sampleCount: 1, data };
          });
          return { labels, chunks: timed };
        })
        .sort((a, b) => compareLabels(a.labels, b.labels));
      const expected = all.filter(({ chunks }) => chunks.length > 0);
      const { stats, files } = await write(
        all.map(({ labels, chunks }) => ({
          labels: encodeLabels(labels.map(({ name, value }) => [name, value])),
          chunks,
        })),
        { segmentBytesMax },
      );
      expect(stats.numSeries).toBe(expected.length);
      if (expected.length === 0) return expect(files).toEqual({});

      const { index: indexBytes, ...chunkFiles } = files;
      const index = await openIndex(new MemorySource('index', indexBytes!));
      const segments = Object.keys(chunkFiles)
        .sort()
        .map((name) => new MemorySource(name, chunkFiles[name]!));
      const refs = await index.postings('', '');
      let position = 0;
      for await (const { ref, labels, chunks } of index.allSeries()) {
        const wanted = expected[position]!;
        expect(labels).toEqual(wanted.labels);
        expect(chunks.map(({ minTimeMs, maxTimeMs }) => [minTimeMs, maxTimeMs])).toEqual(
          wanted.chunks.map(({ minTimeMs, maxTimeMs }) => [minTimeMs, maxTimeMs]),
        );
        for (const [at, { ref: chunkRef }] of chunks.entries()) {
          const { encoding, data } = await readChunk(segments, chunkRef);
          expect([encoding, [...data]]).toEqual([wanted.chunks[at]!.encoding, [...wanted.chunks[at]!.data]]);
        }
        expect(await index.series(ref)).toEqual({ ref, labels, chunks });
        position += 1;
      }
      expect(position).toBe(expected.length);
      for (const name of index.labelNames()) {
        const carriers = new Map<string, number[]>();
        expected.forEach(({ labels }, at) => {
          const value = labels.find((label) => label.name === name)?.value;
          if (value !== undefined) carriers.set(value, [...(carriers.get(value) ?? []), refs[at]!]);
        });
        expect(index.labelValues(name).sort()).toEqual([...carriers.keys()].sort());
        for (const [value, list] of carriers) expect([...(await index.postings(name, value))]).toEqual(list);
      }
    }),
    { numRuns: 60 },
  );
});

test('thousands of series with shared prefixes are sorted right, long lists and large labels included', async () => {
  const id = (index: number): string => createHash('sha256').update(String(index)).digest('hex').slice(0, 6);
  const series = Array.from({ length: 6000 }, (_, index) => ({
    labels: encodeLabels([
      ['__name__', `metric_${String(index).padStart(5, '0')}`],
      ['id', `/kubepods/burstable/${id(index)}`],
      ['large', 'x'.repeat(index === 3000 ? 300_000 : 1 + ((index * 7) % 200))],
    ]),
    chunks: [{ minTimeMs: index, maxTimeMs: index, encoding: 1, sampleCount: 1, data: Buffer.alloc(20) }],
  }));
  let now = 0;
  let yields = 0;
  // A clock that leaps: every look at it asks for a yield.
  const hooks: WriteBlockOptions = {
    clock: { monotonicMs: () => (now += 10) },
    yieldNow: () => Promise.resolve(void (yields += 1)),
  };
  const { files } = await write(series, hooks);
  const atOnce = await write(series);
  for (const [name, bytes] of Object.entries(files)) expect(bytes.equals(atOnce.files[name]!)).toBe(true);
  expect(yields).toBeGreaterThan(20);
  const index = await openIndex(new MemorySource('index', files['index']!));
  const symbols = [...index.symbols()];
  expect(symbols).toEqual([...new Set(symbols)].sort());
  expect((await index.postings('', '')).length).toBe(6000);
  expect((await index.postings('large', 'x'.repeat(300_000))).length).toBe(1);
  await walk(index);
});

test('a block without chunks opens no file', async () => {
  const { stats, files } = await write(exampleSeries.map(({ labels }) => ({ labels, chunks: [] })));
  expect(stats.numSeries).toBe(0);
  expect(files).toEqual({});
});

describe('refuses input that would make a wrong index:', () => {
  const [first, second] = exampleSeries as [BlockSeries, BlockSeries];
  const late = { ...first.chunks[0]!, minTimeMs: exampleTimeMs + 20_000, maxTimeMs: exampleTimeMs + 40_000 };
  test.each([
    ['series out of order', [second, first]],
    ['a series twice', [first, first]],
    ['a prefix after the longer set', [first, { ...second, labels: encodeLabels([['__name__', 'up']]) }]],
    ['no label', [{ ...first, labels: new Uint8Array() }]],
    ['labels cut short', [{ ...first, labels: first.labels.subarray(0, 12) }]],
    [
      'a label with bytes to spare',
      [{ ...first, labels: Buffer.concat([Buffer.from([0x0a, 7, 0x0a, 1, 97, 0x12, 1, 98, 0])]) }],
    ],
    ['chunks that overlap', [{ ...first, chunks: [first.chunks[0]!, late] }]],
    ['a chunk that ends before it begins', [{ ...first, chunks: [{ ...late, maxTimeMs: 0 }] }]],
  ])('%s', async (_, series) => {
    await expect(write(series)).rejects.toThrow(expect.objectContaining({ name: 'InvariantViolation' }));
  });
});

describe('a damaged index', () => {
  const good = filesOf(join(testdata, 'example'))['index']!;

  test('is noticed at every byte that a checksum covers', async () => {
    for (let at = 0; at < good.length; at += 1) {
      const changed = Buffer.from(good);
      changed[at]! ^= 0x40;
      const reading = openIndex(new MemorySource('index', changed)).then(walk);
      // Not covered: padding between series.
      const isPadding = (at >= 37 && at < 48) || (at >= 73 && at < 80) || at === 99;
      if (isPadding) await reading;
      else await expect(reading).rejects.toThrow(refused);
    }
  });

  test('cut anywhere is an error', async () => {
    for (let length = 0; length < good.length; length += 1) {
      await expect(openIndex(new MemorySource('index', good.subarray(0, length))).then(walk)).rejects.toThrow(refused);
    }
  });

  test('with right checksums over wrong bytes neither hangs nor crashes', async () => {
    const sections = [
      { from: 9, to: 33 },
      { from: 49, to: 69 },
      { from: 81, to: 95 },
      { from: 104, to: 116 },
      { from: 176, to: 216 },
      { from: 220, to: 268 },
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...sections),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async ({ from, to }, where, mask) => {
          const changed = Buffer.from(good);
          changed[from + (where % (to - from))]! ^= mask;
          changed.writeUInt32BE(crc32c(changed, 0, from, to), to);
          try {
            await walk(await openIndex(new MemorySource('index', changed)));
          } catch (error) {
            expect(error).toEqual(refused);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
