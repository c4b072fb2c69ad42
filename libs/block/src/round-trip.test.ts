import fc from 'fast-check';
import { type ChunkSample, decodeChunk } from '@gauntlet/chunk';
import { createUlid } from '@gauntlet/model';
import { MemorySource } from './byte-source.js';
import { readChunk } from './chunk-reader.js';
import { openIndex } from './index-reader.js';
import { type BlockMeta, encodeBlockMeta, parseBlockMeta } from './meta.js';
import { cursorOf, memoryBlock } from './testing/fixtures.js';
import { blockSeries, randomSeries } from './testing/random-block.js';
import { addInterval, decodeTombstones, encodeTombstones, type Interval } from './tombstones.js';
import { writeBlock } from './write-block.js';

const numRuns = process.env['GAUNTLET_LONG'] === undefined ? 60 : 5000;
if (numRuns > 60) jest.setTimeout(600_000);

/** Bits and counts, without what a chunk may change: layouts grow, and hints depend on what came before. */
function valueOf(sample: ChunkSample): unknown {
  const { timestampMs } = sample;
  if ('bits' in sample) return [timestampMs, sample.bits];
  const { kind, schema, sumBits, count, zeroCount } = sample.histogram;
  return [timestampMs, kind, schema, sumBits, count, zeroCount];
}

test('samples of all kinds in series of any labels come back from a block', async () => {
  await fc.assert(
    fc.asyncProperty(
      randomSeries(1_700_000_000_000, 1e6, 12),
      fc.integer({ min: 1, max: 30 }),
      async (all, samplesMax) => {
        const block = memoryBlock();
        const stats = await writeBlock(cursorOf(blockSeries(all, samplesMax)), block, { segmentBytesMax: 2000 });
        if (all.length === 0) return expect(block.files()).toEqual({});
        const { index: indexBytes, ...chunkFiles } = block.files();
        const index = await openIndex(new MemorySource('index', indexBytes!));
        const segments = Object.entries(chunkFiles).map(([name, bytes]) => new MemorySource(name, bytes));
        const read = [];
        for await (const { labels, chunks } of index.allSeries()) {
          const samples: ChunkSample[] = [];
          for (const { ref } of chunks) {
            const { encoding, data } = await readChunk(segments, ref);
            samples.push(...decodeChunk(encoding, data));
          }
          read.push([labels, samples.map(valueOf)]);
        }
        expect(read).toEqual(all.map(({ labels, samples }) => [labels, samples.map(valueOf)]));
        const samples = all.flatMap((series) => series.samples);
        expect([stats.numSeries, stats.numSamples]).toEqual([all.length, samples.length]);
        expect(stats.numFloatSamples).toBe(samples.filter((sample) => 'bits' in sample).length);
        expect(stats.numHistogramSamples).toBe(samples.length - stats.numFloatSamples);
      },
    ),
    { numRuns },
  );
});

const time = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }) },
  fc.constantFrom(-Infinity, Infinity, 0, -1, -(2 ** 53) + 1, 2 ** 53 - 1),
);

test('tombstones come back, the ends of time as those of int64', () => {
  const stone = fc.tuple(fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 40 })), time, time);
  fc.assert(
    fc.property(fc.array(stone, { maxLength: 30 }), (stones) => {
      const tombstones = new Map<number, readonly Interval[]>();
      for (const [ref, a, b] of stones) {
        const interval = { minTimeMs: Math.min(a, b), maxTimeMs: Math.max(a, b) };
        tombstones.set(ref, addInterval(tombstones.get(ref) ?? [], interval));
      }
      const clamp = (timeMs: number): number => Math.min(Math.max(timeMs, -(2 ** 63)), 2 ** 63);
      const expected = [...tombstones].map(
        ([ref, all]) =>
          [ref, all.map((one) => ({ minTimeMs: clamp(one.minTimeMs), maxTimeMs: clamp(one.maxTimeMs) }))] as const,
      );
      const bytes = encodeTombstones(tombstones);
      const read = decodeTombstones(bytes);
      expect(read).toEqual(new Map(expected));
      expect(Buffer.from(encodeTombstones(read)).equals(bytes)).toBe(true);
    }),
    { numRuns: 10 * numRuns },
  );
});

const ulid = fc
  .tuple(fc.nat(2 ** 31), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([timeMs, random]) => createUlid(timeMs, random));
const blockTime = fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 });
const count = fc.integer({ min: 1, max: 2 ** 50 });
/** Half a surrogate pair has no UTF-8 form, and does not come back. */
const anyText = fc.string({ unit: 'grapheme', maxLength: 8 });
const filled = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { minLength: 1, maxLength: 4 });
const optional = { requiredKeys: [] };
const thanos = fc.record(
  {
    version: fc.constant(1),
    labels: fc.dictionary(fc.oneof(anyText, fc.constantFrom('__proto__', '10', 'constructor')), anyText),
    downsample: fc.record({ resolution: fc.nat() }),
    source: anyText,
    segment_files: filled(anyText),
    files: filled(
      fc.record(
        { rel_path: anyText, size_bytes: count, hash: fc.record({ hashFunc: anyText, value: anyText }) },
        { requiredKeys: ['rel_path'] },
      ),
    ),
    index_stats: fc.record({ series_max_size: count, chunk_max_size: count }, optional),
    rewrites: fc.dictionary(anyText, fc.oneof(fc.integer(), fc.boolean(), anyText), { minKeys: 1 }),
    extensions: filled(fc.dictionary(anyText, anyText)),
    upload_time: fc.constant('2026-08-22T10:00:00.123Z'),
  },
  { requiredKeys: ['labels', 'downsample', 'source', 'index_stats'] },
);
const meta = fc.record(
  {
    ulid,
    minTime: blockTime,
    maxTime: blockTime,
    stats: fc.record(
      {
        numSamples: count,
        numFloatSamples: count,
        numHistogramSamples: count,
        numSeries: count,
        numChunks: count,
        numTombstones: count,
      },
      optional,
    ),
    compaction: fc.record(
      {
        level: fc.nat(20),
        sources: filled(ulid),
        deletable: fc.constant(true),
        parents: filled(fc.record({ ulid, minTime: blockTime, maxTime: blockTime })),
        failed: fc.constant(true),
        hints: filled(fc.constantFrom('from-out-of-order', 'from-stale-series', 'from-selected-series')),
      },
      { requiredKeys: ['level'] },
    ),
    version: fc.constant<1>(1),
    thanos,
  },
  { requiredKeys: ['ulid', 'minTime', 'maxTime', 'stats', 'compaction', 'version'] },
) as fc.Arbitrary<BlockMeta>;

test('meta.json comes back, with every field and without', () => {
  fc.assert(
    fc.property(meta, (written) => {
      const text = encodeBlockMeta(written);
      expect(() => JSON.parse(text) as unknown).not.toThrow();
      const read = parseBlockMeta(text);
      expect(read).toEqual(written);
      expect(encodeBlockMeta(read)).toBe(text);
    }),
    { numRuns: 3 * numRuns },
  );
});
