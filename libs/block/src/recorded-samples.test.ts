import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ChunkSample, CounterReset, decodeChunk, type Histogram } from '@gauntlet/chunk';
import { MemorySource } from './byte-source.js';
import { readChunk } from './chunk-reader.js';
import { openIndex } from './index-reader.js';
import { blockDirectory, filesOf, readJson, readLines, testdata } from './testing/fixtures.js';
import { decodeTombstones, type Tombstones } from './tombstones.js';

type RecordedSeries = { labels: [string, string][]; samples: [string, unknown, string?][] };
type RecordedCase = { samples: number; seriesWithSamples: number; tombstones: unknown[] };

const blocks = join(testdata, 'blocks');

/** As the recordings write samples. */
function recordedSample(sample: ChunkSample): unknown[] {
  const value = 'bits' in sample ? hex(sample.bits) : recordedHistogram(sample.histogram);
  const start = sample.startMs === undefined || sample.startMs === 0n ? [] : [String(sample.startMs)];
  return [String(sample.timestampMs), value, ...start];
}

function recordedHistogram(histogram: Histogram): object {
  const { hint, schema, zeroThreshold, sumBits, count, zeroCount, positiveSpans, negativeSpans } = histogram;
  const number = (value: bigint | number): string => (typeof value === 'bigint' ? String(value) : hexOf(value));
  const custom = [...histogram.customBounds].map(hexOf);
  // In the order of the recordings.
  return {
    count: number(count),
    ...(custom.length > 0 && { custom }),
    hint: Object.entries(CounterReset).find(([, value]) => value === hint)?.[0],
    kind: histogram.kind === 'integer' ? 'int' : 'float',
    neg: Array.from<bigint | number, string>(histogram.negative, number),
    negSpans: negativeSpans.map(({ offset, length }) => [offset, length]),
    pos: Array.from<bigint | number, string>(histogram.positive, number),
    posSpans: positiveSpans.map(({ offset, length }) => [offset, length]),
    schema,
    sum: hex(sumBits),
    zeroCount: number(zeroCount),
    zeroThreshold: hexOf(zeroThreshold),
  };
}

const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');
function hexOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return hex(view.getBigUint64(0));
}

function isDeleted(tombstones: Tombstones, ref: number, timestampMs: number): boolean {
  const intervals = tombstones.get(ref) ?? [];
  return intervals.some(({ minTimeMs, maxTimeMs }) => minTimeMs <= timestampMs && timestampMs <= maxTimeMs);
}

/** All samples of a block directory that are not deleted, as recorded. */
async function readSamples(dir: string): Promise<RecordedSeries[]> {
  const { index: indexBytes, ...chunkFiles } = filesOf(dir);
  const segments = Object.entries(chunkFiles).map(([file, bytes]) => new MemorySource(file, bytes));
  const stones = join(dir, 'tombstones');
  const tombstones = existsSync(stones) ? decodeTombstones(readFileSync(stones)) : new Map<number, never>();
  const all: RecordedSeries[] = [];
  for await (const { ref, labels, chunks } of (await openIndex(new MemorySource('index', indexBytes!))).allSeries()) {
    const samples: RecordedSeries['samples'] = [];
    for (const chunk of chunks) {
      const { encoding, data } = await readChunk(segments, chunk.ref);
      const decoded = decodeChunk(encoding, data);
      // What the index says of a chunk is what the chunk holds.
      const { timestampMs: minTime } = decoded[0]!;
      const { timestampMs: maxTime } = decoded.at(-1)!;
      if (Number(minTime) !== chunk.minTimeMs || Number(maxTime) !== chunk.maxTimeMs)
        throw new Error(`Chunk ${chunk.ref} is from ${minTime} to ${maxTime}, and not as the index says`);
      for (const sample of decoded)
        if (!isDeleted(tombstones, ref, Number(sample.timestampMs)))
          samples.push(recordedSample(sample) as RecordedSeries['samples'][number]);
    }
    if (samples.length > 0) all.push({ labels: labels.map(({ name, value }) => [name, value]), samples });
  }
  return all;
}

describe('every sample of a recorded block comes back, bit for bit, without those deleted:', () => {
  test.each(readdirSync(blocks))('%s', async (name) => {
    const files = readdirSync(join(blocks, name));
    const fileOf = (end: string): string =>
      join(
        blocks,
        name,
        files.find((file) => file.endsWith(end))!,
      );
    const recorded = readLines<RecordedSeries>(fileOf('samples.jsonl.gz'));
    const read = await readSamples(blockDirectory(name));
    expect(read.length).toBe(recorded.length);
    // Compared as text first: deep comparison of 100,000 samples takes seconds.
    for (const [index, series] of read.entries())
      if (JSON.stringify(series) !== JSON.stringify(recorded[index])) expect(series).toEqual(recorded[index]);

    const { samples, seriesWithSamples } = readJson<RecordedCase>(fileOf('case.json'));
    expect(read.length).toBe(seriesWithSamples);
    expect(read.reduce((sum, series) => sum + series.samples.length, 0)).toBe(samples);
  });
});
