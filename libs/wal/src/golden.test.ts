import { openWal, replayWal } from './index.js';
import { diskWith, filesIn, fingerprints, goldenFiles, goldenLines, type GoldenRecord } from './testing/golden.js';
import { MemoryVfs } from '@gauntlet/vfs/testing';

async function recordsOf(path: string): Promise<{ segment: number; end: number; record: string }[]> {
  const vfs = await diskWith(goldenFiles(path), '/wal');
  const found: { segment: number; end: number; record: string }[] = [];
  const result = await replayWal(vfs, '/wal', {
    onRecord: (record, at) =>
      found.push({ segment: at.segment, end: at.offset, record: Buffer.from(record).toString('base64') }),
  });
  expect(result.damage).toBeUndefined();
  expect(result.records).toBe(found.length);
  return found;
}

test.each([
  'all-records-none',
  'all-records-snappy',
  'all-records-v2-none',
  'edges-64KiB-segments-none',
  'edges-64KiB-segments-snappy',
])('the records and positions of the log %s are read as recorded', async (name) => {
  const expected = goldenLines<GoldenRecord>(`good/${name}/records.jsonl.gz`);
  expect(await recordsOf(`good/${name}/wal`)).toEqual(
    expected.map(({ segment, end, record }) => ({ segment, end, record })),
  );
});

test('the records of a log that Zstandard compressed are those of the log without compression', async () => {
  const expected = goldenLines<GoldenRecord>('good/all-records-none/records.jsonl.gz');
  const found = await recordsOf('good/all-records-zstd/wal');
  expect(found.map(({ record }) => record)).toEqual(expected.map(({ record }) => record));
});

test.each(['all-records-none', 'all-records-v2-none'])('the log %s is written byte for byte', async (name) => {
  const vfs = new MemoryVfs();
  const wal = await openWal(vfs, '/wal');
  for (const { record } of goldenLines<GoldenRecord>(`good/${name}/records.jsonl.gz`))
    wal.append([Buffer.from(record, 'base64')]);
  await wal.close();
  expect(fingerprints(await filesIn(vfs, '/wal'))).toEqual(fingerprints(goldenFiles(`good/${name}/wal`)));
});

test('page ends, empty and oversize records and rolls are written byte for byte', async () => {
  const vfs = new MemoryVfs();
  const segmentBytesMax = 64 * 1024;
  let wal = await openWal(vfs, '/wal', { segmentBytesMax });
  for (const { record, segment } of goldenLines<GoldenRecord>('good/edges-64KiB-segments-none/records.jsonl.gz')) {
    // Two empty segments, from rolls, before the one numbered 7.
    if (segment === 7) while (wal.segment < 7) await wal.roll();
    wal.append([Buffer.from(record, 'base64')]);
    expect(wal.segment).toBe(segment);
  }
  await wal.close();
  wal = await openWal(vfs, '/wal', { segmentBytesMax });
  await wal.close();
  expect(fingerprints(await filesIn(vfs, '/wal'))).toEqual(
    fingerprints(goldenFiles('good/edges-64KiB-segments-none/wal')),
  );
});

test.each([false, true])('what was appended and committed is replayed (compressed: %s)', async (compress) => {
  const vfs = new MemoryVfs();
  const wal = await openWal(vfs, '/wal', { compress, segmentBytesMax: 64 * 1024 });
  const records = Array.from({ length: 300 }, (_, index) => Buffer.alloc((index * index) % 5000, index));
  for (let at = 0; at < records.length; at += 3) {
    wal.append(records.slice(at, at + 3));
    if (at % 9 === 0) await wal.commit();
  }
  await wal.commit();
  const found: Buffer[] = [];
  await replayWal(vfs, '/wal', { onRecord: (record) => found.push(Buffer.from(record)) });
  expect(found.map((record) => record.toString('hex'))).toEqual(records.map((record) => record.toString('hex')));
  await wal.close();
  expect(wal.state).toBe('closed');
});
