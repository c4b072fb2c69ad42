import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MemorySource } from './byte-source.js';
import { crc32c } from './crc32c.js';
import { readChunk } from './chunk-reader.js';
import { type BlockIndex, openIndex } from './index-reader.js';
import { encodeBlockMeta, parseBlockMeta } from './meta.js';
import { rawIndex, rawSeriesRef, uint32, uvarint } from './testing/raw-index.js';
import { decodeTombstones, type Interval } from './tombstones.js';
import { putUint32, putUvarint } from './integers.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use, buffers included. */
function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const MB = 1e6;
const most = 2 ** 32 - 1;
const symbols = Buffer.concat([uint32(3), Buffer.from([0, 1, 97, 1, 98])]);
/** One label, a="b", and one chunk. */
const series = Buffer.from([1, 1, 2, 1, 0, 0, 8]);

async function walk(bytes: Buffer): Promise<void> {
  const index = await openIndex(new MemorySource('index', bytes));
  for await (const { labels } of index.allSeries()) expect(labels.length).toBeGreaterThan(0);
}

describe('a count that the file cannot hold is refused before anything is allocated:', () => {
  test('the sound file is read', () => walk(rawIndex({ symbols, series })));

  const allOf = uvarint(most);
  test.each<[string, Buffer]>([
    ['symbols', rawIndex({ symbols: Buffer.concat([uint32(most), symbols.subarray(4)]), series })],
    ['a symbol', rawIndex({ symbols: Buffer.concat([uint32(3), Buffer.from([0, 1, 97]), allOf]), series })],
    [
      'the offset table',
      rawIndex({ symbols, series, table: Buffer.concat([uint32(most), Buffer.from([2, 0, 0, 8])]) }),
    ],
    ['a list', rawIndex({ symbols, series, list: Buffer.concat([uint32(most), uint32(rawSeriesRef(symbols))]) })],
    ['labels', rawIndex({ symbols, series: Buffer.concat([allOf, series.subarray(1)]) })],
    ['chunks', rawIndex({ symbols, series: Buffer.concat([series.subarray(0, 3), allOf, series.subarray(4)]) })],
    ['chunks beyond 32 bits', rawIndex({ symbols, series: Buffer.concat([series.subarray(0, 3), uvarint(2 ** 52)]) })],
  ])('%s', async (_, bytes) => {
    const before = used();
    await expect(walk(bytes)).rejects.toThrow(expect.objectContaining({ code: 'BLOCK_INDEX_CORRUPT', file: 'index' }));
    expect(used() - before).toBeLessThan(10 * MB);
  });

  test.each([most, 2 ** 33, 2 ** 52])('a chunk of %d bytes', async (length) => {
    const bytes = Buffer.concat([Buffer.alloc(8), uvarint(length), Buffer.alloc(100)]);
    const before = used();
    await expect(readChunk([new MemorySource('chunks/000001', bytes)], 8)).rejects.toThrow(
      expect.objectContaining({ code: 'BLOCK_CHUNK_CORRUPT', file: 'chunks/000001', offset: expect.any(Number) }),
    );
    expect(used() - before).toBeLessThan(10 * MB);
  });

  test('a section that is longer than the file', async () => {
    const bytes = rawIndex({ symbols, series });
    bytes.writeUInt32BE(most, 5);
    await expect(walk(bytes)).rejects.toThrow(expect.objectContaining({ code: 'BLOCK_INDEX_CORRUPT', offset: 5 }));
  });
});

describe('an open index takes at most six times the bytes of its symbols and offset table', () => {
  async function open(bytes: Buffer): Promise<{ index: BlockIndex; held: number }> {
    collect();
    const before = used();
    const index = await openIndex(new MemorySource('index', bytes));
    collect();
    return { index, held: used() - before };
  }

  test('with a million empty symbols', async () => {
    const bytes = rawIndex({ symbols: Buffer.concat([uint32(1e6), Buffer.alloc(1e6)]), series });
    const { index, held } = await open(bytes);
    expect(index.symbolCount).toBe(1e6);
    // The bytes of the file themselves are counted before.
    expect(held).toBeLessThan(5 * MB + 0.5 * MB);
  });

  test('with a hundred thousand entries without names', async () => {
    const entries = Buffer.alloc(4e5, Buffer.from([2, 0, 0, 8]));
    const { index, held } = await open(rawIndex({ symbols, series, table: Buffer.concat([uint32(100_000), entries]) }));
    expect(index.labelNames()).toEqual([]);
    expect(held).toBeLessThan(2 * MB + 0.5 * MB);
  });
});

test('a long symbol that a series names over and over is there once', async () => {
  const long = 400_000;
  const times = 5000;
  const twoSymbols = Buffer.concat([uint32(2), Buffer.from([0]), uvarint(long), Buffer.alloc(long, 'x')]);
  const labels = Buffer.concat([uvarint(times), Buffer.alloc(2 * times, 1), series.subarray(3)]);
  const index = await openIndex(new MemorySource('index', rawIndex({ symbols: twoSymbols, series: labels })));
  collect();
  const before = used();
  const read = await index.series(rawSeriesRef(twoSymbols));
  expect(read.labels.length).toBe(times);
  // Two gigabytes and more otherwise.
  expect(used() - before).toBeLessThan(10 * MB);
});

test('50,000 tombstones of one series, in the worst order, are merged in time', () => {
  const count = 50_000;
  const bytes = new Uint8Array(9 + 40 * count);
  putUint32(bytes, 0, 0x0130ba30);
  bytes[4] = 1;
  let at = 5;
  for (let stone = count; stone > 0; stone -= 1) {
    at = putUvarint(bytes, at, 7);
    at = putUvarint(bytes, at, 20 * stone);
    at = putUvarint(bytes, at, 20 * stone + 2);
  }
  at = putUvarint(bytes, at, 8); // Ends before it begins: deletes nothing.
  at = putUvarint(bytes, at, 20);
  at = putUvarint(bytes, at, 2);
  const end = putUint32(bytes, at, crc32c(bytes, 0, 5, at));
  const start = process.cpuUsage();
  const read = decodeTombstones(bytes.subarray(0, end));
  expect(process.cpuUsage(start).user).toBeLessThan(2e6);
  const intervals = read.get(7) as readonly Interval[];
  expect([read.size, intervals.length, intervals[0]]).toEqual([1, count, { minTimeMs: 10, maxTimeMs: 11 }]);
});

describe('a meta.json that asks for too much is refused in time:', () => {
  const base = { ulid: '01M7YK4DQ5W4F56QTNKVB5JT5M', minTime: 0, maxTime: 1, stats: {}, version: 1 } as const;
  const refused = expect.objectContaining({ code: 'BLOCK_META_CORRUPT', file: 'meta.json' });

  test.each([
    ['a text of 20 MB', `{"version":1,"x":"${'a'.repeat(20e6)}"}`],
    ['a number of four million digits', `{"version":1,"minTime":${'9'.repeat(4e6)}}`],
    ['lists in lists', `{"version":1,"x":${'['.repeat(1e6)}`],
    ['fields in fields', `{"version":1,"x":${'{"a":'.repeat(5e5)}`],
    ['a string that does not end', `{"version":1,"x":"${'\\u0041'.repeat(6e5)}`],
  ])('%s', (_, text) => {
    const start = process.cpuUsage();
    expect(() => parseBlockMeta(text)).toThrow(refused);
    expect(process.cpuUsage(start).user).toBeLessThan(2e6);
  });

  test('but one with 50,000 sources is read', () => {
    const meta = { ...base, compaction: { level: 2, sources: Array.from({ length: 50_000 }, () => base.ulid) } };
    expect(parseBlockMeta(encodeBlockMeta(meta))).toEqual(meta);
  });

  test.each([`"${'a'.repeat(4e6)}"`, `"${'\\n'.repeat(2e6)}"`, `[${'0,'.repeat(2e6)}0]`, `"${'é😀'.repeat(1e6)}"`])(
    'and fields that nobody knows may fill four million characters: %#',
    (value) => {
      expect(parseBlockMeta(`{"version":1,"x":${value}}`).version).toBe(1);
    },
  );
});
