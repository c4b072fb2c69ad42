import { openHeadChunks, readHeadChunks } from './index.js';
import {
  type DamageCase,
  dir,
  diskWith,
  type Found,
  foundOf,
  type GoldenChunk,
  goodFiles,
  load,
  namesIn,
  patched,
  readLines,
} from './testing/golden.js';

/** `series` is the ref; `ref` of the recordings is the chunk's own reference. */
const golden = readLines<GoldenChunk & { readonly series: string }>('chunks.jsonl').map((chunk) =>
  foundOf({ ...chunk, ref: chunk.series }),
);

test('files of Prometheus read as recorded, and stay as they are', async () => {
  const vfs = await diskWith(goodFiles());
  const { result, chunks } = await load(vfs);
  expect(chunks).toEqual(golden);
  expect(result).toEqual({ files: 3, chunks: 60 });
  for (const [name, bytes] of goodFiles()) expect(bytes.equals(await vfs.readFile(`${dir}/${name}`))).toBe(true);
});

test('recorded chunks read one by one and all at once', async () => {
  const vfs = await diskWith(goodFiles());
  const files = await openHeadChunks(vfs, dir);
  for (const { position, dataLength, data } of golden) {
    expect(Buffer.from(await files.read(position, dataLength)).toString('base64')).toBe(data);
  }
  const found: string[] = [];
  await readHeadChunks(vfs, dir, golden, (index, data) => void (found[index] = Buffer.from(data).toString('base64')));
  expect(found).toEqual(golden.map(({ data }) => data));
});

test('chunks written in the recorded order are the recorded bytes', async () => {
  const vfs = await diskWith(new Map());
  const files = await openHeadChunks(vfs, dir);
  for (const { position, data, ...chunk } of golden) {
    if (position.file > 1 && position.offset === 8) await files.truncateBefore(1); // Ends the file.
    expect(files.append({ ...chunk, data: Buffer.from(data, 'base64') })).toEqual(position);
  }
  await files.close();
  expect(await namesIn(vfs)).toEqual(['000001', '000002', '000003']);
  for (const [name, bytes] of goodFiles()) {
    const written = Buffer.from(await vfs.readFile(`${dir}/${name}`));
    expect(written.equals(bytes.subarray(0, written.length))).toBe(true);
    expect(bytes.subarray(written.length).every((byte) => byte === 0)).toBe(true);
  }
});

test('one chunk is the bytes that FORMAT.md shows', async () => {
  const vfs = await diskWith(new Map());
  const files = await openHeadChunks(vfs, dir);
  const data = Buffer.from('000380A0ABFEF9623FF00000000000009875C25FFF8001D80C', 'hex');
  const minTimeMs = 1_700_000_000_000;
  files.append({ ref: 1, minTimeMs, maxTimeMs: minTimeMs + 30_001, encoding: 1, isOutOfOrder: false, data });
  await files.close();
  expect(Buffer.from(await vfs.readFile(`${dir}/000001`)).toString('hex')).toBe(
    '0130bc9101000000' +
      '0000000000000001' +
      '0000018bcfe568000000018bcfe5dd31' +
      '0119' +
      '000380a0abfef9623ff00000000000009875c25fff8001d80c' +
      '5858fa17',
  );
});

const cases = readLines<DamageCase>('corrupt.jsonl').map((recorded) => [recorded.name, recorded] as const);

/**
 * Where the recording goes on behind a hole of zeros, with later files too, we do not: the log still has the samples of the hole, but they
 * would not be replayed for a series that has later chunks.
 */
const isHole = (name: string): boolean => name.startsWith('this record zeroed, later ones intact');

/** A last file of which nothing reached the disk. */
const isBlank = (name: string): boolean => ['empty: 000003', '3 bytes: 000003', '5 bytes: 000003'].includes(name);

test.each(cases)('damage, %s: all chunks before it are read, none is invented', async (name, { ops, result }) => {
  const files = patched(goodFiles(), ops ?? []);
  const before = new Map([...files].map(([file, bytes]) => [file, Buffer.from(bytes)]));
  const vfs = await diskWith(files);
  const first = await load(vfs);

  expect(chunksOf(golden)).toEqual(expect.arrayContaining(chunksOf(first.chunks)));
  const isDamaged =
    (result.iterateError ?? result.openError) !== null || name.startsWith('zero magic: 000003') || isHole(name);
  expect(first.result.damage !== undefined).toBe(isDamaged && !isBlank(name));
  if (!isHole(name)) {
    expect(first.chunks.length).toBeGreaterThanOrEqual(result.chunksReadBeforeError ?? 0);
    expect(first.chunks.length).toBeGreaterThanOrEqual(result.chunksAfterDelete ?? 0);
  }
  // Whatever is no longer read is still there, byte for byte.
  const left = await namesIn(vfs);
  for (const aside of first.result.damage?.setAside ?? []) {
    const was = before.get(aside.slice(0, 6)) ?? before.get(String(Number(aside.slice(0, 6))));
    expect(was?.equals(await vfs.readFile(`${dir}/${aside}`))).toBe(true);
    expect(left).toContain(aside);
  }

  const second = await load(vfs);
  expect(second.result.damage).toBeUndefined();
  expect(second.chunks).toEqual(first.chunks);
  await goesOn(vfs, first.chunks);
});

const chunksOf = (found: readonly Found[]): string[] => found.map((chunk) => JSON.stringify(chunk));

/** What is written behind the rest is read behind it. */
async function goesOn(vfs: Awaited<ReturnType<typeof diskWith>>, old: readonly Found[]): Promise<void> {
  const files = await openHeadChunks(vfs, dir);
  const chunk = { ref: 7, minTimeMs: -5, maxTimeMs: 5, encoding: 1, isOutOfOrder: true };
  const position = files.append({ ...chunk, data: Buffer.from([0, 9, 1, 1]) });
  await files.close();
  const { result, chunks } = await load(vfs);
  expect(result.damage).toBeUndefined();
  expect(chunks.slice(0, -1)).toEqual(old);
  expect(chunks.at(-1)).toMatchObject({ ...chunk, position, sampleCount: 9 });
}
