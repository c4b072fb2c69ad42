import { MemoryVfs } from '@gauntlet/vfs/testing';
import {
  decodeSamples,
  decodeSeries,
  openWal,
  recordType,
  RecordType,
  repairWal,
  replayWal,
  type ReplayResult,
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

  const refused = cases.filter((one) => one.result.openError !== null);
  if (refused.length > 0) {
    test.each(refused.map((one) => [one.name, one] as const))('%s: the log is refused', async (_, one) => {
      const vfs = await diskWith(damaged(base, one.ops), '/wal');
      await expect(replay(vfs)).rejects.toMatchObject({ kind: 'corrupt' });
    });
  }
});

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
