import { createHash } from 'node:crypto';
import { openWal, replayWal } from './index.js';
import { diskWith, filesIn, fingerprints, goldenFiles, goldenLines, type GoldenRecord } from './testing/golden.js';
import { MemoryVfs } from '@gauntlet/vfs/testing';

async function recordsOf(path: string): Promise<{ segment: number; end: number; record: string }[]> {
  const vfs = await diskWith(goldenFiles(path), '/wal');
  const found: { segment: number; end: number; record: string }[] = [];
  const { damage } = await replayWal(vfs, '/wal', {
    onRecord: (record, { checkpoint, segment, offset }) => {
      if (checkpoint === undefined)
        found.push({ segment, end: offset, record: Buffer.from(record).toString('base64') });
    },
  });
  expect(damage).toBeUndefined();
  return found;
}

test.each([
  ['good/all-records-none/wal', 'good/all-records-none/records'],
  ['good/all-records-snappy/wal', 'good/all-records-snappy/records'],
  ['good/all-records-zstd/wal', 'good/all-records-zstd/records'],
  ['good/all-records-v2-none/wal', 'good/all-records-v2-none/records'],
  ['good/edges-64KiB-segments-none/wal', 'good/edges-64KiB-segments-none/records'],
  ['good/edges-64KiB-segments-snappy/wal', 'good/edges-64KiB-segments-snappy/records'],
  ['wbl/wal', 'wbl/wal-records'],
  ['wbl/wbl', 'wbl/wbl-records'],
])('the records and positions of the log %s are read as recorded', async (path, list) => {
  const expected = goldenLines<GoldenRecord>(`${list}.jsonl.gz`);
  expect(await recordsOf(path)).toEqual(expected.map(({ segment, end, record }) => ({ segment, end, record })));
});

/** Of these, the lists have checksums for records. */
test.each([
  ['good/edges-64KiB-segments-zstd/wal', 'good/edges-64KiB-segments-zstd/records'],
  ['checkpoint/before/wal', 'checkpoint/before-records'],
  ['checkpoint/after/wal', 'checkpoint/after-segment-records'],
])('the records and positions of the log %s are read as recorded', async (path, list) => {
  const expected = goldenLines<GoldenRecord & { readonly sha256: string }>(`${list}.jsonl.gz`);
  const found = (await recordsOf(path)).map(({ record, ...at }) => ({
    ...at,
    sha256: createHash('sha256').update(Buffer.from(record, 'base64')).digest('hex'),
  }));
  expect(found).toEqual(expected.map(({ segment, end, sha256 }) => ({ segment, end, sha256 })));
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
