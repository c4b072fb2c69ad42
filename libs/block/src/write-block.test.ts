import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource } from './byte-source.js';
import { readChunk } from './chunk-reader.js';
import { openIndex } from './index-reader.js';
import {
  blockDirectory,
  cursorOf,
  encodeLabels,
  exampleSeries,
  filesOf,
  memoryBlock,
  readLines,
  testdata,
  type Pairs,
} from './testing/fixtures.js';
import { type BlockSeries, writeBlock } from './write-block.js';

type RecordedSeries = { labels: Pairs; chunks: [string, string, number, string][] };

function fromRecorded({ labels, chunks }: RecordedSeries): BlockSeries {
  return {
    labels: encodeLabels(labels),
    chunks: chunks.map(([minTime, maxTime, encoding, base64]) => {
      const data = Buffer.from(base64, 'base64');
      return {
        minTimeMs: Number(minTime),
        maxTimeMs: Number(maxTime),
        encoding,
        sampleCount: data.readUInt16BE(0),
        data,
      };
    }),
  };
}

/** Names of the files that are not the same; as lists of bytes, they are slow to compare. */
function differing(found: Record<string, Buffer>, expected: Record<string, Buffer>): string[] {
  const names = new Set([...Object.keys(found), ...Object.keys(expected)]);
  return [...names].filter((name) => !found[name]?.equals(expected[name] ?? Buffer.of()));
}

describe('writes exactly the recorded bytes', () => {
  const writerDir = join(testdata, 'writer');
  test.each(readdirSync(writerDir))('%s', async (name) => {
    const [head, ...lines] = readLines<unknown>(join(writerDir, name, 'input.jsonl.gz'));
    const { symbols, segmentSize } = head as { symbols: string[]; segmentSize: number };
    const block = memoryBlock();
    await writeBlock(cursorOf((lines as RecordedSeries[]).map(fromRecorded)), block, {
      segmentBytesMax: segmentSize,
      symbols: symbols.map((symbol) => Buffer.from(symbol)),
    });
    expect(differing(block.files(), filesOf(join(writerDir, name)))).toEqual([]);
  });

  // Older indexes had more in them: labels were indexed once more, and version 1 knew no padding.
  const written = readdirSync(join(testdata, 'blocks')).filter((name) => !/^(index-version-1|old-layout)/.test(name));
  test.each(written)('of block %s, from what is read of it', async (name) => {
    const files = filesOf(blockDirectory(name));
    const { index: indexBytes, ...chunkFiles } = files;
    const segments = Object.entries(chunkFiles).map(([file, bytes]) => new MemorySource(file, bytes));
    const index = await openIndex(new MemorySource('index', indexBytes!));
    const symbols = [...index.symbols()].map((symbol) => Buffer.from(symbol));
    const series: BlockSeries[] = [];
    for await (const { labels, chunks } of index.allSeries()) {
      const read = chunks.map(async ({ ref, minTimeMs, maxTimeMs }) => {
        const { encoding, data } = await readChunk(segments, ref);
        return { minTimeMs, maxTimeMs, encoding, data, sampleCount: data[0]! * 256 + data[1]! };
      });
      const pairs = labels.map(({ name: label, value }) => [label, value] as const);
      series.push({ labels: encodeLabels(pairs), chunks: await Promise.all(read) });
    }
    expect(series.length).toBeGreaterThan(0);
    const block = memoryBlock();
    await writeBlock(cursorOf(series), block, { symbols });
    expect(differing(block.files(), files)).toEqual([]);
  });

  test('the worked example', async () => {
    const block = memoryBlock();
    const stats = await writeBlock(cursorOf(exampleSeries), block, { symbols: [] });
    expect(block.files()).toEqual(filesOf(join(testdata, 'example')));
    expect(stats).toEqual({ numSamples: 5, numFloatSamples: 5, numHistogramSamples: 0, numSeries: 2, numChunks: 3 });
  });
});
