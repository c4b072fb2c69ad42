import type { Fault } from '@gauntlet/vfs/testing';
import { sampleKinds as kinds } from './make-samples.js';
import { kindOfCall, runWithFault, type FaultReport } from './one-fault.js';
import { randomOf, type Random } from './random.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;

const seed = Number(process.env['GAUNTLET_SEED'] ?? Date.now() % 1_000_000);
/** Calls that fail in a usual run, for each way to fail. */
const shareMax = 2;

let first: Promise<FaultReport> | undefined;
/** The same script each time. */
const faultless = (): Promise<FaultReport> => (first ??= runWithFault(undefined, { kinds }));

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
  const { calls, problems, acknowledged, exemplars } = await faultless();
  expect(problems).toEqual([]);
  expect(acknowledged).toBe(1726);
  expect(exemplars).toBeGreaterThan(100);
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
  async (name, faultOf, concerns) => {
    const { calls } = await faultless();
    const struck = calls.filter(({ operation }) => concerns === undefined || operation === concerns);
    const chosen = isLong ? struck.map((_, at) => at + 1) : someOf(struck.map(kindOfCall), randomOf(seed));
    const failures: string[] = [];
    for (const nth of chosen) {
      const { problems } = await runWithFault(faultOf(nth), { kinds });
      const found = problems.map((problem) => `call ${nth} (${kindOfCall(struck[nth - 1]!)}): ${problem}`);
      failures.push(...found);
      if (isLong) found.slice(0, 2).forEach((failure) => process.stderr.write(`${name}: ${failure}\n`));
    }
    if (isLong) process.stderr.write(`${name}: ${chosen.length} calls, ${failures.length} problems\n`);
    expect({ seed, failures: failures.slice(0, 20) }).toEqual({ seed, failures: [] });
  },
  10_000_000,
);

/** Numbers of some calls, from 1, each of another kind. */
function someOf(kindsOfCalls: readonly string[], random: Random): number[] {
  const all = [...new Set(kindsOfCalls)];
  return Array.from({ length: shareMax }, () => {
    const kind = all.splice(random.whole(0, all.length), 1)[0];
    const numbers = kindsOfCalls.flatMap((other, at) => (other === kind ? [at + 1] : []));
    return random.pick(numbers);
  }).sort((a, b) => a - b);
}
