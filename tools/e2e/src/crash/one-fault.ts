import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SeriesInput } from '@gauntlet/remote-write';
import { MemoryBucket } from '@gauntlet/objstore/testing';
import { FaultyVfs, MemoryVfs, type Fault, type VfsCall } from '@gauntlet/vfs/testing';
import { inspect, inspectBucket } from './inspect.js';
import { sampleAt, withExemplar, type SampleKind } from './make-samples.js';
import { hashOf, randomOf } from './random.js';
import { SampleBook } from './sample-book.js';
import {
  SimulatedClock,
  SimulatedTenant,
  problemsOf,
  tenantDir,
  writeBodyOf,
  type Books,
  type TenantPlan,
  type WriteBody,
} from './simulated-tenant.js';

const roundsPerLife = 24;
const stepMs = 100;
/** Enough to fill a page of the log with each round. */
const seriesCount = 24;
const outOfOrderWindowMs = 1500;
const logTurnsMax = 500;
/** No multiple of the block range, and late samples have room before it. */
const startMs = 1_000_050;

export interface FaultReport {
  readonly acknowledged: number;
  readonly exemplars: number;
  /** All calls of the run, to know what there is to fail. */
  readonly calls: readonly VfsCall[];
  readonly problems: readonly string[];
}

/**
 * Three lives of a tenant that write, cut, give up log segments, ship and delete, by a fixed script, on a disk with a fault. The second life
 * begins after a kill, the third after an orderly end. Whatever fails is asked for once more, and has to work then: without a restart,
 * or, where the opening failed, with the next one.
 */
export async function runWithFault(
  fault: Fault | undefined,
  { kinds }: { readonly kinds: readonly SampleKind[] },
): Promise<FaultReport> {
  const clock = new SimulatedClock();
  clock.now = startMs;
  const disk = new FaultyVfs(new MemoryVfs({ nowMs: clock.nowMs }));
  const bucket = new MemoryBucket();
  const books: Books = { samples: new SampleBook(), exemplars: new SampleBook() };
  const problems: string[] = [];
  const plan: TenantPlan = {
    vfs: disk,
    bucket,
    clock,
    random: randomOf(0),
    blockRangeMs: 1000,
    chunkRangeMs: 1000,
    retentionMs: 1500,
    compress: false,
    segmentBytesMax: 1 << 15,
    outOfOrderWindowMs,
    outOfOrderCapMax: 4,
    exemplarsMax: 1 << 14,
    briefReplayBytesMax: 1 << 20,
    replayTurnsMax: 0,
  };
  /** A single fault may strike once; asked again, the same must work. */
  const twice = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch {
      try {
        return await work();
      } catch (error) {
        problems.push(`${what} fails again although the fault is over: ${String(error)}`);
        return undefined;
      }
    }
  };
  const write = async (tenant: SimulatedTenant): Promise<void> => {
    const timestampMs = (clock.now += stepMs);
    const body = bodyAt(timestampMs, kinds);
    await twice('a write', async () => {
      // A log that has failed begins anew behind it, in a few turns of the event loop.
      for (let turns = 0; turns < logTurnsMax; turns++) {
        try {
          if (await tenant.write(body)) return;
          throw new Error('samples were refused');
        } catch (error) {
          if ((error as { readonly kind?: string }).kind !== 'unavailable' || turns === logTurnsMax - 1) throw error;
        }
        await nextTurn();
      }
    });
  };
  const live = async (tenant: SimulatedTenant): Promise<void> => {
    for (let round = 1; round <= roundsPerLife; round++) {
      await write(tenant);
      if (round % 6 !== 0) continue;
      await twice('a replay', () => tenant.database.replayed);
      await twice('moving chunks', () => tenant.database.maintain());
      await twice('a cut', () => tenant.database.cutIfDue());
      await twice('an upload', () => tenant.shipper.sync(new AbortController().signal));
      await twice('retention', () => tenant.retain());
    }
  };
  const open = (more: Partial<TenantPlan>): Promise<SimulatedTenant | undefined> =>
    twice('opening', () => SimulatedTenant.open({ ...plan, ...more }, books));
  const judge = async (when: string, tenant?: SimulatedTenant): Promise<number> => {
    const verdict = await problemsOf(books, { vfs: disk, bucket, ...(tenant && { tenant }) }, when);
    problems.push(...verdict.problems);
    return verdict.found;
  };

  await twice('making the data directory', () => disk.makeDir('/data'));
  if (fault !== undefined) disk.fail(fault);
  for (const ending of ['kill', 'end', 'flush']) {
    // The last life takes its first writes while the log is replayed.
    const tenant = await open(ending === 'flush' ? { briefReplayBytesMax: 0, replayTurnsMax: 40 } : {});
    if (tenant === undefined) break;
    await live(tenant);
    if (ending === 'flush') {
      await twice('a flush', () => tenant.database.flush());
      await twice('the last upload', () => tenant.shipper.sync(new AbortController().signal));
    }
    if (ending !== 'kill') await tenant.database.close().catch(() => {});
  }
  const calls = [...disk.calls];
  disk.heal();
  const before = await judge('at the end');
  problems.push(...(await inspect(disk, tenantDir)), ...(await inspectBucket(bucket)));
  const again = await SimulatedTenant.open(plan, books);
  const after = await judge('after opening again', again);
  await again.database.close();
  if (before !== after) problems.push(`${before} samples became ${after} with the next opening`);
  const { samples, exemplars } = books;
  return { acknowledged: samples.acknowledged, exemplars: exemplars.acknowledged, calls, problems };
}

const bodies = new Map<string, WriteBody>();

/** The request of a round, the same in every run. */
function bodyAt(timestampMs: number, kinds: readonly SampleKind[]): WriteBody {
  const key = `${timestampMs} ${kinds.join(' ')}`;
  let body = bodies.get(key);
  if (body === undefined) {
    const series = Array.from({ length: seriesCount }, (_, index) =>
      roundSample(kinds[index % kinds.length] as SampleKind, `series-${index}`, timestampMs),
    );
    bodies.set(key, (body = writeBodyOf(series)));
  }
  return body;
}

/** Every seventh sample or so comes late, and every tenth in time has an exemplar. */
function roundSample(kind: SampleKind, series: string, timestampMs: number): SeriesInput {
  const hash = hashOf(`late ${series} ${timestampMs}`);
  if (hash % 7 === 0) return sampleAt(kind, series, timestampMs - 1 - ((hash >>> 8) % (outOfOrderWindowMs - 1)));
  const sample = sampleAt(kind, series, timestampMs);
  return hash % 10 === 0 ? withExemplar(sample) : sample;
}

/** What a call is about: its operation, and its file by kind. */
export const kindOfCall = ({ operation, path }: VfsCall): string =>
  `${operation} ${path
    .replace(`${tenantDir}/`, '')
    .replace(/[0-9A-HJKMNP-TV-Z]{26}/g, 'BLOCK')
    .replace(/\d{6,}/g, 'N')}`;
