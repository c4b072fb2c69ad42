import type { Vfs } from '@gauntlet/vfs';
import { CrashVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import {
  decodeSamples,
  decodeSeries,
  openWal,
  recordType,
  RecordType,
  repairWal,
  replayWal,
  writeCheckpoint,
  type ReplayResult,
  type WalDamage,
} from './index.js';
import { diskWith, filesIn, fingerprints, goldenFiles, goldenLines } from './testing/golden.js';

interface Op {
  readonly op: 'truncate' | 'xor' | 'zero' | 'append' | 'create' | 'delete' | 'rename';
  readonly file: string;
  readonly size?: number;
  readonly offset?: number;
  readonly mask?: number;
  readonly length?: number;
  readonly bytes?: string;
  readonly to?: string;
}

interface CorruptCase {
  readonly name: string;
  readonly ops: readonly Op[];
  readonly perSegmentReaderRecords?: number;
  readonly perSegmentReaderError?: string | null;
  readonly recordsAfterRepair?: number;
  readonly filesAfterRepair?: readonly { file: string; size: number; sha256: string }[];
  readonly result: { readonly openError: string | null };
}

/** The base files with the damage done. */
function damaged(base: ReadonlyMap<string, Buffer>, ops: readonly Op[]): Map<string, Buffer> {
  const files = new Map([...base].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  for (const { op, file, size = 0, offset = 0, mask = 0, length = 0, bytes = '', to = '' } of ops) {
    const name = file.replace('wal/', '');
    const old = files.get(name) ?? Buffer.alloc(0);
    if (op === 'truncate')
      files.set(name, Buffer.concat([old.subarray(0, size), Buffer.alloc(Math.max(0, size - old.length))]));
    if (op === 'xor') old[offset] = (old[offset] ?? 0) ^ mask;
    if (op === 'zero') old.fill(0, offset, offset + length);
    if (op === 'append') files.set(name, Buffer.concat([old, Buffer.from(bytes, 'base64')]));
    if (op === 'create') files.set(name, Buffer.from(bytes, 'base64'));
    if (op === 'delete' || op === 'rename') files.delete(name);
    if (op === 'rename') files.set(to.replace('wal/', ''), old);
  }
  return files;
}

/** Replays as a database does, which decodes the records. */
async function replay(vfs: MemoryVfs, decode = true): Promise<ReplayResult> {
  const onRecord = (record: Uint8Array): void => {
    if (!decode) return;
    if (recordType(record) === RecordType.series) decodeSeries(record);
    if (recordType(record) === RecordType.samples) decodeSamples(record);
  };
  return replayWal(vfs, '/wal', { onRecord });
}

describe.each(['none', 'snappy'])('recorded damage to a log (compression: %s)', (compression) => {
  const base = goldenFiles(`corrupt/base-${compression}/wal`);
  const cases = goldenLines<CorruptCase>(`corrupt/cases-${compression}.jsonl.gz`);
  const readable = cases.filter((one) => one.perSegmentReaderRecords !== undefined && one.result.openError === null);

  test('there are cases', () => {
    expect(readable.length).toBeGreaterThan(80);
  });

  test.each(readable.map((one) => [one.name, one] as const))(
    '%s: everything before it is kept, and where it lies is told',
    async (_, one) => {
      const vfs = await diskWith(damaged(base, one.ops), '/wal');
      const read = await replay(vfs, false);
      expect(read.records).toBe(one.perSegmentReaderRecords);
      const recorded = /^segment (\d+), offset (\d+)/.exec(one.perSegmentReaderError ?? '');
      expect(read.damage?.at).toEqual(
        recorded === null ? undefined : { segment: Number(recorded[1]), offset: Number(recorded[2]) },
      );

      const before = new Set(Object.values(fingerprints(await filesIn(vfs, '/wal'))));
      const decode = one.name.includes('undecodable');
      const result = decode ? await replay(vfs) : read;
      if (result.damage !== undefined) await repairWal(vfs, '/wal', result.damage);
      await (await openWal(vfs, '/wal')).close();
      const files = await filesIn(vfs, '/wal');
      const segments = new Map([...files].filter(([name]) => /^\d+$/.test(name)));
      if (compression === 'none') {
        const expected = (one.filesAfterRepair ?? []).filter(({ file }) => /^wal\/\d+$/.test(file));
        expect(fingerprints(segments)).toEqual(
          Object.fromEntries(expected.map(({ file, size, sha256 }) => [file.slice(4), `${size} ${sha256}`])),
        );
      }
      const after = new Set(Object.values(fingerprints(files)));
      expect([...before].filter((print) => !after.has(print))).toEqual([]); // Nothing was deleted.
      const again = await replay(vfs, decode);
      expect(again.records).toBe(one.recordsAfterRepair);
      expect(again.damage).toBeUndefined();
    },
  );

  // Prometheus does not open these.
  const incomplete = cases.filter((one) => one.result.openError !== null);
  if (incomplete.length > 0) {
    test.each(incomplete.map((one) => [one.name, one] as const))(
      '%s: what is before the gap is kept, and what is behind it is set aside',
      async (name, one) => {
        const vfs = await diskWith(damaged(base, one.ops), '/wal');
        const before = Object.values(fingerprints(await filesIn(vfs, '/wal'))).sort();
        const { damage, records } = await replay(vfs);
        const isHeadless = name.startsWith('first segment missing');
        expect(damage?.kind).toBe(isHeadless ? 'headless' : 'missing');
        expect(records).toBeGreaterThan(0);
        const { setAside } = await repairWal(vfs, '/wal', damage as NonNullable<typeof damage>);
        expect(setAside.length > 0).toBe(!isHeadless);
        expect(Object.values(fingerprints(await filesIn(vfs, '/wal'))).sort()).toEqual(before);
        expect(await replay(vfs)).toMatchObject({ records });
        expect((await replay(vfs)).damage).toBeUndefined();
        await (await openWal(vfs, '/wal')).close();
        expect((await replay(vfs)).damage).toBeUndefined();
      },
    );
  }
});

test('a log without its beginning is replayed from where it begins, and then has an empty checkpoint for what is missing', async () => {
  const vfs = new MemoryVfs();
  await logOf(vfs, ['a'], ['b'], ['c'], ['d']);
  await vfs.remove('/wal/00000000');
  await vfs.remove('/wal/00000001');
  const { damage } = await replayed(vfs, ['c', 'd']);
  expect(damage).toMatchObject({ kind: 'headless', at: { segment: 2, offset: 0 } });
  expect(await repairWal(vfs, '/wal', damage as WalDamage)).toEqual({ setAside: [] });
  expect(await namesIn(vfs, '/wal')).toEqual(['00000002', '00000003', 'checkpoint.00000001']);
  expect((await replayed(vfs, ['c', 'd'])).damage).toBeUndefined();
});

test('a gap in a log of out-of-order samples, which may begin anywhere, ends it there', async () => {
  const vfs = new MemoryVfs();
  await logOf(vfs, ['a'], ['b'], ['c'], ['d']);
  await vfs.remove('/wal/00000000');
  await vfs.remove('/wal/00000002');
  const found: string[] = [];
  const onRecord = (record: Uint8Array) => void found.push(Buffer.from(record).toString());
  const { damage } = await replayWal(vfs, '/wal', { fromSegment: 'first', onRecord });
  expect(found).toEqual(['b']);
  expect(damage).toMatchObject({ kind: 'missing', at: { segment: 2, offset: 0 } });
  expect(await repairWal(vfs, '/wal', damage as WalDamage)).toEqual({ setAside: ['00000003.damaged'] });
  expect(await namesIn(vfs, '/wal')).toEqual(['00000001', '00000003.damaged']);
});

describe('a damaged checkpoint', () => {
  /** A checkpoint of three segments, then segments 3 and 4. */
  async function logWithCheckpoint(): Promise<MemoryVfs> {
    const vfs = new MemoryVfs();
    await logOf(vfs, ['x'], ['x'], ['x'], ['d'], ['e']);
    await logOf(vfs, ['a', 'a2'], ['b', 'b2'], ['c']);
    for (const segment of [0, 1, 2]) await vfs.remove(`/wal/0000000${segment}`);
    await vfs.makeDir('/wal/checkpoint.00000002');
    for (const segment of [0, 1, 2])
      await vfs.rename(`/wal/0000000${segment + 5}`, `/wal/checkpoint.00000002/0000000${segment}`);
    await replayed(vfs, ['a', 'a2', 'b', 'b2', 'c', 'd', 'e']);
    return vfs;
  }

  test('gives what is before the damage, then the log; repaired, it is set aside whole', async () => {
    const vfs = await logWithCheckpoint();
    await overwrite(vfs, '/wal/checkpoint.00000002/00000001', 16); // In b2.
    const files = await filesIn(vfs, '/wal/checkpoint.00000002');
    const expected = ['a', 'a2', 'b', 'd', 'e'];
    const { damage } = await replayed(vfs, expected);
    expect(damage).toMatchObject({ kind: 'damaged', checkpoint: 2, at: { segment: 1 }, goodEnd: 8 });
    expect(damage?.then).toBeUndefined();
    const { setAside } = await repairWal(vfs, '/wal', damage as WalDamage);
    expect(setAside).toEqual(['checkpoint.00000002.damaged']);
    expect(await filesIn(vfs, '/wal/checkpoint.00000002.damaged')).toEqual(files);
    expect(await namesIn(vfs, '/wal/checkpoint.00000002')).toEqual(['00000000', '00000001']);
    expect((await replayed(vfs, expected)).damage).toBeUndefined();
    // And it can be continued by the next checkpoint.
    await writeCheckpoint(vfs, '/wal', { from: 3, to: 3, minTimeMs: 0, keep: () => true });
  });

  test('and damage in the log behind it are told of, and repaired, together', async () => {
    const vfs = await logWithCheckpoint();
    await vfs.remove('/wal/checkpoint.00000002/00000001');
    await overwrite(vfs, '/wal/00000004', 7);
    const { damage } = await replayed(vfs, ['a', 'a2', 'd']);
    expect(damage).toMatchObject({
      kind: 'missing',
      checkpoint: 2,
      at: { segment: 1 },
      then: { kind: 'damaged', at: { segment: 4 } },
    });
    const { setAside } = await repairWal(vfs, '/wal', damage as WalDamage);
    expect(setAside).toEqual(['checkpoint.00000002.damaged', '00000004.damaged']);
    expect((await replayed(vfs, ['a', 'a2', 'd'])).damage).toBeUndefined();
  });

  test('is no input for another one', async () => {
    const vfs = await logWithCheckpoint();
    await overwrite(vfs, '/wal/checkpoint.00000002/00000000', 8);
    const before = await vfs.readDir('/wal');
    await expect(
      writeCheckpoint(vfs, '/wal', { from: 3, to: 3, minTimeMs: 0, keep: () => true }),
    ).rejects.toMatchObject({ code: 'WAL_CHECKPOINT_CORRUPT' });
    expect(await vfs.readDir('/wal')).toEqual(before);
  });

  test('is repaired so that the power may go at any moment', async () => {
    const whole = ['a', 'a2', 'b', 'd', 'e'];
    for (let powerLossAt = 0, isOver = false; !isOver; powerLossAt += 1) {
      const disk = new CrashVfs();
      await logOf(disk, ['x'], ['x'], ['x'], ['d'], ['e']);
      await disk.makeDir('/wal/checkpoint.00000002');
      await logOf(disk, ['a', 'a2'], ['b', 'b2'], ['c']);
      for (const segment of [0, 1, 2]) {
        await disk.remove(`/wal/0000000${segment}`);
        await disk.rename(`/wal/0000000${segment + 5}`, `/wal/checkpoint.00000002/0000000${segment}`);
      }
      await overwrite(disk, '/wal/checkpoint.00000002/00000001', 16);
      await disk.syncDir('/wal/checkpoint.00000002');
      await disk.syncDir('/wal');
      const { damage } = await replayed(disk, whole);
      disk.losePowerIn(powerLossAt);
      isOver = await repairWal(disk, '/wal', damage as WalDamage).then(
        () => !disk.powerIsOff,
        () => false,
      );
      for (const seed of [1, 2, 3]) {
        const after = disk.afterPowerLoss(seed);
        const { damage: left } = await replayed(after, whole);
        if (left !== undefined) await repairWal(after, '/wal', left);
        expect((await replayed(after, whole)).damage).toBeUndefined();
        const aside = (await namesIn(after, '/wal')).filter((name) => /\.damaged(-\d)?$/.test(name));
        expect(aside.length).toBeGreaterThan(0);
        expect(await namesIn(after, `/wal/${aside[0]}`)).toEqual(['00000000', '00000001', '00000002']);
      }
    }
  });
});

/** Adds a segment for each list of records, and leaves no other. */
async function logOf(vfs: Vfs, ...segments: string[][]): Promise<void> {
  const wal = await openWal(vfs, '/wal');
  for (const [index, records] of segments.entries()) {
    if (index > 0) await wal.roll();
    wal.append(records.map((record) => Buffer.from(record)));
  }
  await wal.close();
}

async function replayed(vfs: Vfs, expected: readonly string[]): Promise<ReplayResult> {
  const found: string[] = [];
  const result = await replayWal(vfs, '/wal', {
    onRecord: (record) => void found.push(Buffer.from(record).toString()),
  });
  expect(found).toEqual(expected);
  return result;
}

async function overwrite(vfs: Vfs, path: string, position: number): Promise<void> {
  const file = await vfs.open(path, 'update');
  await file.write(Buffer.from('?'), position);
  await file.datasync();
  await file.close();
}

const namesIn = async (vfs: Vfs, dir: string): Promise<string[]> => (await vfs.readDir(dir)).map(({ name }) => name);

test('a second repair of the same segment sets its remainder aside under another name', async () => {
  const vfs = new MemoryVfs();
  for (let round = 1; round <= 2; round += 1) {
    const wal = await openWal(vfs, '/wal');
    wal.append([Buffer.from('record')]);
    await wal.close();
    const file = await vfs.open('/wal/00000000', 'update');
    await file.write(Buffer.from('?'), 7);
    await file.close();
    const { damage } = await replay(vfs);
    const { setAside } = await repairWal(vfs, '/wal', damage as NonNullable<typeof damage>);
    expect(setAside).toContain(round === 1 ? '00000000.damaged' : '00000000.damaged-2');
    await vfs.remove('/wal/00000000');
  }
});
