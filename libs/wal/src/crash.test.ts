import fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@gauntlet/base';
import { CrashVfs } from '@gauntlet/vfs/testing';
import { openWal, repairWal, replayWal } from './index.js';

const numRuns = process.env.GAUNTLET_LONG ? 5000 : 150;
const timeoutMs = 300_000; // For the long run; the usual one takes a second.

/** Ends the retries of a log whose disk is gone. */
function clockUntil(isOver: () => boolean): Clock {
  const sleep = async (): Promise<void> => {
    await setImmediate();
    if (isOver()) await new Promise(() => undefined);
  };
  return { nowMs: () => 0, monotonicMs: () => 0, sleep };
}

interface Script {
  /** Bytes of each record. */
  readonly sizes: readonly number[];
  readonly rollEvery: number;
  readonly commitEvery: number;
  /** The commit before which a sync will fail and lose its data. */
  readonly loseSyncAt: number;
}

const scripts: fc.Arbitrary<Script> = fc.record({
  sizes: fc.array(fc.oneof(fc.nat(200), fc.nat(40_000), fc.nat(90_000)), { minLength: 1, maxLength: 25 }),
  rollEvery: fc.integer({ min: 3, max: 30 }),
  commitEvery: fc.integer({ min: 1, max: 4 }),
  loseSyncAt: fc.nat(12),
});

const recordOf = (index: number, size: number): Buffer =>
  Buffer.alloc(size + 4, index + 1).fill(`${1000 + index}`, 0, 4);

/** Logs until the script or the power ends. Returns the size of everything appended, and how many records were acknowledged. */
async function logUntilPowerLoss(
  disk: CrashVfs,
  script: Script,
  firstIndex: number,
): Promise<{ sizes: number[]; synced: number }> {
  const sizes: number[] = [];
  let synced = 0;
  const clock = clockUntil(() => disk.powerIsOff);
  try {
    const wal = await openWal(disk, '/wal', { segmentBytesMax: 64 * 1024, clock });
    for (const size of script.sizes) {
      while (wal.state === 'failing' && !disk.powerIsOff) await setImmediate();
      wal.append([recordOf(firstIndex + sizes.length, size)]);
      sizes.push(size);
      if (sizes.length % script.rollEvery === 0) await wal.roll().catch(() => undefined);
      if (sizes.length % script.commitEvery !== 0) continue;
      if (sizes.length / script.commitEvery === script.loseSyncAt) disk.loseSyncs(1);
      const count = sizes.length;
      await wal.commit().then(
        () => (synced = count),
        () => undefined,
      );
    }
  } catch {
    // The power is off, or opening failed: nothing more can be logged.
  }
  disk.losePowerIn(0);
  return { sizes, synced };
}

async function replayed(disk: CrashVfs): Promise<string[]> {
  const found: string[] = [];
  // A torn header can read as an empty record, which is of no type and means nothing.
  const visit = (into: string[]) => (record: Uint8Array) => void (record.length > 0 && into.push(fingerprint(record)));
  const { damage } = await replayWal(disk, '/wal', { onRecord: visit(found) });
  if (damage !== undefined) {
    await repairWal(disk, '/wal', damage);
    const again: string[] = [];
    const second = await replayWal(disk, '/wal', { onRecord: visit(again) });
    expect(second.damage).toBeUndefined();
    expect(again).toEqual(found);
  }
  return found;
}

/**
 * What was synced, and of what was not, some, in its order and once. Mostly that is a prefix of the log; where a group of writes was torn
 * so that a page of zeros precedes a page that begins with a record, the format cannot tell (see README).
 */
function expectSurvivors(found: readonly string[], written: readonly string[], synced: number): void {
  expect(found.slice(0, synced)).toEqual(written.slice(0, synced));
  let at = 0;
  for (const one of found) {
    at = written.indexOf(one, at) + 1;
    expect(at).toBeGreaterThan(0);
  }
}

const fingerprint = (record: Uint8Array): string =>
  `${Buffer.from(record.subarray(0, 4)).toString()} ${record.length} ${record.at(-1)}`;

test(
  'after power loss, replay gives everything synced, nothing twice and nothing out of order, and so again after repair and a second loss',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        scripts,
        scripts,
        fc.nat(120),
        fc.nat(120),
        fc.nat(),
        async (script, second, powerLossAt, secondLossAt, seed) => {
          const first = new CrashVfs({ powerLossAt });
          const { sizes, synced } = await logUntilPowerLoss(first, script, 0);
          const expected = sizes.map((size, index) => fingerprint(recordOf(index, size)));
          const found = await replayed(first.afterPowerLoss(seed));
          expectSurvivors(found, expected, synced);

          // The power may also go while the log is repaired, and then while it goes on.
          const limited = first.afterPowerLoss(seed);
          limited.losePowerIn(secondLossAt);
          let repaired = false;
          try {
            await replayed(limited);
            repaired = true;
          } catch (error) {
            if (!limited.powerIsOff) throw error;
          }
          const more = repaired ? await logUntilPowerLoss(limited, second, 100) : { sizes: [], synced: 0 };
          const after = await replayed(limited.afterPowerLoss(seed + 1));
          const all = [...found, ...more.sizes.map((size, index) => fingerprint(recordOf(100 + index, size)))];
          // What the first replay gave is durable as soon as the log was repaired, if that was needed, and opened.
          expectSurvivors(after, all, more.synced > 0 ? found.length + more.synced : Math.min(synced, found.length));
        },
      ),
      { numRuns },
    );
  },
  timeoutMs,
);
