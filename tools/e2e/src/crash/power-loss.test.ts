import { losePowerRepeatedly } from './power-loss.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const only = process.env['GAUNTLET_SEED'];
const seeds = only === undefined ? Array.from({ length: isLong ? 1000 : 16 }, (_, seed) => seed) : [Number(only)];

test(`power lost anywhere, again and again, loses no acknowledged sample and invents none (${seeds.length} seeds)`, async () => {
  const totals = new Map<string, number>();
  for (const seed of seeds) {
    const report = await losePowerRepeatedly(seed, { kinds: ['float'] }).catch((error: unknown) => {
      throw new Error(`Seed ${seed} fails; GAUNTLET_SEED=${seed} repeats it`, { cause: error });
    });
    expect({ repeatWith: `GAUNTLET_SEED=${seed}`, problems: report.problems }).toEqual({
      repeatWith: `GAUNTLET_SEED=${seed}`,
      problems: [],
    });
    for (const [name, value] of Object.entries(report))
      if (typeof value === 'number') totals.set(name, (totals.get(name) ?? 0) + value);
  }
  // The seeds as they are chosen meet everything that there is to interrupt.
  if (only === undefined)
    for (const name of ['powerLosses', 'acknowledged', 'cuts', 'checkpoints', 'uploads', 'blocksDeleted'])
      expect([name, (totals.get(name) ?? 0) > seeds.length / 4]).toEqual([name, true]);
}, 3_600_000);
