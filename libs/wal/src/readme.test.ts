import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { encodeSamples, openWal, recordType, RecordType, repairWal, replayWal } from './index.js';

test('the example of the README works', async () => {
  const vfs = new MemoryVfs();
  const dir = '/data/tenant/wal';
  const samples = encodeSamples([{ ref: 1, timestampMs: 1_700_000_000_000n, valueBits: 0n }]);
  let replayed = 0;
  const replaySamples = (_record: Uint8Array): void => void (replayed += 1);

  // <README>
  const { damage } = await replayWal(vfs, dir, {
    onRecord: (record) => {
      if (recordType(record) === RecordType.samples) replaySamples(record); // Valid during the call only.
    },
  });
  if (damage !== undefined) await repairWal(vfs, dir, damage); // Sets aside, deletes nothing.

  const wal = await openWal(vfs, dir, { compress: true });
  wal.append([samples]); // Copies, and throws when the log is overloaded or its disk fails.
  await wal.commit(); // Durable, together with everything else that was appended meanwhile.
  await wal.close();
  // </README>

  await replayWal(vfs, dir, { onRecord: replaySamples });
  expect(replayed).toBe(1);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
