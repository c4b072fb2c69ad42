import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { LabClock } from './testing/lab-clock.js';
import { labDir, labOptions } from './testing/lab-options.js';
import { batchOf, samplesInBlocks, type LabSample } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';
import type { TsdbOptions } from './tsdb-options.js';

interface RecordedBlock {
  readonly minTime: string;
  readonly maxTime: string;
  readonly numSamples: number;
  readonly numSeries: number;
  readonly hints: readonly string[];
}

interface Step {
  readonly op: 'append' | 'compact' | 'compactOutOfOrder' | 'closeAndReopen' | 'delete';
  readonly blocks?: readonly RecordedBlock[];
  readonly head: { readonly minTime: string; readonly maxTime: string; readonly numSeries: number };
  readonly series?: string;
  readonly from?: string;
  readonly to?: string;
  readonly step?: string;
  readonly commitEvery?: number;
  readonly outcomes?: readonly (readonly [string, number])[];
}

interface Scenario {
  readonly name: string;
  readonly options: { readonly outOfOrderWindow: string; readonly maxBlockRange: string };
  readonly steps: readonly Step[];
  readonly final: readonly {
    readonly labels: readonly (readonly [string, string])[];
    readonly samples: number;
    readonly first: readonly [string, string];
    readonly last: readonly [string, string];
  }[];
}

const rangeMs = 7_200_000;
const dir = labDir;

/** Where we differ on purpose. */
const differences: Readonly<Record<string, 'merges blocks' | 'other bounds'>> = {
  // Prometheus merges overlapping blocks on the spot; an ingester leaves that to the bucket's compactor.
  'out of order, compact': 'merges blocks',
  // Prometheus' windows around time 0 are twice as long, since it divides toward zero.
  'negative and zero times': 'other bounds',
  // After a restart Prometheus' head begins where the last block ends, ours with its oldest sample.
  'reopen after compaction': 'other bounds',
};

let seed = 0;
/** Ids of blocks differ after a database is opened again. */
const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => (seed = (seed * 31 + 7) % 251));

/** What Prometheus' database did, recorded. Left out: deletions by request and compaction of blocks, which an ingester does not do. */
const scenarios = readFileSync(join(__dirname, '../testdata/scenarios.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Scenario)
  .filter(
    ({ steps, options }) => steps.every(({ op }) => op !== 'delete') && Number(options.maxBlockRange) === rangeMs,
  );

const optionsOf = (vfs: MemoryVfs, scenario: Scenario, clock: LabClock): TsdbOptions =>
  labOptions(vfs, {
    clock,
    randomBytes,
    blockRangeMs: rangeMs,
    chunkRangeMs: rangeMs,
    outOfOrderWindowMs: Number(scenario.options.outOfOrderWindow),
    wal: { compress: true, clock },
  });

async function append(database: Tsdb, step: Step): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  const count = (outcome: string, by: number): void =>
    void (by > 0 && outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + by));
  const samples: LabSample[] = [];
  for (let time = Number(step.from), index = 0; time <= Number(step.to); time += Number(step.step), index++)
    samples.push([step.series!, time, index]);
  const each = step.commitEvery === 0 ? samples.length : step.commitEvery!;
  for (let at = 0; at < samples.length; at += each) {
    const commit = samples.slice(at, at + each);
    const { rejected, committed } = database.append(batchOf(commit), 0);
    await committed;
    count('out of bounds', rejected.outOfBounds);
    count('out of order sample', rejected.outOfOrder);
    count('too old sample', rejected.tooOld);
    count('duplicate sample for timestamp', rejected.duplicate);
    count('ok', commit.length - rejected.outOfBounds - rejected.outOfOrder - rejected.tooOld - rejected.duplicate);
  }
  return outcomes;
}

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('recorded: %s', async (_name, scenario) => {
  const vfs = new MemoryVfs();
  const clock = new LabClock();
  let database = await Tsdb.open(optionsOf(vfs, scenario, clock));
  for (const step of scenario.steps) {
    if (step.op === 'append') {
      const expected = new Map<string, number>();
      for (const [outcome, times] of step.outcomes!) expected.set(outcome, (expected.get(outcome) ?? 0) + times);
      expect(await append(database, step)).toEqual(expected);
    } else if (step.op === 'compact') {
      // Prometheus goes by the newest sample, Receive by the clock.
      clock.now = database.head.maxTimeMs;
      await database.cutIfDue();
    } else if (step.op === 'compactOutOfOrder') await database.compactOutOfOrder();
    else {
      await database.close();
      database = await Tsdb.open(optionsOf(vfs, scenario, clock));
    }
    if (step.blocks === undefined) continue;
    if (differences[scenario.name] === 'merges blocks') continue;
    if (differences[scenario.name] === undefined) expect(blocksOf(database)).toEqual(step.blocks.map(blockText).sort());
    expect(database.head.seriesCount).toBe(step.head.numSeries);
  }
  await database.flush();
  const found = new Map<string, Set<string>>();
  for (const text of await samplesInBlocks(vfs, dir, database)) {
    // Where an out-of-order sample has the time of another, readers take one of them.
    const [series, timestampMs] = text.split(' ');
    found.set(series!, (found.get(series!) ?? new Set()).add(timestampMs!));
  }
  const summary = [...found].map(([series, samples]) => ({ series, samples: samples.size }));
  expect(summary).toEqual(
    scenario.final.map(({ labels, samples }) => ({
      series: labels.find(([name]) => name === '__name__')![1],
      samples,
    })),
  );
  await database.close();
});

const blockText = ({ minTime, maxTime, numSamples, numSeries, hints }: RecordedBlock): string =>
  `${minTime}-${maxTime} ${numSamples} samples ${numSeries} series ${hints.join()}`;

const blocksOf = ({ blocks }: Tsdb): string[] =>
  blocks
    .map(({ minTime, maxTime, stats, compaction }) =>
      blockText({
        minTime: String(minTime),
        maxTime: String(maxTime),
        numSamples: stats.numSamples ?? 0,
        numSeries: stats.numSeries ?? 0,
        hints: compaction.hints ?? [],
      }),
    )
    .sort();
