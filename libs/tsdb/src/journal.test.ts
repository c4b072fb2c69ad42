import { createIntake } from '@gauntlet/kernel';
import { encodeWriteRequestV2 } from '@gauntlet/remote-write';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { Journal } from './journal.js';
import { batchOf } from './testing/tenant-lab.js';

const dir = '/data/tenant';
const intake = createIntake({ messageBytesMax: 1 << 24 });
const rowsOf = (record: Uint8Array): number =>
  intake.scan(record, 'identity', { kind: 'prometheus', tenant: '' }).rowCount;

test('after a drain that failed, the next one hands over everything again', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir(dir);
  const journal = await Journal.open(vfs, dir, {});
  await journal.append(batchOf([['a', 1, 1]]), 0);
  let isFirst = true;
  const arrive = async (): Promise<void> => {
    if (isFirst)
      await journal.append(
        batchOf([
          ['a', 2, 1],
          ['b', 2, 1],
        ]),
        0,
      );
    isFirst = false;
  };
  const failing = journal.drain(
    (record) => {
      if (rowsOf(record) === 2) throw new Error('no room');
    },
    arrive,
    () => {},
  );
  await expect(failing).rejects.toThrow('no room');
  const rows: number[] = [];
  await journal.drain(
    (record) => rows.push(rowsOf(record)),
    arrive,
    () => {},
  );
  expect(rows).toEqual([1, 2]);
  await journal.close();
});

test('a large request is kept as records that a head can take one after the other', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir(dir);
  const journal = await Journal.open(vfs, dir, {});
  const names = Array.from({ length: 40_000 }, (_, index) => `series_with_a_name_${index}`);
  await journal.append(batchOf(names.map((name) => [name, 1, 1] as const)), 0);
  const records: Uint8Array[] = [];
  await journal.drain(
    (record) => records.push(Uint8Array.from(record)),
    async () => {},
    () => {},
  );
  expect(records.length).toBeGreaterThan(1);
  expect(Math.max(...records.map(({ length }) => length))).toBeLessThan(1.1 * 2 ** 20);
  expect(records.map(rowsOf).reduce((sum, rows) => sum + rows)).toBe(names.length);
  await journal.close();
});

test('rows that were refused for their labels are not kept, also those that have no field', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir(dir);
  const journal = await Journal.open(vfs, dir, {});
  const body = encodeWriteRequestV2({
    timeseries: [
      { labels: [['job', 'nameless']], samples: [{ timestampMs: 1, value: 1 }] },
      { labels: [['__name__', 'a']], samples: [{ timestampMs: 1, value: 1, startTimestampMs: 1 }] },
    ],
  });
  // References beyond the symbols.
  const bad = Buffer.from([0x2a, 9, 0x0a, 3, 0, 0xff, 0x7f, 0x12, 2, 0x10, 5]);
  const batch = intake.scan(Buffer.concat([bad, body, bad]), 'identity', { kind: 'prometheus-v2', tenant: '' });
  expect(batch.rowCount).toBe(4);
  await journal.append(batch, 0);
  const rows: number[] = [];
  await journal.drain(
    (record) => rows.push(rowsOf(record)),
    () => Promise.resolve(),
    () => {},
  );
  expect(rows).toEqual([1]);
  await journal.close();
});
