import { MemorySource } from './byte-source.js';
import { checkChunkSegment, readChunk } from './chunk-reader.js';
import { ChunkSegmentWriter, chunkSegmentName } from './chunk-writer.js';
import { memoryBlock } from './testing/fixtures.js';

const refused = expect.objectContaining({ kind: 'corrupt', code: 'BLOCK_CHUNK_CORRUPT' });

async function write(lengths: readonly number[], segmentBytesMax: number, flushEvery = Infinity) {
  const block = memoryBlock();
  const writer = new ChunkSegmentWriter((name) => block.openSegment(name), { segmentBytesMax });
  const refs: number[] = [];
  for (const [index, length] of lengths.entries()) {
    refs.push(writer.add(1, Buffer.alloc(length, index)));
    if (index % flushEvery === 0) await writer.flush();
  }
  await writer.close();
  const segments = Object.entries(block.files()).map(([name, bytes]) => new MemorySource(name, bytes));
  return { refs, segments, allClosed: [...block.sinks.values()].every(({ closed }) => closed) };
}

const segment = 2 ** 32;
test.each([
  // A chunk of 20 bytes takes 26, but is estimated at 30.
  { name: 'fills a segment up to the estimate', lengths: [20, 20, 20], max: 8 + 26 + 30, refs: [8, 34, segment + 8] },
  { name: 'cuts a byte before', lengths: [20, 20, 20], max: 8 + 26 + 29, refs: [8, segment + 8, 2 * segment + 8] },
  {
    name: 'writes an oversize chunk, and never an empty segment',
    lengths: [100, 1, 100],
    max: 10,
    refs: [8, segment + 8, 2 * segment + 8],
  },
  { name: 'writes lengths of two bytes', lengths: [200, 1], max: 1000, refs: [8, 8 + 2 + 1 + 200 + 4] },
])('$name', async ({ lengths, max, refs }) => {
  for (const flushEvery of [1, 2, Infinity]) {
    const written = await write(lengths, max, flushEvery);
    expect(written.refs).toEqual(refs);
    expect(written.allClosed).toBe(true);
    for (const [index, ref] of refs.entries()) {
      expect(await readChunk(written.segments, ref)).toEqual({
        encoding: 1,
        data: Buffer.alloc(lengths[index]!, index),
      });
    }
    expect(written.segments.map(({ name }) => name)).toEqual(
      written.segments.map((_, index) => `chunks/${chunkSegmentName(index)}`),
    );
  }
});

test('without chunks there is no segment', async () => {
  expect((await write([], 100)).segments).toEqual([]);
});

test('chunks larger than one read come back', async () => {
  const { refs, segments } = await write([5000, 2043, 70_000], 1e6);
  for (const [index, length] of [5000, 2043, 70_000].entries())
    expect((await readChunk(segments, refs[index]!)).data).toEqual(Buffer.alloc(length, index));
});

test('any changed byte, and any cut, of a segment is found', async () => {
  const { segments } = await write([20], 100);
  const good = Buffer.from(await segments[0]!.read(0, segments[0]!.size));
  const read = async (bytes: Buffer): Promise<void> => {
    const source = new MemorySource('chunks/000001', bytes);
    await checkChunkSegment(source);
    await readChunk([source], 8);
  };
  await read(good);
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed[at]! ^= 0x81;
    // Bytes 5 to 7 of the header are padding.
    if (at < 5 || at > 7) await expect(read(changed)).rejects.toThrow(refused);
    await expect(read(good.subarray(0, at))).rejects.toThrow(refused);
  }
});

test.each([0, 7, 34, 2 ** 31, segment + 8])('reference %d of a segment of 34 bytes is an error', async (ref) => {
  const { segments } = await write([20], 100);
  await expect(readChunk(segments, ref)).rejects.toThrow(refused);
});
