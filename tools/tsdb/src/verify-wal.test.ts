import { join } from 'node:path';
import { encodeSamples, encodeSeries, encodeTombstones, openWal } from '@gauntlet/wal';
import { int64Max, int64Min } from '@gauntlet/base';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import type { Vfs } from '@gauntlet/vfs';
import { type Finding, verifyTenant } from './index.js';
import { inMemory, recordings, writeFile } from './testing/example-block.js';

async function findingsOf(vfs: Vfs, dir = '/tenant'): Promise<string[]> {
  const findings: Finding[] = [];
  await verifyTenant(vfs, dir, (finding) => findings.push(finding));
  return findings.map(
    ({ severity, invariant, file, offset, found }) =>
      `${severity} ${invariant} ${file}${offset === undefined ? '' : `@${offset}`}: ${found}`,
  );
}

async function walOf(records: readonly Uint8Array[], name = 'wal', vfs: Vfs = new MemoryVfs()): Promise<Vfs> {
  const wal = await openWal(vfs, `/tenant/${name}`, { compress: false });
  wal.append(records);
  await wal.commit();
  await wal.close();
  return vfs;
}

const series = (...refs: number[]): Uint8Array =>
  encodeSeries(refs.map((ref) => ({ ref, labels: [{ name: 'a', value: String(ref) }] })));
const samples = (...refs: number[]): Uint8Array =>
  encodeSamples(refs.map((ref) => ({ ref, timestampMs: 5n, valueBits: 0n })));
const removal = (ref: number): Uint8Array => encodeTombstones([{ ref, minTimeMs: int64Min, maxTimeMs: int64Max }]);

test('a log of named series is right', async () => {
  expect(await findingsOf(await walOf([series(1, 2), samples(1, 2), samples(2)]))).toEqual([]);
});

test('samples of series that were not named are counted', async () => {
  const findings = await findingsOf(await walOf([samples(1), series(1), samples(1, 2, 2)]));
  expect(findings).toEqual([
    expect.stringMatching(
      /^E wal wal\/00000000@\d+: 3 samples of series that were not named before, the first, .* of series 1$/,
    ),
  ]);
});

test('a series named twice is an error, unless it was removed in between', async () => {
  expect(await findingsOf(await walOf([series(1), series(1)]))).toEqual([
    expect.stringMatching(/^E wal wal\/00000000@\d+: series 1 is named a second time/),
  ]);
  expect(await findingsOf(await walOf([series(1), removal(1), series(1)]))).toEqual([]);
});

test('the log of out-of-order samples has no series records and refers to those of the WAL', async () => {
  const vfs = await walOf([series(1)]);
  await walOf([samples(1), samples(7)], 'wbl', vfs);
  expect(await findingsOf(vfs)).toEqual([expect.stringMatching(/^E wbl wbl\/00000000@\d+: 1 samples of series/)]);
  const wrong = await walOf([series(1)]);
  await walOf([series(2)], 'wbl', wrong);
  expect(await findingsOf(wrong)).toEqual([expect.stringMatching(/^E wbl wbl\/00000000@\d+: a record of type 1/)]);
});

const base = join(recordings.wal, 'corrupt/base-none');

test('a flipped byte is found where it is, and later segments are verified all the same', async () => {
  const vfs = await inMemory(base, '/tenant');
  for (const segment of ['00000001', '00000003']) {
    const bytes = Buffer.from(await vfs.readFile(`/tenant/wal/${segment}`));
    bytes[40_000] = bytes[40_000]! ^ 0xff;
    await writeFile(vfs, `/tenant/wal/${segment}`, bytes);
  }
  expect(await findingsOf(vfs)).toEqual([
    expect.stringMatching(/^E wal wal\/00000001@\d+: a checksum does not match$/),
    expect.stringMatching(/^E wal wal\/00000003@\d+: a checksum does not match$/),
  ]);
});

test('a missing segment is an error', async () => {
  const vfs = await inMemory(base, '/tenant');
  await vfs.remove('/tenant/wal/00000002');
  expect(await findingsOf(vfs)).toContain('E wal wal/00000003: segment 00000002 is missing');
  await vfs.remove('/tenant/wal/00000000');
  expect(await findingsOf(vfs)).toContain('E wal wal/00000001: segment 00000000 is missing');
});

test('a record that a crash tore at the end of the log is no error', async () => {
  const vfs = await walOf([series(1), samples(1)]);
  const bytes = await vfs.readFile('/tenant/wal/00000000');
  const torn = Buffer.from(bytes.subarray(0, 60));
  torn[0] = 2; // The first fragment of a record that goes on.
  await writeFile(vfs, '/tenant/wal/00000000', torn.subarray(0, 7 + torn.readUInt16BE(1)));
  expect(await findingsOf(vfs)).toEqual([
    expect.stringMatching(/^info wal wal\/00000000@\d+: the last record is torn/),
  ]);
});

test('a checkpoint with damage is an error of the checkpoint', async () => {
  const vfs = await inMemory(join(recordings.wal, 'checkpoint/after'), '/tenant');
  const path = '/tenant/wal/checkpoint.00000003/00000000';
  const bytes = Buffer.from(await vfs.readFile(path));
  bytes[100] = bytes[100]! ^ 1;
  await writeFile(vfs, path, bytes);
  const errors = (await findingsOf(vfs)).filter((text) => text.startsWith('E'));
  expect(errors).toEqual([
    expect.stringMatching(/^E wal wal\/checkpoint\.00000003\/00000000@\d+: a checksum does not match$/),
  ]);
});
