import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource } from './byte-source.js';
import { checkChunkSegment, readChunk } from './chunk-reader.js';
import { openIndex } from './index-reader.js';
import { filesOf, readJson, testdata } from './testing/fixtures.js';

type Recorded = {
  version: number;
  toc: Record<string, string>;
  symbols: string[];
  labelNames: string[];
  labelValues: Record<string, string[]>;
  postings: [string, string, string, string[]][];
  series: { ref: string; labels: [string, string][]; chunks: [string, string, string, number, number, number][] }[];
};

const blocks = join(testdata, 'blocks');

describe('reads a recorded block:', () => {
  test.each(readdirSync(blocks))('%s', async (name) => {
    const dir = join(blocks, name);
    const id = readdirSync(dir).find((entry) => entry.length === 26)!;
    const recorded = readJson<Recorded>(
      join(
        dir,
        readdirSync(dir).find((entry) => entry.endsWith('index.json.gz'))!,
      ),
    );
    const { index: indexBytes, ...chunkFiles } = filesOf(join(dir, id));
    const index = await openIndex(new MemorySource('index', indexBytes!));

    expect(index.version).toBe(recorded.version);
    expect(index.toc).toEqual(
      Object.fromEntries(Object.entries(recorded.toc).map(([section, offset]) => [section, Number(offset)])),
    );
    expect([...index.symbols()]).toEqual(recorded.symbols);
    expect(index.labelNames()).toEqual(recorded.labelNames);
    for (const label of recorded.labelNames) expect(index.labelValues(label)).toEqual(recorded.labelValues[label]);
    for (const [label, value, , refs] of recorded.postings)
      expect([...(await index.postings(label, value))]).toEqual(refs.map(Number));
    expect([...(await index.postings('no such', 'label'))]).toEqual([]);

    const segments = Object.entries(chunkFiles).map(([file, bytes]) => new MemorySource(file, bytes));
    for (const segment of segments) await checkChunkSegment(segment);
    let position = 0;
    for await (const series of index.allSeries()) {
      const expected = recorded.series[position]!;
      expect(series).toEqual({
        ref: Number(expected.ref),
        labels: expected.labels.map(([label, value]) => ({ name: label, value })),
        chunks: expected.chunks.map(([ref, min, max]) => ({
          ref: Number(ref),
          minTimeMs: Number(min),
          maxTimeMs: Number(max),
        })),
      });
      for (const [ref, , , encoding, samples, length] of expected.chunks) {
        const chunk = await readChunk(segments, Number(ref));
        expect(chunk.encoding).toBe(encoding);
        expect(chunk.data.length).toBe(length);
        expect((chunk.data[0]! << 8) | chunk.data[1]!).toBe(samples);
      }
      position += 1;
    }
    expect(position).toBe(recorded.series.length);
  });
});

describe('what a version byte says', () => {
  const good = filesOf(join(testdata, 'example'))['index']!;
  const withVersion = (version: number): MemorySource => {
    const changed = Buffer.from(good);
    changed[4] = version;
    return new MemorySource('index', changed);
  };

  test('version 3 reads like version 2', async () => {
    const index = await openIndex(withVersion(3));
    expect(index.version).toBe(3);
    expect(await index.series(5)).toEqual(await (await openIndex(withVersion(2))).series(5));
  });

  test.each([0, 4, 255])('version %d is refused', async (version) => {
    await expect(openIndex(withVersion(version))).rejects.toThrow(`Cannot read index at byte 5: version is ${version}`);
  });

  test('a file without bytes is refused', async () => {
    await expect(openIndex(new MemorySource('index', Buffer.alloc(0)))).rejects.toThrow(
      expect.objectContaining({ code: 'BLOCK_INDEX_CORRUPT' }),
    );
    await expect(checkChunkSegment(new MemorySource('chunks/000001', Buffer.alloc(0)))).rejects.toThrow(
      expect.objectContaining({ code: 'BLOCK_CHUNK_CORRUPT' }),
    );
  });
});
