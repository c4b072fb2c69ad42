import { MemoryVfs } from '@gauntlet/vfs/testing';
import {
  checkpointRange,
  decodeMetadata,
  decodeSamples,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  openWal,
  planCheckpoint,
  recordType,
  replayWal,
  truncateWal,
  writeCheckpoint,
} from './index.js';
import {
  diskWith,
  filesIn,
  fingerprints,
  goldenFiles,
  goldenJson,
  goldenLines,
  type GoldenRecord,
} from './testing/golden.js';

test.each([
  // first, last before the roll, expected
  [0, 0, undefined],
  [0, 1, undefined],
  [0, 2, undefined], // One segment to replace is not worth it.
  [0, 3, { from: 0, to: 1 }],
  [0, 4, { from: 0, to: 2 }],
  [0, 5, { from: 0, to: 2 }],
  [4, 7, { from: 4, to: 5 }],
  [10, 40, { from: 10, to: 29 }],
] as const)('of the segments %d to %d, a checkpoint replaces %p', (first, last, expected) => {
  expect(checkpointRange(first, last)).toEqual(expected);
});

test('a checkpoint holds what the recorded one holds, in the same bytes but for the metadata', async () => {
  const { from, to, mint } = goldenJson<{ from: number; to: number; mint: string }>('checkpoint/case.json');
  const vfs = await diskWith(goldenFiles('checkpoint/before/wal'), '/wal');
  const expected = goldenLines<GoldenRecord>('checkpoint/checkpoint-records.jsonl.gz').map(({ record }) => record);
  const { records } = await writeCheckpoint(vfs, '/wal', {
    from,
    to,
    minTimeMs: Number(mint),
    keep: (ref) => ref % 4 !== 0,
  });
  await truncateWal(vfs, '/wal', to);
  expect(records).toBe(expected.length);

  const found: Uint8Array[] = [];
  await replayWal(vfs, '/wal', { onRecord: (record, at) => at.checkpoint === to && found.push(Buffer.from(record)) });
  const metadata = found.pop() as Uint8Array;
  const byRef = (record: Uint8Array): unknown[] => decodeMetadata(record).sort((a, b) => a.ref - b.ref);
  expect(byRef(metadata)).toEqual(byRef(Buffer.from(expected.pop() as string, 'base64')));
  expect(found.map((record) => Buffer.from(record).toString('base64'))).toEqual(expected);

  const after = goldenFiles('checkpoint/after/wal');
  const segments = [...after].filter(([name]) => !name.includes('/'));
  expect(fingerprints(await filesIn(vfs, '/wal'))).toEqual(fingerprints(new Map(segments)));
  expect((await vfs.readDir('/wal')).map(({ name }) => name)).toEqual(['00000004', '00000005', 'checkpoint.00000003']);
});

async function logWith(vfs: MemoryVfs, ...segments: Uint8Array[][]): Promise<void> {
  const wal = await openWal(vfs, '/wal');
  for (const [index, records] of segments.entries()) {
    if (index > 0) await wal.roll();
    wal.append(records);
  }
  await wal.close();
}

test('a second checkpoint continues the first', async () => {
  const vfs = new MemoryVfs();
  const series = (ref: number): Uint8Array => encodeSeries([{ ref, labels: [{ name: 'a', value: `${ref}` }] }]);
  await logWith(vfs, ...[1, 2, 3, 4, 5, 6].map((ref) => [series(ref)]));
  await writeCheckpoint(vfs, '/wal', { from: 0, to: 2, minTimeMs: 0, keep: () => true });
  await truncateWal(vfs, '/wal', 2);
  expect(await planCheckpoint(vfs, '/wal', 5)).toBeUndefined();
  await writeCheckpoint(vfs, '/wal', { from: 3, to: 4, minTimeMs: 0, keep: (ref) => ref !== 2 });
  // A crash here leaves both, and the newer one counts.
  const refs: number[] = [];
  const onRecord = (record: Uint8Array): void => void refs.push(Number(Buffer.from(record).readBigUInt64BE(1)));
  await replayWal(vfs, '/wal', { onRecord });
  expect(refs).toEqual([1, 3, 4, 5, 6]);
  await truncateWal(vfs, '/wal', 4);
  expect((await vfs.readDir('/wal')).map(({ name }) => name)).toEqual(['00000005', 'checkpoint.00000004']);
});

test('a checkpoint that would leave a gap is refused', async () => {
  const vfs = new MemoryVfs();
  await logWith(vfs, [], [], [], []);
  await writeCheckpoint(vfs, '/wal', { from: 0, to: 1, minTimeMs: 0, keep: () => true });
  await expect(writeCheckpoint(vfs, '/wal', { from: 3, to: 3, minTimeMs: 0, keep: () => true })).rejects.toMatchObject({
    code: 'WAL_SEGMENT_GAP',
  });
});

test('damage in the input ends a checkpoint and leaves the log as it was', async () => {
  const vfs = await diskWith(goldenFiles('checkpoint/before/wal'), '/wal');
  const file = await vfs.open('/wal/00000001', 'update');
  await file.write(Buffer.from('?'), 100);
  await file.close();
  const before = await vfs.readDir('/wal');
  await expect(writeCheckpoint(vfs, '/wal', { from: 0, to: 3, minTimeMs: 0, keep: () => true })).rejects.toMatchObject({
    code: 'WAL_CORRUPT',
  });
  expect(await vfs.readDir('/wal')).toEqual(before);
  await expect(truncateWal(vfs, '/wal', 3)).rejects.toMatchObject({ code: 'WAL_CHECKPOINT_CORRUPT' });
});

test('samples are kept by time alone, and what is kept starts anew from its own first sample', async () => {
  const vfs = new MemoryVfs();
  const sample = (ref: number, timestampMs: bigint) => ({ ref, timestampMs, valueBits: 0x7ff0000000000002n });
  await logWith(vfs, [
    encodeSamples([sample(9, 10n), sample(1, 50n), sample(7, 49n), sample(8, 60n)]),
    encodeSamples([sample(9, 10n)]),
    Uint8Array.of(200, 1, 2), // A type nobody knows.
    encodeMetadata([{ ref: 1, type: 1, unit: '', help: 'old' }]),
    encodeMetadata([{ ref: 2, type: 1, unit: '', help: 'gone' }]),
    encodeMetadata([{ ref: 1, type: 2, unit: 's', help: 'new' }]),
  ]);
  await writeCheckpoint(vfs, '/wal', { from: 0, to: 0, minTimeMs: 50, keep: (ref) => ref === 1 });
  const found: Uint8Array[] = [];
  await replayWal(vfs, '/wal', { toSegment: 0, onRecord: (record) => found.push(Buffer.from(record)) });
  expect(found.map(recordType)).toEqual([2, 6]);
  expect(decodeSamples(found[0] as Uint8Array)).toEqual([sample(1, 50n), sample(8, 60n)]);
  expect(decodeMetadata(found[1] as Uint8Array)).toEqual([{ ref: 1, type: 2, unit: 's', help: 'new' }]);
});
