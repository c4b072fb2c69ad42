import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@gauntlet/base';
import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import type { Vfs } from '@gauntlet/vfs';
import { openWal, replayWal, type WalWriter } from './index.js';

const KiB = 1024;

/** Sleeps end when the test says so. */
class HandClock implements Clock {
  readonly sleeps: { readonly delayMs: number; readonly wake: () => void }[] = [];
  nowMs = (): number => 0;
  monotonicMs = (): number => 0;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      this.sleeps.push({ delayMs, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }
  async wakeNext(): Promise<void> {
    while (this.sleeps.length === 0) await setImmediate();
    this.sleeps.shift()?.wake();
  }
}

const record = (index: number): Buffer => Buffer.from(`record ${index}`);

async function recordsIn(vfs: Vfs): Promise<string[]> {
  const found: string[] = [];
  const { damage } = await replayWal(vfs, '/wal', { onRecord: (bytes) => found.push(Buffer.from(bytes).toString()) });
  expect(damage).toBeUndefined();
  return found;
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => record(index).toString());

async function failing(wal: WalWriter): Promise<void> {
  while (wal.state !== 'failing') await setImmediate();
}

test('commits that wait together share one write and one sync, and what arrives meanwhile shares the next', async () => {
  const vfs = new FaultyVfs(new MemoryVfs());
  const wal = await openWal(vfs, '/wal');
  const count = (operation: string): number => vfs.calls.filter((call) => call.operation === operation).length;
  const commits: Promise<void>[] = [];
  for (let index = 0; index < 10; index += 1) {
    wal.append([record(index)]);
    commits.push(wal.commit());
  }
  await Promise.resolve(); // The first round begins.
  await Promise.resolve();
  for (let index = 10; index < 20; index += 1) {
    wal.append([record(index)]);
    commits.push(wal.commit());
  }
  await Promise.all(commits);
  expect([count('write'), count('datasync')]).toEqual([2, 2]);
  expect(wal.stats).toMatchObject({ syncs: 2, pendingBytes: 0, failures: 0 });
  await wal.commit();
  expect(count('datasync')).toBe(2);
  expect(await recordsIn(vfs)).toEqual(texts(20));
});

test('a log that follows another writes once that one has what it was given before, or has failed', async () => {
  for (const outcome of ['resolve', 'reject'] as const) {
    const vfs = new FaultyVfs(new MemoryVfs());
    let settle!: () => void;
    const first = new Promise<void>((resolve, reject) => {
      settle = () => (outcome === 'resolve' ? resolve() : reject(new Error('it failed')));
    });
    const wal = await openWal(vfs, '/wal', { follows: { commit: () => first } });
    wal.append([record(0)]);
    const committed = wal.commit();
    for (let turns = 0; turns < 5; turns += 1) await setImmediate();
    expect(vfs.calls.filter(({ operation }) => operation === 'write')).toEqual([]);
    settle();
    await committed;
    await wal.close();
    expect(await recordsIn(vfs)).toEqual(texts(1));
  }
});

test('the buffers of records belong to the caller again at once', async () => {
  const vfs = new MemoryVfs();
  const wal = await openWal(vfs, '/wal');
  const bytes = record(0);
  wal.append([bytes]);
  bytes.fill(0);
  await wal.commit();
  expect(await recordsIn(vfs)).toEqual(texts(1));
});

test('opening begins a segment behind all others and behind the checkpoint', async () => {
  const vfs = new MemoryVfs();
  await (await openWal(vfs, '/wal')).close();
  expect((await openWal(vfs, '/wal')).segment).toBe(1);
  await vfs.makeDir('/wal/checkpoint.00000007');
  expect((await openWal(vfs, '/wal')).segment).toBe(8);
});

test('a roll ends the segment durably and gives the number of the next', async () => {
  const vfs = new MemoryVfs();
  const wal = await openWal(vfs, '/wal');
  wal.append([record(0)]);
  expect(await wal.roll()).toBe(1);
  expect((await vfs.readDir('/wal')).map(({ name }) => name)).toEqual(['00000000', '00000001']);
  expect(await vfs.stat('/wal/00000000')).toMatchObject({ size: 32 * KiB });
});

test('a log that is full of pending bytes is overloaded, and a batch larger than the bound is taken alone', async () => {
  const vfs = new MemoryVfs();
  const wal = await openWal(vfs, '/wal', { pendingBytesMax: 10 * KiB });
  wal.append([Buffer.alloc(20 * KiB)]);
  expect(() => wal.append([record(0)])).toThrow(
    expect.objectContaining({ kind: 'overloaded', code: 'WAL_OVERLOADED' }),
  );
  await wal.commit();
  wal.append([record(0)]);
  await wal.commit();
});

test.each(['write', 'datasync'] as const)(
  'a failed %s refuses what waits, keeps it, and writes it to a new segment once the disk works',
  async (operation) => {
    const disk = new MemoryVfs();
    const vfs = new FaultyVfs(disk);
    const clock = new HandClock();
    const wal = await openWal(vfs, '/wal', { clock });
    wal.append([record(0)]);
    await wal.commit();
    vfs.fail({ operation, code: 'ENOSPC', times: 2, bytesWritten: 5 });
    wal.append([record(1)]);
    const refused = wal.commit();
    const rolled = wal.roll();
    await expect(refused).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'WAL_UNAVAILABLE',
      cause: { code: 'ENOSPC' },
    });
    await expect(rolled).rejects.toMatchObject({ code: 'WAL_UNAVAILABLE' });
    expect(wal.state).toBe('failing');
    expect(() => wal.append([record(9)])).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    await expect(wal.commit()).rejects.toMatchObject({ code: 'WAL_UNAVAILABLE' });
    expect(wal.stats.pendingBytes).toBeGreaterThan(0);

    await clock.wakeNext(); // Fails again.
    await clock.wakeNext();
    while (wal.state !== 'open') await setImmediate();
    expect(wal.stats).toMatchObject({ failures: 2, pendingBytes: 0 });
    wal.append([record(2)]);
    await wal.commit();
    expect(await recordsIn(disk)).toEqual(texts(3));
    expect((await disk.readDir('/wal')).map(({ name }) => name)).toEqual(['00000000', '00000001']);
    await wal.close();
  },
);

test('while the broken segment cannot be cut back, nothing is written, with longer and longer waits', async () => {
  const disk = new MemoryVfs();
  const vfs = new FaultyVfs(disk);
  const clock = new HandClock();
  const wal = await openWal(vfs, '/wal', { clock });
  vfs.fail({ operation: 'datasync', code: 'EIO' });
  vfs.fail({ operation: 'truncate', code: 'EIO', times: 8 });
  wal.append([record(0)]);
  await expect(wal.commit()).rejects.toMatchObject({ code: 'WAL_UNAVAILABLE' });
  const delays: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    while (clock.sleeps.length === 0) await setImmediate();
    delays.push(clock.sleeps[0]?.delayMs ?? 0);
    expect((await disk.readDir('/wal')).length).toBe(1);
    await clock.wakeNext();
  }
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  await clock.wakeNext();
  while (wal.state !== 'open') await setImmediate();
  expect(await recordsIn(disk)).toEqual(texts(1));
});

test('closing a log that fails tries once more, and says so when that fails too', async () => {
  const vfs = new FaultyVfs(new MemoryVfs());
  const wal = await openWal(vfs, '/wal', { clock: new HandClock() });
  vfs.fail({ operation: 'datasync', code: 'EIO', times: Infinity });
  wal.append([record(0)]);
  await failing(wal);
  await expect(wal.close()).rejects.toMatchObject({ code: 'WAL_UNAVAILABLE' });
  expect(wal.state).toBe('closed');
  expect(() => wal.append([record(0)])).toThrow(expect.objectContaining({ code: 'WAL_UNAVAILABLE' }));

  const healed = new FaultyVfs(new MemoryVfs());
  const other = await openWal(healed, '/wal', { clock: new HandClock() });
  healed.fail({ operation: 'write', code: 'EIO' });
  other.append([record(0)]);
  await failing(other);
  await other.close();
  expect(await recordsIn(healed)).toEqual(texts(1));
  expect(() => other.append([record(0)])).toThrow(expect.objectContaining({ code: 'WAL_CLOSED' }));
  await other.close();
});

test('with durability `write` a commit does not wait for a sync, and closing syncs', async () => {
  const vfs = new FaultyVfs(new MemoryVfs());
  const wal = await openWal(vfs, '/wal', { durability: 'write' });
  wal.append([record(0)]);
  await wal.commit();
  expect(wal.stats.syncs).toBe(0);
  await wal.close();
  expect(wal.stats.syncs).toBe(1);
});

/** Logs with small segments, rolls and batches, and tells what was acknowledged; commits that are refused are tried again. */
async function logSome(vfs: Vfs): Promise<{ written: number; acknowledged: number }> {
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => void (await setImmediate()) };
  let written = 0;
  let acknowledged = 0;
  const wal = await openWal(vfs, '/wal', { segmentBytesMax: 64 * KiB, clock });
  for (let round = 0; round < 12; round += 1) {
    while (wal.state === 'failing') await setImmediate();
    const records = Array.from({ length: 1 + (round % 3) }, () =>
      Buffer.concat([record(written++), Buffer.alloc((round * 7919) % 30_000)]),
    );
    wal.append(records);
    if (round === 6) await wal.roll().catch(() => undefined);
    await wal.commit().then(
      () => (acknowledged = written),
      () => undefined,
    );
  }
  await wal.close();
  return { written, acknowledged: Math.max(acknowledged, written) };
}

test('whichever operation fails once, no record is lost, doubled or moved', async () => {
  const dry = new FaultyVfs(new MemoryVfs());
  const { written } = await logSome(dry);
  expect(dry.calls.length).toBeGreaterThan(30);
  for (const afterwards of [false, true]) {
    for (const { index } of dry.calls) {
      const disk = new MemoryVfs();
      const vfs = new FaultyVfs(disk, { nth: index, code: 'EIO', afterwards, bytesWritten: 1000 });
      // Opening may fail for good; then nothing was promised.
      const opened = await logSome(vfs).catch(() => undefined);
      const found = (await recordsIn(disk)).map((text) => text.replaceAll('\0', ''));
      expect(found).toEqual(texts(opened === undefined ? 0 : written));
    }
  }
});
