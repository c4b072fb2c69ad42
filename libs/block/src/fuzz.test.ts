import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { forEachMutation } from '@gauntlet/base/testing';
import { MemorySource } from './byte-source.js';
import { crc32c } from './crc32c.js';
import { openIndex } from './index-reader.js';
import { parseBlockMeta } from './meta.js';
import { chunkContent, indexContent } from './testing/block-content.js';
import { blockDirectory, filesOf, testdata } from './testing/fixtures.js';
import { section } from './testing/raw-index.js';
import { decodeTombstones } from './tombstones.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const count = isLong ? 6000 : 48;
if (isLong) jest.setTimeout(600_000);

/** The text of what was read; undefined when it was refused as it should be. Anything else is an error of the reader. */
async function readOrRefused(
  read: () => Promise<string> | string,
  { part, file }: { part: string; file: RegExp },
): Promise<string | undefined> {
  try {
    return await read();
  } catch (error) {
    const { kind, code, file: found, offset } = error as Record<string, unknown>;
    // Behind a right checksum, the chunk's own decoder refuses what makes no sense.
    if (part === 'CHUNK' && (code === 'CHUNK_CORRUPT' || code === 'CHUNK_ENCODING_UNKNOWN')) return undefined;
    if (kind !== 'corrupt' || code !== `BLOCK_${part}_CORRUPT`) throw error;
    expect(found).toMatch(file);
    expect(Number.isSafeInteger(offset) && (offset as number) >= 0).toBe(true);
    return undefined;
  }
}

/** A piece with its own checksum, put elsewhere as a whole, may pass. */
const movesPieces = /copied over|repeated|taken out/;

const names = ['histograms', 'index-version-1', 'old-layout-2.42', 'out-of-order', 'xor2'];

describe('a damaged index is refused with file and offset, or reads as before:', () => {
  const refused = { part: 'INDEX', file: /^index$/ };

  test.each(names)('%s', async (name) => {
    const good = filesOf(blockDirectory(name))['index']!;
    const content = await indexContent(good);
    await forEachMutation(good, { count }, async ({ bytes, what }) => {
      const read = await readOrRefused(() => indexContent(bytes), refused);
      if (read !== undefined && !movesPieces.test(what) && read !== content) throw new Error('reads otherwise');
    });
  });

  test.each(names)('%s, with right checksums over the damage', async (name) => {
    const good = filesOf(blockDirectory(name))['index']!;
    const repair = await checksumsOf(good);
    await forEachMutation(good, { count, keepsLength: true, repair, from: 5 }, async ({ bytes }) => {
      await readOrRefused(() => indexContent(bytes), refused);
    });
  });

  test.each(names)('%s, with symbols or offset table of other lengths', async (name) => {
    const good = filesOf(blockDirectory(name))['index']!;
    const { toc } = await openIndex(new MemorySource('index', good));
    for (const [field, at] of [
      [0, toc.symbols],
      [5, toc.postingsTable],
    ] as const) {
      const body = good.subarray(at + 4, at + 4 + good.readUInt32BE(at));
      await forEachMutation(body, { count: count / 2 }, async ({ bytes }) => {
        // The damaged section goes behind all others, and the table of contents says so.
        const end = Buffer.from(good.subarray(-52, -4));
        end.writeUInt32BE(0, 8 * field);
        end.writeUInt32BE(good.length - 52, 8 * field + 4);
        const sum = Buffer.alloc(4);
        sum.writeUInt32BE(crc32c(end));
        const changed = Buffer.concat([good.subarray(0, -52), section(bytes), end, sum]);
        await readOrRefused(() => indexContent(changed), refused);
      });
    }
  });
});

/** Sums up again all sections of a good file, at the places and lengths that the damaged copy gives. */
async function checksumsOf(good: Buffer): Promise<(bytes: Buffer) => void> {
  const index = await openIndex(new MemorySource('index', good));
  const { toc, version } = index;
  const sections = [toc.symbols, toc.postingsTable];
  let lists = toc.postings;
  for (lists += (4 - (lists % 4)) % 4; lists < toc.postingsTable; lists += 8 + good.readUInt32BE(lists)) {
    if (lists + 8 > good.length) break;
    sections.push(lists);
  }
  const series: number[] = [];
  for await (const { ref } of index.allSeries()) series.push(version === 1 ? ref : 16 * ref);
  return (bytes) => {
    for (const at of sections) sumUp(bytes, at + 4, bytes.readUInt32BE(at));
    for (const at of series) {
      const { length, from } = uvarintAt(bytes, at);
      sumUp(bytes, from, length);
    }
    sumUp(bytes, bytes.length - 52, 48);
  };
}

function sumUp(bytes: Buffer, from: number, length: number): void {
  if (from + length + 4 <= bytes.length) bytes.writeUInt32BE(crc32c(bytes, 0, from, from + length), from + length);
}

function uvarintAt(bytes: Buffer, at: number): { length: number; from: number } {
  let length = 0;
  for (let scale = 1; scale < 2 ** 35; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    length += (byte & 127) * scale;
    if (byte < 128) break;
  }
  return { length, from: at };
}

describe('a damaged chunk segment is refused with file and offset, or reads as before:', () => {
  test.each(names)('%s', async (name) => {
    const { index, ...files } = filesOf(blockDirectory(name));
    const refs: number[] = [];
    for await (const { chunks } of (await openIndex(new MemorySource('index', index!))).allSeries())
      refs.push(...chunks.map(({ ref }) => ref));
    const [file, good] = Object.entries(files)[0]!;
    const refused = { part: 'CHUNK', file: /^chunks\/000001$/ };
    const content = await chunkContent(files, refs);
    await forEachMutation(good, { count: count / 4 }, async ({ bytes, what }) => {
      const read = await readOrRefused(() => chunkContent({ [file]: bytes }, refs), refused);
      if (read !== undefined && !movesPieces.test(what) && read !== content) throw new Error('reads otherwise');
    });
    const repair = (bytes: Buffer): void => {
      for (const ref of refs) {
        const { length, from } = uvarintAt(bytes, ref);
        sumUp(bytes, from, length + 1);
      }
    };
    // All but the damaged chunks read as before; those are refused, or read as what their bytes say.
    await forEachMutation(good, { seed: 10_000, count, keepsLength: true, repair, from: 8 }, async ({ bytes }) => {
      for (const ref of refs)
        if (!bytes.subarray(ref, ref + 2100).equals(good.subarray(ref, ref + 2100)))
          await readOrRefused(() => chunkContent({ [file]: bytes }, [ref]), refused);
    });
  });
});

describe('damaged tombstones are refused with file and offset, or read as before:', () => {
  const good = readFileSync(join(blockDirectory('tombstones'), 'tombstones'));
  const content = (bytes: Buffer): string => JSON.stringify([...decodeTombstones(bytes)]);
  const refused = { part: 'TOMBSTONES', file: /^tombstones$/ };

  test('as they are', async () => {
    await forEachMutation(good, { count: 5 * count }, async ({ bytes }) => {
      const read = await readOrRefused(() => content(bytes), refused);
      if (read !== undefined && read !== content(good)) throw new Error('reads otherwise');
    });
  });

  test('with a right checksum over the damage', async () => {
    const repair = (bytes: Buffer): Buffer => {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32c(bytes, 0, Math.min(5, bytes.length)));
      return Buffer.concat([bytes, sum]);
    };
    await forEachMutation(good.subarray(0, -4), { count: 5 * count, repair, from: 5 }, async ({ bytes }) => {
      const read = await readOrRefused(() => content(bytes), refused);
      if (read === undefined) return;
      for (const [, intervals] of decodeTombstones(bytes)) {
        let end = -Infinity;
        for (const { minTimeMs, maxTimeMs } of intervals) {
          expect(minTimeMs).toBeGreaterThan(end);
          expect(maxTimeMs).toBeGreaterThanOrEqual(minTimeMs);
          end = maxTimeMs;
        }
      }
    });
  });
});

describe('a damaged meta.json is refused with file and offset, or read as what it says:', () => {
  test.each(readdirSync(join(testdata, 'blocks')))('%s', async (name) => {
    const good = readFileSync(join(blockDirectory(name), 'meta.json'));
    await forEachMutation(good, { count: 2 * count }, async ({ bytes }) => {
      const text = bytes.toString('utf8');
      await readOrRefused(() => JSON.stringify(parseBlockMeta(text)), {
        part: 'META',
        file: /^meta\.json$/,
      });
    });
  });
});
