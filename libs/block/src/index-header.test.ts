import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource, type ByteSource } from './byte-source.js';
import { type IndexHeader, openIndexHeader } from './index-header.js';
import { openIndex, type IndexSeries } from './index-reader.js';
import { PostingsReader } from './postings-list.js';
import { SeriesDecoder, entryLength } from './series-entries.js';
import {
  blockDirectory,
  cursorOf,
  encodeLabels,
  exampleChunkShort,
  exampleTimeMs,
  filesOf,
  memoryBlock,
  testdata,
} from './testing/fixtures.js';
import { writeBlock, type BlockSeries } from './write-block.js';

const goldenBlocks = readdirSync(join(testdata, 'blocks'));

/** Reads of a few bytes only: everything is cut everywhere. */
class CountingSource extends MemorySource {
  reads = 0;

  override read(offset: number, length: number): Promise<Uint8Array> {
    this.reads += 1;
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new Error(`Cannot read ${length} bytes at ${offset} of ${this.size}`);
    return super.read(offset, length);
  }
}

async function valuesOf({ table }: IndexHeader, name: string): Promise<string[]> {
  const walk = table.walk(name);
  const values = [];
  for (let has = await walk.next(); has; has = await walk.next()) values.push(walk.value());
  return values;
}

async function postingsAt(source: ByteSource, offset: number | undefined): Promise<number[]> {
  const refs: number[] = [];
  if (offset === undefined) return refs;
  await new PostingsReader(source).read(offset, (part, length) => refs.push(...part.subarray(0, length)));
  return refs;
}

async function symbolsOf(
  { symbols }: IndexHeader,
  references: readonly number[],
  windowBytes = 1000,
): Promise<string[]> {
  const texts: string[] = [];
  const sorted = Uint32Array.from(new Set(references)).sort();
  await symbols.read(sorted, windowBytes, (index, { bytes, textFrom, to }) => {
    texts[index] = Buffer.from(bytes.subarray(textFrom, to)).toString();
  });
  return references.map((reference) => texts[sorted.indexOf(reference)]!);
}

async function seriesAt(header: IndexHeader, bytes: Uint8Array, ref: number): Promise<IndexSeries> {
  const at = ref * header.unit;
  const decoder = new SeriesDecoder();
  const piece = { file: 'index', bytes, offset: 0 };
  decoder.decode(piece, at, entryLength(piece, at));
  const texts = await symbolsOf(header, [...decoder.symbols.subarray(0, 2 * decoder.labelCount)]);
  return {
    ref,
    labels: Array.from({ length: decoder.labelCount }, (_, k) => ({ name: texts[2 * k]!, value: texts[2 * k + 1]! })),
    chunks: Array.from({ length: decoder.chunkCount }, (_, k) => ({
      minTimeMs: decoder.chunks[3 * k]!,
      maxTimeMs: decoder.chunks[3 * k + 1]!,
      ref: decoder.chunks[3 * k + 2]!,
    })),
  };
}

async function expectSame(bytes: Uint8Array): Promise<void> {
  const source = new CountingSource('index', bytes);
  const [header, index] = [await openIndexHeader(source), await openIndex(source)];
  expect([...header.table.names.keys()]).toEqual(index.labelNames());
  expect(await postingsAt(source, header.table.allAt)).toEqual([...(await index.postings('', ''))]);
  for (const name of index.labelNames()) {
    expect(await valuesOf(header, name)).toEqual(index.labelValues(name));
    for (const value of index.labelValues(name)) {
      const listAt = await header.table.find(name, value);
      expect(await postingsAt(source, listAt)).toEqual([...(await index.postings(name, value))]);
      expect(await header.table.find(name, `${value}!`)).toBeUndefined();
    }
    expect(await header.table.find(name, '')).toBeUndefined();
  }
  for await (const series of index.allSeries()) expect(await seriesAt(header, bytes, series.ref)).toEqual(series);
}

test.each(goldenBlocks)('the header of golden block %s finds all that the whole index holds', async (name) => {
  await expectSame(filesOf(blockDirectory(name))['index']!);
});

describe('an index whose symbols and offset table are too long to stay in memory', () => {
  const count = 30_000;
  const text = (index: number): string => `${String(index).padStart(6, '0')}-${'x'.repeat(40 + (index % 50))}`;
  const values = Array.from({ length: count }, (_, index) => text(index));
  let bytes: Buffer;

  beforeAll(async () => {
    const block = memoryBlock();
    const chunks = [
      { minTimeMs: exampleTimeMs, maxTimeMs: exampleTimeMs, encoding: 1, sampleCount: 1, data: exampleChunkShort },
    ];
    const series = function* (): Generator<BlockSeries> {
      for (const value of values)
        yield {
          labels: encodeLabels([
            ['id', value],
            ['job', 'a'],
          ]),
          chunks,
        };
    };
    await writeBlock(cursorOf(series()), block);
    bytes = block.files()['index']!;
  });

  test('is opened in pieces, and takes little memory', async () => {
    const source = new CountingSource('index', bytes);
    const header = await openIndexHeader(source);
    expect(bytes.length).toBeGreaterThan(4 * 1024 * 1024);
    expect(header.bytesHeld).toBeLessThan(150_000);
    expect(header.symbols.count).toBe(count + 4);
    expect(header.symbols.ascend).toBe(true);
    expect(await valuesOf(header, 'id')).toEqual(values);
  });

  test('finds single values with one read each, and neighbours with few', async () => {
    const source = new CountingSource('index', bytes);
    const header = await openIndexHeader(source);
    source.reads = 0;
    for (const index of [0, 1, 31, 32, 33, 9_999, count - 1])
      expect(await postingsAt(source, await header.table.find('id', text(index)))).toHaveLength(1);
    expect(source.reads).toBeLessThanOrEqual(14);
    source.reads = 0;
    const all = Array.from({ length: count }, (_, index) => index + 1);
    expect(await symbolsOf(header, all.slice(0, 5_000), 256 * 1024)).toEqual(values.slice(0, 5_000));
    expect(source.reads).toBeLessThanOrEqual(3);
  });

  test('gives a list that is longer than a window in parts', async () => {
    const header = await openIndexHeader(new CountingSource('index', bytes));
    const parts: number[] = [];
    await new PostingsReader(header.source).read(header.table.allAt!, (_, length) => parts.push(length));
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.reduce((sum, length) => sum + length, 0)).toBe(count);
  });

  test('finds the first symbol that is not below a text', async () => {
    const header = await openIndexHeader(new CountingSource('index', bytes));
    const find = (wanted: string): Promise<number> => header.symbols.lowerBound(Buffer.from(wanted));
    expect(await find('')).toBe(0);
    for (const index of [0, 30, 31, 32, 33, count - 1]) {
      expect(await find(text(index))).toBe(index + 1);
      expect(await find(`${text(index)}!`)).toBe(index + 2);
    }
    expect(await find('zzz')).toBe(count + 4);
  });

  test.each([['symbols'], ['postingsTable']] as const)('is refused when its %s have changed', async (section) => {
    const damaged = Buffer.from(bytes);
    const header = await openIndexHeader(new MemorySource('index', bytes));
    const at = header.toc[section] + 1_000_000;
    damaged[at] = damaged[at]! ^ 1;
    await expect(openIndexHeader(new MemorySource('index', damaged))).rejects.toMatchObject({
      code: 'BLOCK_INDEX_CORRUPT',
      file: 'index',
    });
  });

  test('names the list that has changed', async () => {
    const header = await openIndexHeader(new MemorySource('index', bytes));
    const listAt = header.table.allAt!;
    const damaged = Buffer.from(bytes);
    damaged[listAt + 9] = damaged[listAt + 9]! ^ 0x40;
    await expect(postingsAt(new MemorySource('index', damaged), listAt)).rejects.toMatchObject({
      code: 'BLOCK_INDEX_CORRUPT',
      file: 'index',
    });
  });
});
