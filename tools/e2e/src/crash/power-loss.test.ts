import { messageOf } from '@gauntlet/base';
import { sampleKinds } from './make-samples.js';
import { losePowerRepeatedly } from './power-loss.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const count = Number(process.env['GAUNTLET_SEEDS'] ?? (isLong ? 1200 : 16));
const first = Number(process.env['GAUNTLET_SEED'] ?? 0);
const isOne = process.env['GAUNTLET_SEED'] !== undefined && process.env['GAUNTLET_SEEDS'] === undefined;
const seeds = Array.from({ length: isOne ? 1 : count }, (_, at) => first + at);

/** What the seeds as they are chosen must have met, each more often than every fourth one. */
const wanted = [
  'powerLosses',
  'acknowledged',
  'exemplars',
  'late',
  'journaled',
  'cuts',
  'outOfOrderBlocks',
  'checkpoints',
  'uploads',
  'blocksDeleted',
];

test(`power lost anywhere, again and again, loses no acknowledged sample and invents none (${seeds.length} seeds)`, async () => {
  const totals = new Map<string, number>();
  const failures: { readonly repeatWith: string; readonly problems: readonly string[] }[] = [];
  for (const seed of seeds) {
    const report = await losePowerRepeatedly(seed, { kinds: sampleKinds }).catch((error: unknown) => ({
      problems: [messageOf(error)],
    }));
    for (const [name, value] of Object.entries(report))
      if (typeof value === 'number') totals.set(name, (totals.get(name) ?? 0) + value);
    if (isLong && (seed - first) % 50 === 49)
      process.stderr.write(`${seed - first + 1} of ${seeds.length} seeds, ${failures.length} failed\n`);
    if (report.problems.length === 0) continue;
    failures.push({ repeatWith: `GAUNTLET_SEED=${seed}`, problems: report.problems });
    if (isLong) process.stderr.write(`GAUNTLET_SEED=${seed}: ${report.problems.slice(0, 3).join('; ')}\n`);
  }
  if (isLong) process.stderr.write(`${JSON.stringify(Object.fromEntries(totals))}\n`);
  expect(failures.slice(0, 10)).toEqual([]);
  if (isOne) return;
  expect(wanted.filter((name) => (totals.get(name) ?? 0) <= seeds.length / 4)).toEqual([]);
}, 3_600_000);
