import { MiB, silentLog, type Clock } from '@gauntlet/base';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { WriteGuard } from './write-guard.js';

function lab() {
  const vfs = new MemoryVfs();
  const world = { nowMs: 0, usedBytes: 0, heapBytes: 0, relieved: 0, relieve: () => Promise.resolve() };
  const clock: Clock = {
    nowMs: () => world.nowMs,
    monotonicMs: () => world.nowMs,
    sleep: () => Promise.resolve(),
  };
  const guard = new WriteGuard({
    freeDiskBytesMin: 256 * MiB,
    memoryBytesMax: 1000 * MiB,
    freeDiskBytes: () => vfs.freeBytes('/'),
    usedMemoryBytes: () => world.usedBytes,
    heap: () => ({ usedBytes: world.heapBytes, bytesMax: 100 * MiB }),
    relieve: () => {
      world.relieved += 1;
      return world.relieve();
    },
    clock,
    log: silentLog,
  });
  return { vfs, world, guard };
}

test('a disk that fills is refused, says why, and is taken again by itself when there is a little more room', async () => {
  const { vfs, guard } = lab();
  await guard.check();
  expect(guard.refusal()).toBeUndefined();
  expect(guard.reasons).toEqual([]);
  vfs.freeBytesLeft = 255 * MiB;
  await guard.check();
  expect(guard.refusal()).toMatchObject({
    kind: 'unavailable',
    scope: 'ingester',
    message: 'Cannot take write: 255 MiB are free on the disk, below --tsdb.min-free-disk of 256 MiB',
  });
  expect(guard.reasons).toHaveLength(1);
  vfs.freeBytesLeft = 257 * MiB;
  await guard.check();
  expect(guard.disk).toBe('over');
  vfs.freeBytesLeft = 300 * MiB;
  await guard.check();
  expect(guard.refusal()).toBeUndefined();
});

test('a disk that does not answer leaves things as they are', async () => {
  const { vfs, guard } = lab();
  vfs.freeBytesLeft = 0;
  await guard.check();
  vfs.freeBytes = () => Promise.reject(new Error('EIO'));
  await guard.check();
  expect(guard.disk).toBe('over');
});

test('memory that gets short is first given back, and new tenants are refused before known ones', async () => {
  const { world, guard } = lab();
  world.usedBytes = 950 * MiB;
  await guard.check();
  expect(guard.memory).toBe('tight');
  expect(world.relieved).toBe(1);
  expect(guard.refusal()).toBeUndefined();
  expect(guard.refusalToOpen('new')).toMatchObject({ kind: 'overloaded', scope: 'tenant' });
  world.usedBytes = 1001 * MiB;
  await guard.check();
  expect(guard.refusal()).toMatchObject({
    kind: 'overloaded',
    scope: 'ingester',
    message: 'Cannot take write: 1001 MiB of memory are in use, above --tsdb.max-memory of 1000 MiB',
  });
  world.usedBytes = 800 * MiB;
  await guard.check();
  expect(guard.refusal()).toBeUndefined();
  expect(guard.refusalToOpen('new')).toBeUndefined();
});

test('chunks are moved to disk once at a time, and not more than every ten seconds', async () => {
  const { world, guard } = lab();
  let end!: () => void;
  world.relieve = () => new Promise((resolve) => (end = resolve));
  world.usedBytes = 950 * MiB;
  await guard.check();
  world.nowMs = 60_000;
  await guard.check();
  expect(world.relieved).toBe(1);
  end();
  await new Promise(setImmediate);
  await guard.check();
  expect(world.relieved).toBe(2);
  end();
  await new Promise(setImmediate);
  world.nowMs = 69_999;
  await guard.check();
  expect(world.relieved).toBe(2);
  world.nowMs = 70_000;
  await guard.check();
  expect(world.relieved).toBe(3);
});

test('a full disk outweighs too much memory, and both are told', async () => {
  const { vfs, world, guard } = lab();
  vfs.freeBytesLeft = 0;
  world.usedBytes = 2000 * MiB;
  await guard.check();
  expect(guard.refusal()).toMatchObject({ kind: 'unavailable' });
  expect(guard.reasons).toHaveLength(2);
});

test('a heap that is nearly full is refused before it ends the process, garbage apart', async () => {
  const { world, guard } = lab();
  const look = async (heapMiB: number): Promise<string | undefined> => {
    world.heapBytes = heapMiB * MiB;
    await guard.check();
    return guard.refusal()?.kind;
  };
  const looks = async (...all: number[]): Promise<(string | undefined)[]> => {
    const kinds = [];
    for (const heapMiB of all) kinds.push(await look(heapMiB));
    return kinds;
  };
  expect(await looks(10, 90, 90, 50, 95, 95)).toEqual([...Array<undefined>(6)]);
  expect(await looks(85, 75, 75, 60)).toEqual(['overloaded', 'overloaded', 'overloaded', undefined]);
  expect(await looks(85, 86, 87, 75)).toEqual([undefined, undefined, 'overloaded', 'overloaded']);
  expect(guard.reasons).toEqual([
    expect.stringContaining('75 MiB of the JavaScript heap are in use, of at most 100 MiB'),
  ]);
  expect(guard.memory).toBe('over');
  expect(await looks(60)).toEqual([undefined]);
});
