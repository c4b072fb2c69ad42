import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
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
    expect(block.files()).toEqual(filesOf(join(writerDir, name)));
  });

  test('the worked example', async () => {
    const block = memoryBlock();
    const stats = await writeBlock(cursorOf(exampleSeries), block, { symbols: [] });
    expect(block.files()).toEqual(filesOf(join(testdata, 'example')));
    expect(stats).toEqual({ numSamples: 5, numFloatSamples: 5, numHistogramSamples: 0, numSeries: 2, numChunks: 3 });
  });
});
