import fc from 'fast-check';
import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import {
  type HeadChunkPosition,
  type HeadChunkRecord,
  openHeadChunks,
  readHeadChunks,
  type StoredHeadChunk,
} from './index.js';
import { dir, load, namesIn, putFile } from './testing/golden.js';

const records: fc.Arbitrary<HeadChunkRecord> = fc
  .record({
    ref: fc.oneof(
      fc.integer({ min: 1, max: 1000 }),
      fc.maxSafeNat().map((ref) => Math.max(1, ref)),
    ),
    times: fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger()),
    encoding: fc.integer({ min: 1, max: 6 }),
    isOutOfOrder: fc.boolean(),
    data: fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 40 }),
      fc.uint8Array({ minLength: 100, maxLength: 300 }),
      fc.nat(70_000).map((length) => new Uint8Array(length + 4).fill(length)),
    ),
  })
  .map(({ times: [a, b], ...rest }) => ({ ...rest, minTimeMs: Math.min(a, b), maxTimeMs: Math.max(a, b) }));

const chunkOf = (index: number, length = 100): HeadChunkRecord => {
  const data = new Uint8Array(length).fill(index);
  return { ref: index + 1, minTimeMs: index, maxTimeMs: index + 1, encoding: 1, isOutOfOrder: false, data };
};

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function recordOf(found: StoredHeadChunk & { readonly data: string }): unknown {
  const { ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, data, position } = found;
  return { ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, data, position };
}

test('whatever is appended is read back, pending, flushed, at once and after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(records, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 60, max: 200_000 }),
      async (chunks, flushEvery, fileBytesMax) => {
        const vfs = new MemoryVfs();
        const files = await openHeadChunks(vfs, dir, { fileBytesMax });
        const expected = [];
        const wanted = [];
        for (const [index, { data, ...chunk }] of chunks.entries()) {
          const position = files.append({ ...chunk, data });
          expected.push({ ...chunk, data: base64(data), position });
          wanted.push({ position, dataLength: data.length });
          expect(base64(await files.read(position, data.length))).toBe(base64(data));
          if (index % flushEvery === 0) await files.flush();
        }
        const some: string[] = [];
        await files.readAll(wanted, (index, data) => void (some[index] = base64(data)));
        expect(some).toEqual(expected.map(({ data }) => data));
        await files.flush();
        expect(files.pendingBytes).toBe(0);
        const both = await Promise.all(wanted.map(({ position, dataLength }) => files.read(position, dataLength)));
        expect(both.map(base64)).toEqual(expected.map(({ data }) => data));
        const atOnce: string[] = [];
        await readHeadChunks(vfs, dir, wanted, (index, data) => void (atOnce[index] = base64(data)));
        expect(atOnce).toEqual(expected.map(({ data }) => data));
        let onDisk = 0;
        for (const name of await namesIn(vfs)) onDisk += (await vfs.readFile(`${dir}/${name}`)).length;
        expect(files.bytesOnDisk).toBe(onDisk);
        await files.close();
        const after = await load(vfs);
        expect(after.result.damage).toBeUndefined();
        expect(after.chunks.map(recordOf)).toEqual(expected);
      },
    ),
    { numRuns: 80 },
  );
});

test('a file ends before it would pass its limit, and a chunk that no file could hold has one to itself', async () => {
  const vfs = new MemoryVfs();
  const files = await openHeadChunks(vfs, dir, { fileBytesMax: 8 + 2 * 130 });
  const at = [100, 100, 100, 500, 100].map((length, index) => files.append(chunkOf(index, length)));
  expect(at.map(({ file, offset }) => `${file}:${offset}`)).toEqual(['1:8', '1:138', '2:8', '3:8', '4:8']);
  await files.close();
  expect((await load(vfs)).chunks).toHaveLength(5);
});

test('room is what waits for the disk', async () => {
  const files = await openHeadChunks(new MemoryVfs(), dir, { pendingBytesMax: 1000 });
  expect(files.hasRoom).toBe(true);
  for (let index = 0; files.hasRoom; index += 1) files.append(chunkOf(index));
  expect(files.pendingBytes).toBe(8 + 8 * 130);
  await files.flush();
  expect(files).toMatchObject({ pendingBytes: 0, hasRoom: true, bytesOnDisk: 8 + 8 * 130 });
});

test('every opening begins a file behind the last, made by the first flush', async () => {
  const vfs = new MemoryVfs();
  for (const number of [1, 2, 3]) {
    const files = await openHeadChunks(vfs, dir);
    await files.flush();
    expect(await namesIn(vfs)).toHaveLength(number - 1);
    expect(files.append(chunkOf(0)).file).toBe(number);
    await files.close();
  }
  expect(await namesIn(vfs)).toEqual(['000001', '000002', '000003']);
});

test('truncation deletes lower files, keeps the one being written, and lets the next chunk begin another', async () => {
  const vfs = new MemoryVfs();
  await putFileOf(vfs, 3);
  const files = await openHeadChunks(vfs, dir);
  const first = files.append(chunkOf(0));
  await files.flush();
  await files.truncateBefore(99);
  expect(await namesIn(vfs)).toEqual(['000004']);
  expect(files.append(chunkOf(1))).toEqual({ file: 5, offset: 8 });
  expect(base64(await files.read(first, 100))).toBe(base64(chunkOf(0).data));
  await files.flush();
  await files.truncateBefore(5);
  expect(await namesIn(vfs)).toEqual(['000005']);
  expect(files.bytesOnDisk).toBe(8 + 130);
  await files.close();
});

async function putFileOf(vfs: MemoryVfs, count: number): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    const files = await openHeadChunks(vfs, dir);
    files.append(chunkOf(number));
    await files.close();
  }
}

test('a chunk that is not what was written is refused with its place', async () => {
  const vfs = new MemoryVfs();
  const files = await openHeadChunks(vfs, dir);
  const position = files.append(chunkOf(1));
  await files.flush();
  const at = expect.objectContaining({ kind: 'corrupt', code: 'HEAD_CHUNK_CORRUPT', at: position }) as unknown;
  await expect(files.read(position, 99)).rejects.toEqual(at);
  const bytes = Buffer.from(await vfs.readFile(`${dir}/000001`));
  bytes[60]! ^= 1;
  await putFile(vfs, '000001', bytes);
  await expect(files.read(position, 100)).rejects.toEqual(at);
  await expect(readHeadChunks(vfs, dir, [{ position, dataLength: 100 }], () => undefined)).rejects.toEqual(at);
  await putFile(vfs, '000001', bytes.subarray(0, 70));
  await expect(files.read(position, 100)).rejects.toEqual(at);
});

test('data that were read stay as they are, whatever is written later', async () => {
  const files = await openHeadChunks(new MemoryVfs(), dir);
  const data = chunkOf(1).data.slice();
  const position = files.append({ ...chunkOf(1), data });
  data.fill(99);
  const copies = [await files.read(position, 100)];
  for (let index = 2; index < 9; index += 1) {
    await files.flush();
    files.append(chunkOf(index));
    copies.push(await files.read(position, 100));
  }
  for (const copy of copies) expect(base64(copy)).toBe(base64(chunkOf(1).data));
});

test('closed files take nothing', async () => {
  const files = await openHeadChunks(new MemoryVfs(), dir);
  await files.close();
  await files.close();
  expect(() => files.append(chunkOf(0))).toThrow('they are closed');
  await expect(files.flush()).rejects.toMatchObject({ code: 'HEAD_CHUNKS_CLOSED', kind: 'unavailable' });
});

/** Appends and flushes over several files with one truncation. Retries what fails; returns how much failed. */
async function work(vfs: FaultyVfs): Promise<number> {
  let failures = 0;
  const insist = async <T>(act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        failures += 1;
        expect(error).toMatchObject({ code: expect.stringMatching(/EIO|ENOSPC/) as string });
      }
    }
  };
  const files = await insist(() => openHeadChunks(vfs, dir, { fileBytesMax: 700 }));
  const positions: HeadChunkPosition[] = [];
  for (let index = 0; index < 16; index += 1) {
    positions.push(files.append(chunkOf(index)));
    if (index % 3 === 2) await insist(() => files.flush());
    if (index === 9) await insist(() => files.truncateBefore(2));
    for (const seen of index % 4 === 3 ? [index - 3, index] : []) {
      const data = await insist(() => files.read(positions[seen]!, 100));
      expect(base64(data)).toBe(base64(chunkOf(seen).data));
    }
  }
  await insist(() => files.close());
  return failures;
}

const faults = [{ code: 'EIO' }, { code: 'EIO', afterwards: true }, { code: 'ENOSPC', bytesWritten: 50 }] as const;

test.each(faults)('whichever call fails once (%j), nothing is lost and the files are the same', async (fault) => {
  const clean = new MemoryVfs();
  const counting = new FaultyVfs(clean);
  await work(counting);
  const expected = (await load(clean)).chunks;
  expect(expected).toHaveLength(11);
  for (let nth = 1; nth <= counting.calls.length; nth += 1) {
    const vfs = new MemoryVfs();
    const failures = await work(new FaultyVfs(vfs, { nth, ...fault }));
    expect(failures).toBeLessThanOrEqual(1);
    const { result, chunks } = await load(vfs);
    expect(result.damage).toBeUndefined();
    expect(chunks).toEqual(expected);
  }
});

test('whichever call of a load fails once, the next load gives the same and mends the same', async () => {
  const damaged = async (): Promise<MemoryVfs> => {
    const vfs = new MemoryVfs();
    const files = await openHeadChunks(vfs, dir, { fileBytesMax: 700 });
    for (let index = 0; index < 16; index += 1) files.append(chunkOf(index));
    await files.close();
    const bytes = Buffer.from(await vfs.readFile(`${dir}/000002`));
    bytes[300]! ^= 4;
    await putFile(vfs, '000002', bytes);
    return vfs;
  };
  const counting = new FaultyVfs(await damaged());
  const expected = await load(counting as unknown as MemoryVfs);
  expect(expected.result.damage?.setAside).toEqual(['000002.damaged', '000003.damaged', '000004.damaged']);
  for (const fault of faults) {
    for (let nth = 1; nth <= counting.calls.length; nth += 1) {
      const vfs = await damaged();
      const faulty = new FaultyVfs(vfs, { nth, ...fault });
      await load(faulty as unknown as MemoryVfs).catch((error: unknown) => {
        expect(error).toMatchObject({ code: fault.code });
      });
      expect((await load(vfs)).chunks).toEqual(expected.chunks);
      expect((await load(vfs)).result.damage).toBeUndefined();
    }
  }
});

test('on a full disk a damaged file stays in place, and its good chunks are read', async () => {
  const vfs = new MemoryVfs();
  await putFileOf(vfs, 2);
  const bytes = Buffer.concat([await vfs.readFile(`${dir}/000001`), Buffer.alloc(50, 7)]);
  await putFile(vfs, '000001', bytes);
  const full = new FaultyVfs(vfs, { operation: 'write', code: 'ENOSPC', times: Infinity });
  const { result, chunks } = await load(full as unknown as MemoryVfs);
  expect(chunks).toHaveLength(1);
  expect(result.damage?.setAside).toEqual(['000002.damaged']);
  expect(await namesIn(vfs)).toEqual(['000001', '000002.damaged']);
});

test('a chunk that its reader calls corrupt is damage; any other error ends the load', async () => {
  const vfs = new MemoryVfs();
  await putFileOf(vfs, 2);
  await expect(
    import('./index.js').then(({ loadHeadChunks }) =>
      loadHeadChunks(vfs, dir, {
        onChunk: () => {
          throw new Error('no memory');
        },
      }),
    ),
  ).rejects.toThrow('no memory');
  expect(await namesIn(vfs)).toEqual(['000001', '000002']);
});
