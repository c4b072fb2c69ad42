import { setImmediate as nextTurn } from 'node:timers/promises';
import { FaultyBucket, MemoryBucket } from '@gauntlet/objstore/testing';
import type { SeriesInput } from '@gauntlet/remote-write';
import { CrashVfs } from '@gauntlet/vfs/testing';
import { inspect, inspectBucket } from './inspect.js';
import { sampleAt, withExemplar, type SampleKind } from './make-samples.js';
import { randomOf, type Random } from './random.js';
import { SampleBook } from './sample-book.js';
import {
  SimulatedClock,
  SimulatedTenant,
  problemsOf,
  tenantDir,
  writeBodyOf,
  type Books,
  type TenantPlan,
} from './simulated-tenant.js';

const senders = 3;
const livesMax = 5;
const roundsMax = 160;
/** No multiple of the block range, and late samples have room before it. */
const startMs = 1_000_123;

/** What a seed came to. Nothing is lost, invented or broken, or the seed has found a bug. */
export interface PowerLossReport {
  readonly seed: number;
  readonly lives: number;
  /** Lives that ended because the power went, not because their work was done. */
  readonly powerLosses: number;
  readonly acknowledged: number;
  readonly exemplars: number;
  readonly refused: number;
  /** Sent out of order, acknowledged or not. */
  readonly late: number;
  /** Taken while a log was replayed. */
  readonly journaled: number;
  readonly cuts: number;
  readonly outOfOrderBlocks: number;
  readonly checkpoints: number;
  readonly uploads: number;
  readonly blocksDeleted: number;
  readonly problems: readonly string[];
}

/**
 * Several lives of one tenant on a disk that loses its power at a random call, each time with other losses. In a life, senders write while
 * blocks are cut, shipped and deleted. After each loss the database is opened again and compared with the book.
 */
export async function losePowerRepeatedly(
  seed: number,
  { kinds }: { readonly kinds: readonly SampleKind[] },
): Promise<PowerLossReport> {
  const random = randomOf(seed);
  const clock = new SimulatedClock();
  clock.now = startMs;
  const bucket = new MemoryBucket();
  // A bucket that fails as well, with effect or without.
  const unreliable = new FaultyBucket(bucket, () =>
    random.chance(0.04) ? random.pick(['fail', 'lose-answer', 'half'] as const) : undefined,
  );
  const books: Books = { samples: new SampleBook(), exemplars: new SampleBook() };
  const totals = noTotals();
  const problems: string[] = [];
  const lives = random.whole(1, livesMax + 1);
  let disk = new CrashVfs({ nowMs: clock.nowMs });
  await disk.makeDir('/data');
  await disk.syncDir('/');
  const settings = {
    bucket: unreliable,
    clock,
    random,
    blockRangeMs: 1000,
    chunkRangeMs: random.pick([1000, 1000, 500]),
    retentionMs: random.pick([0, 2500]),
    compress: random.chance(0.5),
    segmentBytesMax: 1 << 15,
    outOfOrderCapMax: random.pick([2, 5, 32]),
    exemplarsMax: random.pick([0, 1 << 16, 1 << 16]),
  };
  const check = async (when: string, tenant?: SimulatedTenant): Promise<void> => {
    const verdict = await problemsOf(books, { vfs: disk, bucket, ...(tenant && { tenant }) }, when);
    problems.push(...verdict.problems, ...(await inspect(disk, tenantDir)));
  };

  for (let life = 0; life < lives && problems.length === 0; life++) {
    disk.losePowerIn(random.logarithmic(3, 8000));
    // Both may change from one start to the next.
    const plan = {
      ...settings,
      vfs: disk,
      outOfOrderWindowMs: random.pick([0, 300, 3000]),
      briefReplayBytesMax: random.pick([0, 1 << 20]),
      replayTurnsMax: random.logarithmic(1, 300),
    };
    await liveOnce(plan, { books, kinds, disk, totals });
    if (disk.powerIsOff) totals.powerLosses += 1;
    disk = disk.afterPowerLoss(random.whole(0, 2 ** 31));
    const tenant = await SimulatedTenant.open({ ...plan, vfs: disk }, books);
    await tenant.database.replayed;
    await check(`after life ${life}`, tenant);
    await tenant.database.close();
  }
  if (problems.length === 0) {
    const plan = { ...settings, vfs: disk, outOfOrderWindowMs: 0, briefReplayBytesMax: 1 << 20, replayTurnsMax: 0 };
    const tenant = await SimulatedTenant.open(plan, books);
    await tenant.database.replayed;
    unreliable.plan = () => undefined;
    await tenant.database.flush();
    await tenant.shipper.sync(new AbortController().signal);
    await tenant.database.close();
    await check('after the last flush');
    problems.push(...(await inspectBucket(bucket)));
  }
  const { samples, exemplars } = books;
  return { seed, lives, acknowledged: samples.acknowledged, exemplars: exemplars.acknowledged, ...totals, problems };
}

const noTotals = () => ({
  powerLosses: 0,
  refused: 0,
  late: 0,
  journaled: 0,
  cuts: 0,
  outOfOrderBlocks: 0,
  checkpoints: 0,
  uploads: 0,
  blocksDeleted: 0,
});
type Totals = ReturnType<typeof noTotals>;

/** Opens the database, writes and keeps house until the work is done or the power goes; leaves nothing running. */
async function liveOnce(
  plan: TenantPlan,
  { books, kinds, disk, totals }: { books: Books; kinds: readonly SampleKind[]; disk: CrashVfs; totals: Totals },
): Promise<void> {
  const { random } = plan;
  let tenant: SimulatedTenant;
  try {
    tenant = await SimulatedTenant.open(plan, books);
  } catch (error) {
    if (disk.powerIsOff) return;
    throw error;
  }
  const { database, shipper } = tenant;
  const series = makeSeries(random, kinds);
  const rounds = random.whole(5, roundsMax);
  const stepMs = random.whole(20, 250);
  /** Some come late, some with an exemplar. */
  const sampleFor = (kind: SampleKind, name: string, timestampMs: number): SeriesInput => {
    if (plan.outOfOrderWindowMs > 0 && random.chance(0.15)) {
      totals.late += 1;
      return sampleAt(kind, name, timestampMs - random.logarithmic(1, plan.outOfOrderWindowMs));
    }
    const series = sampleAt(kind, name, timestampMs);
    return random.chance(0.1) ? withExemplar(series) : series;
  };
  let round = 0;
  const send = async (sender: number): Promise<void> => {
    while (round < rounds && !disk.powerIsOff) {
      round += 1;
      const timestampMs = (plan.clock.now += random.whole(1, stepMs));
      const some = series.filter((_, index) => index % senders === sender && random.chance(0.9));
      // A failing log refuses until it has recovered; without power it never does.
      const isAcknowledged = await tenant
        .write(writeBodyOf(some.map(({ kind, name }) => sampleFor(kind, name, timestampMs))))
        .catch(() => undefined);
      if (isAcknowledged === false) totals.refused += 1;
      for (let turns = random.whole(0, 4); turns > 0; turns--) await nextTurn();
    }
  };
  let isOver = false;
  const keepHouse = async (): Promise<void> => {
    while (!isOver && !disk.powerIsOff) {
      for (let turns = random.whole(0, 12); turns > 0; turns--) await nextTurn();
      const work = random.fraction();
      // Each of them may fail when the disk does, and is done again later.
      if (work < 0.45) await database.cutIfDue().catch(() => {});
      else if (work < 0.55) await database.maintain().catch(() => {});
      else if (work < 0.6) await database.compactOutOfOrder().catch(() => {});
      else if (work < 0.75) await shipper.sync(new AbortController().signal).catch(() => {});
      else if (work < 0.95) await tenant.retain().catch(() => {});
      else disk.loseSyncs(1);
    }
  };
  const house = keepHouse();
  await Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)));
  isOver = true;
  await house;
  if (random.chance(0.5)) await database.flush().catch(() => {});
  if (random.chance(0.5) || disk.powerIsOff) await database.close().catch(() => {});
  // Otherwise the power goes now, with the database open and nothing under way.
  while (database.state === 'replaying') {
    // Without power it is tried for ever.
    if (disk.powerIsOff) await database.close().catch(() => {});
    await nextTurn();
  }
  totals.journaled += database.stats.journaledSamples;
  totals.outOfOrderBlocks += database.stats.outOfOrderBlocks;
  totals.cuts += database.stats.cuts;
  totals.checkpoints += database.stats.checkpoints;
  totals.blocksDeleted += database.stats.blocksDeleted;
  totals.uploads += shipper.counters.uploads;
}

/** Some that stay, and some that come with a life. */
function makeSeries(random: Random, kinds: readonly SampleKind[]): { kind: SampleKind; name: string }[] {
  const generation = random.whole(0, 1000);
  return Array.from({ length: random.logarithmic(3, 60) }, (_, index) => ({
    kind: kinds[index % kinds.length] as SampleKind,
    name: index % 3 === 0 ? `${generation}-${index}` : `steady-${index}`,
  }));
}
