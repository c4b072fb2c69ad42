import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource, type ByteSource } from './byte-source.js';
import { checkIndex, checkTombstones } from './check-block.js';
import { openIndex } from './index-reader.js';
import { filesOf, testdata } from './testing/fixtures.js';
import { encodeTombstones } from './tombstones.js';

const blocks = join(testdata, 'blocks');
const indexOf = (name: string): Buffer => {
  const id = readdirSync(join(blocks, name)).find((entry) => entry.length === 26)!;
  return Buffer.from(filesOf(join(blocks, name, id))['index']!);
};

test.each(readdirSync(blocks))('the index of the recorded block %s passes', async (name) => {
  await checkIndex(new MemorySource('index', indexOf(name)));
});

const kindOf = async (check: Promise<unknown>): Promise<string> =>
  check.then(
    () => 'good',
    (error: unknown) => (error as { code: string }).code,
  );

test('any byte changed is found, unless it lies in what is checked later', async () => {
  const good = indexOf('out-of-order');
  const { toc } = await openIndex(new MemorySource('index', good));
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed[at]! ^= 0x10;
    const source = new MemorySource('index', changed);
    const isLater = at >= toc.series && at < toc.postingsTable;
    // Padding behind the symbols belongs to no section.
    const isPadding = at >= toc.symbols + 8 + good.readUInt32BE(toc.symbols) && at < toc.series;
    expect([at, await kindOf(checkIndex(source))]).toEqual([at, isLater || isPadding ? 'good' : 'BLOCK_INDEX_CORRUPT']);
  }
});

test('an index cut anywhere is found', async () => {
  const good = indexOf('floats');
  for (let size = 0; size < good.length; size += size < 100 || size > good.length - 100 ? 1 : 37) {
    const source = new MemorySource('index', good.subarray(0, size));
    expect([size, await kindOf(checkIndex(source))]).toEqual([size, 'BLOCK_INDEX_CORRUPT']);
  }
});

test('a check reads in pieces', async () => {
  const reads: number[] = [];
  const stones = Array.from({ length: 60_000 }, (_, ref) => [ref + 1, [{ minTimeMs: ref, maxTimeMs: 9e12 }]] as const);
  const bytes = encodeTombstones(new Map(stones));
  const watched: ByteSource = {
    name: 'tombstones',
    size: bytes.length,
    read: (offset, length) => (reads.push(length), Promise.resolve(bytes.subarray(offset, offset + length))),
  };
  await checkTombstones(watched);
  expect(bytes.length).toBeGreaterThan(600_000);
  expect(Math.max(...reads)).toBe(256 * 1024);
});

test('tombstones with any byte changed, or cut anywhere, are found', async () => {
  const good = encodeTombstones(new Map([[3, [{ minTimeMs: 1_700_000_000_000, maxTimeMs: 1_700_000_015_000 }]]]));
  await checkTombstones(new MemorySource('tombstones', good));
  await checkTombstones(new MemorySource('tombstones', encodeTombstones(new Map())));
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed[at]! ^= 4;
    for (const bytes of [changed, good.subarray(0, at)]) {
      expect(await kindOf(checkTombstones(new MemorySource('tombstones', bytes)))).toBe('BLOCK_TOMBSTONES_CORRUPT');
    }
  }
});
