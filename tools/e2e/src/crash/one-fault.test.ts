import type { Fault } from '@gauntlet/vfs/testing';
import { sampleKinds as kinds } from './make-samples.js';
import { kindOfCall, runWithFault } from './one-fault.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;

/** How a call fails, the n-th of those it concerns. */
const faults: readonly (readonly [name: string, of: (nth: number) => Fault, concerns: string | undefined])[] = [
  ['fails with EIO', (nth) => ({ nth, code: 'EIO' }), undefined],
  ['fails with ENOSPC', (nth) => ({ nth, code: 'ENOSPC' }), undefined],
  ['works, and reports EIO', (nth) => ({ nth, code: 'EIO', afterwards: true }), undefined],
  [
    'writes a part, then fails with ENOSPC',
    (nth) => ({ operation: 'write', nth, code: 'ENOSPC', bytesWritten: (nth * 997) % 5000 }),
    'write',
  ],
];

test('without a fault the script writes, cuts, checkpoints, ships and deletes', async () => {
  const { calls, problems, acknowledged, exemplars } = await runWithFault(undefined, { kinds });
  expect(problems).toEqual([]);
  expect(acknowledged).toBe(3020);
  expect(exemplars).toBeGreaterThan(200);
  expect([...new Set(calls.map(kindOfCall))]).toEqual(
    expect.arrayContaining([
      'write wal/N',
      'datasync wal/N',
      'write wbl/N',
      'datasync wbl/N',
      'remove wbl/N',
      'write chunks_head/N',
      'datasync chunks_head/N',
      'remove chunks_head/N',
      'write .gauntlet-journal/N',
      'datasync .gauntlet-journal/N',
      'removeAll .gauntlet-journal',
      'open BLOCK.tmp-for-creation/index',
      'datasync BLOCK.tmp-for-creation/chunks/N',
      'rename BLOCK.tmp-for-creation',
      'write wal/checkpoint.N.tmp/N',
      'rename wal/checkpoint.N.tmp',
      'remove wal/N',
      'removeAll wal/checkpoint.N',
      'link BLOCK/index',
      'read thanos/upload/BLOCK/chunks/N',
      'rename thanos.shipper.json.tmp',
      'rename BLOCK',
      'removeAll BLOCK.tmp-for-deletion',
      'read wal/checkpoint.N/N',
    ]),
  );
});

test.each(faults)(
  'nothing acknowledged is lost, and all goes on, when any one call %s',
  async (_name, faultOf, concerns) => {
    const { calls } = await runWithFault(undefined, { kinds });
    const struck = calls.filter(({ operation }) => concerns === undefined || operation === concerns);
    const count = struck.length;
    // All of them in the long run; a share otherwise, with a step that meets every part of the script.
    const step = isLong ? 1 : Math.ceil(count / 15);
    const failures: string[] = [];
    for (let nth = 1; nth <= count; nth += step) {
      const { problems } = await runWithFault(faultOf(nth), { kinds });
      failures.push(...problems.map((problem) => `call ${nth} (${kindOfCall(struck[nth - 1]!)}): ${problem}`));
    }
    expect(failures.slice(0, 20)).toEqual([]);
  },
  1_800_000,
);
