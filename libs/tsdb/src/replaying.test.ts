import { silentLog, type Log } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import { HeadBrokenError } from '@gauntlet/kernel';
import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import type { Vfs } from '@gauntlet/vfs';
import { journalName } from './journal.js';
import { batchOf, samplesInBlocks, type LabSample } from './testing/tenant-lab.js';
import type { LabClock } from './testing/lab-clock.js';
import { labDir, labOptions } from './testing/lab-options.js';
import { Tsdb } from './tsdb.js';
import type { Gate, TsdbOptions } from './tsdb-options.js';

const dir = labDir;

/** Holds every replay back until it is opened. */
class LabGate implements Gate {
  open!: () => void;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#opened.then(work);
  }
}

/** However short the log is, it is replayed behind the opening. */
const optionsOf = (vfs: Vfs, more: Partial<TsdbOptions> = {}): TsdbOptions =>
  labOptions(vfs, { briefReplayBytesMax: 0, ...more });

const textOf = (samples: readonly LabSample[]): string[] => samples.map((sample) => sample.join(' ')).sort();
const roundOf = (timestampMs: number): LabSample[] =>
  ['a', 'b', `of_${timestampMs % 5}`].map((name, index): LabSample => [name, timestampMs, timestampMs + index]);

async function write(database: Tsdb, samples: readonly LabSample[]): Promise<void> {
  const { committed, hasRejections } = database.append(batchOf(samples), 0);
  expect(hasRejections).toBe(false);
  await committed;
}

/** A directory with a log, as a killed process leaves it. */
async function killedDatabase(vfs: Vfs, times: readonly number[]): Promise<LabSample[]> {
  const database = await Tsdb.open(optionsOf(vfs));
  await database.replayed;
  const all = times.map(roundOf);
  for (const samples of all) await write(database, samples);
  return all.flat();
}

test('writes are answered while the log is replayed, and are in the head, the log and the blocks afterwards', async () => {
  const vfs = new MemoryVfs();
  const before = await killedDatabase(vfs, [10, 20, 30]);
  const replayGate = new LabGate();
  const database = await Tsdb.open(optionsOf(vfs, { replayGate }));
  expect(database.state).toBe('replaying');
  const during = [40, 50].flatMap(roundOf);
  await write(database, during);
  expect(database.incompleteFromMs).toBeLessThan(40);
  replayGate.open();
  await database.replayed;
  expect(database.state).toBe('open');
  expect(database.incompleteFromMs).toBe(Infinity);
  expect(database.stats).toMatchObject({ replays: 1, journaledSamples: during.length, journaledDropped: 0 });
  const after = roundOf(60);
  await write(database, after);
  expect(await vfs.stat(`${dir}/${journalName}`)).toBeUndefined();
  // What was in the journal is in the log by now.
  const killed = await Tsdb.open(optionsOf(vfs));
  await killed.replayed;
  await killed.flush();
  expect(await samplesInBlocks(vfs, dir, killed)).toEqual(textOf([...before, ...during, ...after]));
  await killed.close();
});

test('what was answered during a replay survives a kill before its end, and is stored once', async () => {
  const vfs = new MemoryVfs();
  const before = await killedDatabase(vfs, [10, 20]);
  const during: LabSample[] = [];
  for (const timestampMs of [30, 40, 50]) {
    const killed = await Tsdb.open(optionsOf(vfs, { replayGate: new LabGate() }));
    await write(killed, roundOf(timestampMs));
    during.push(...roundOf(timestampMs));
  }
  const database = await Tsdb.open(optionsOf(vfs));
  await database.replayed;
  await database.flush();
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf([...before, ...during]));
  await database.close();
});

test('a write during a replay is refused for what can be seen of it; what is found out later is counted', async () => {
  const vfs = new MemoryVfs();
  const first = await Tsdb.open(optionsOf(vfs));
  await first.replayed;
  await write(first, roundOf(500));
  await first.flush(); // A block up to 501.
  await write(first, roundOf(900));
  const replayGate = new LabGate();
  const options = optionsOf(vfs, { replayGate, futureWindowMs: 100 });
  (options.clock as LabClock).now = 2000;
  const database = await Tsdb.open(options);
  const early = database.append(batchOf([['a', 300, 1]]), 0);
  expect(early.rejected).toMatchObject({ outOfBounds: 1 });
  expect(database.append(batchOf([['a', 2101, 1]]), 0).rejected).toMatchObject({ outOfBounds: 1 });
  const old = database.append(batchOf([['a', 800, 1]]), 0); // Older than what the log holds, which nobody knows yet.
  expect(old.hasRejections).toBe(false);
  await old.committed;
  replayGate.open();
  await database.replayed;
  expect(database.stats).toMatchObject({ journaledSamples: 1, journaledDropped: 1 });
  await database.close();
});

test('series that were acknowledged during a replay are kept, more than the tenant may have; later ones are refused', async () => {
  const vfs = new MemoryVfs();
  await killedDatabase(vfs, [10]);
  const replayGate = new LabGate();
  const database = await Tsdb.open(optionsOf(vfs, { replayGate, activeSeriesMax: () => 2 }));
  await write(database, [
    ['new-1', 20, 1],
    ['new-2', 20, 1],
  ]);
  replayGate.open();
  await database.replayed;
  expect(database.head.seriesCount).toBe(5);
  expect(database.stats).toMatchObject({ journaledDropped: 0, seriesLimited: 0 });
  const { rejections, samplesAppended } = database.append(
    batchOf([
      ['a', 30, 1],
      ['new-2', 30, 1],
      ['new-3', 30, 1],
    ]),
    0,
  );
  expect([...rejections]).toEqual([{ series: 2, item: 'sample', first: 0, count: 1, reason: 'seriesLimit' }]);
  expect(samplesAppended).toBe(2);
  expect(database.stats.seriesLimited).toBe(1);
  await database.close();
});

test('a replay that fails is tried again, and writes are taken all the while', async () => {
  const disk = new FaultyVfs(new MemoryVfs());
  const before = await killedDatabase(disk, [10, 20]);
  disk.fail({ operation: 'read', when: ({ path }) => path.includes('/wal/'), code: 'EIO', times: 2 });
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (message) => void errors.push(message) };
  const database = await Tsdb.open(optionsOf(disk, { log }));
  const during = roundOf(30);
  await write(database, during);
  await database.replayed;
  expect(database.stats).toMatchObject({ replayFailures: 2, replays: 1 });
  expect(errors).toEqual(Array.from({ length: 2 }, () => 'log cannot be replayed, it will be tried again'));
  await database.flush();
  expect(await samplesInBlocks(disk, dir, database)).toEqual(textOf([...before, ...during]));
  await database.close();
});

test('a head whose kernel has failed is built anew from its log, without a restart', async () => {
  const vfs = new MemoryVfs();
  const database = await Tsdb.open(optionsOf(vfs));
  await database.replayed;
  const before = [10, 20].flatMap(roundOf);
  await write(database, before.slice(0, 3));
  await write(database, before.slice(3));
  jest.spyOn(database.head, 'append').mockImplementation(() => {
    throw new HeadBrokenError(new Error('unreachable'));
  });
  expect(() => database.append(batchOf(roundOf(30)), 0)).toThrow(HeadBrokenError);
  expect(database.state).toBe('replaying');
  await database.replayed;
  const after = roundOf(30);
  await write(database, after);
  expect(database.stats.recoveries).toBe(1);
  await database.flush();
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf([...before, ...after]));
  await database.close();
});

test('closing ends a replay that waits for its turn, and keeps the journal', async () => {
  const vfs = new MemoryVfs();
  const before = await killedDatabase(vfs, [10]);
  const replayGate = new LabGate();
  const database = await Tsdb.open(optionsOf(vfs, { replayGate }));
  await write(database, roundOf(20));
  const closing = database.close();
  replayGate.open();
  await closing;
  expect(() => database.append(batchOf(roundOf(30)), 0)).toThrow('the database is closed');
  const again = await Tsdb.open(optionsOf(vfs));
  await until(() => again.state === 'open', { what: 'the replay to end' });
  await again.flush();
  expect(await samplesInBlocks(vfs, dir, again)).toEqual(textOf([...before, ...roundOf(20)]));
  await again.close();
});

test('whoever ends a database can wait for the replay that is under way', async () => {
  const vfs = new MemoryVfs();
  const written = await killedDatabase(vfs, [1000, 1100]);
  const gate = new LabGate();
  const database = await Tsdb.open(optionsOf(vfs, { replayGate: gate }));
  await write(database, roundOf(1200));
  let isOver = false;
  const over = database.replayAttempted.then(() => (isOver = true));
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  gate.open();
  await over;
  expect(database.state).toBe('open');
  await database.flush();
  expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf([...written, ...roundOf(1200)]));
  await database.close();
});

test('a new database does not wait behind the replays of others', async () => {
  const itsTurnNeverComes: Gate = { run: () => new Promise(() => {}) };
  const database = await Tsdb.open(labOptions(new MemoryVfs(), { replayGate: itsTurnNeverComes }));
  expect(database.state).toBe('open');
  await database.close();
});

test('a head that is built anew while the disk is full waits for room, and takes writes again', async () => {
  const disk = new FaultyVfs(new MemoryVfs());
  const database = await Tsdb.open(optionsOf(disk));
  await database.replayed;
  await write(database, roundOf(10));
  jest.spyOn(database.head, 'append').mockImplementation(() => {
    throw new HeadBrokenError(new Error('unreachable'));
  });
  disk.fail({ operation: 'makeDir', when: ({ path }) => path.includes(journalName), code: 'ENOSPC', times: 3 });
  expect(() => database.append(batchOf(roundOf(20)), 0)).toThrow(HeadBrokenError);
  await database.replayed;
  await write(database, roundOf(30));
  expect(database.stats).toMatchObject({ recoveries: 1, replayFailures: 3 });
  await database.close();
});

test.each(['removed', 'cut short'])(
  'a head whose chunk files are %s under it is built anew from its log',
  async (what) => {
    const vfs = new MemoryVfs();
    const database = await Tsdb.open(optionsOf(vfs));
    await database.replayed;
    const written: LabSample[] = [];
    for (let timestampMs = 0; timestampMs < 400; timestampMs += 1) written.push(...roundOf(timestampMs));
    for (let at = 0; at < written.length; at += 3) await write(database, written.slice(at, at + 3));
    await database.maintain();
    const files = await vfs.readDir(`${dir}/chunks_head`);
    expect(files.length).toBeGreaterThan(0);
    for (const { name } of files) {
      if (what === 'removed') await vfs.remove(`${dir}/chunks_head/${name}`);
      else {
        const file = await vfs.open(`${dir}/chunks_head/${name}`, 'update');
        await file.truncate(100);
        await file.close();
      }
    }
    await expect(database.flush()).rejects.toThrow('Cannot read head chunk');
    await database.replayed;
    expect(database.stats).toMatchObject({ recoveries: 1 });
    await database.flush();
    expect(await samplesInBlocks(vfs, dir, database)).toEqual(textOf(written));
    await database.close();
  },
);
