import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { int64Max, int64Min } from '@gauntlet/base';
import { openShardSnapshot, type ShardSnapshotDescription } from './shard-snapshot.js';
import type { Shard } from './shard.js';
import { anyTime, appendRows, contents, hour, newShard, readSnapshot, takeSnapshot } from './testing/shard-driver.js';
import { createSharedMemory } from './wasm.js';

/**
 * Reads a snapshot and posts what it holds, a text for each series, so that nothing of shared memory gets out. It stops in the middle of
 * sorting and of reading, until it is told to go on.
 */
const workerSource = `
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { openShardSnapshot } from './shard-snapshot.ts';

async function pause() {
  parentPort.postMessage('paused');
  await once(parentPort, 'message');
}

async function main() {
  const reader = openShardSnapshot(workerData);
  reader.prepare(1000);
  reader.prepare(1000);
  await pause();
  const all = [];
  for (let series = reader.next(); series !== undefined; series = reader.next()) {
    all.push([
      Buffer.from(series.labels).toString('latin1'),
      ...series.chunks.map((c) =>
        [c.minTime, c.maxTime, c.sampleCount, c.encoding, Buffer.from(c.data).toString('hex')].join(' ')),
    ].join('\\n'));
    if (all.length === 1000) await pause();
  }
  parentPort.postMessage(all);
  parentPort.close();
}
void main();
`;

/** What a thread of its own reads; `work` is done in this one whenever it pauses, and while it reads on. */
async function readInWorker(description: ShardSnapshotDescription, work: () => void): Promise<string[]> {
  const { outputFiles } = buildSync({
    stdin: { contents: workerSource, resolveDir: __dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  const worker = new Worker(outputFiles[0]!.text, { eval: true, workerData: description });
  try {
    for (;;) {
      const [message] = (await once(worker, 'message')) as ['paused' | string[]];
      if (message !== 'paused') return message;
      work();
      worker.postMessage('go on');
      work();
    }
  } finally {
    await worker.terminate();
  }
}

function textOf(description: ShardSnapshotDescription): string[] {
  return readSnapshot(description).map(({ labels, chunks }) =>
    [
      Buffer.from(labels).toString('latin1'),
      ...chunks.map((c) =>
        [c.minTime, c.maxTime, c.sampleCount, c.encoding, Buffer.from(c.data!).toString('hex')].join(' '),
      ),
    ].join('\n'),
  );
}

function nameOf(labels: Uint8Array): string {
  return Buffer.from(labels.subarray(7)).toString();
}

function scrape(shard: Shard, names: readonly string[], t: bigint): void {
  appendRows(
    shard,
    names.map((name, i) => ({ name, samples: [[t, BigInt(i) * 77n + t]] })),
  );
}

const lateNames = (turn: number) => Array.from({ length: 2000 }, (_, i) => `late-${turn}-${i}`);

test('another thread reads exactly what was there, while this one goes on appending', async () => {
  const shard = newShard();
  const names = Array.from({ length: 2000 }, (_, i) => `series-${(i * 7919) % 2000}`);
  for (let i = 0n; i < 20n; i += 1n) scrape(shard, names, i * 30_000n);
  const max = 20n * 30_000n - 1n;
  const description = takeSnapshot(shard, 0n, max);
  expect(description.total).toBe(2000);
  const expected = textOf(description);
  expect(readSnapshot(description).map(({ labels }) => nameOf(labels))).toEqual(names.slice().sort());
  let t = max + 1n;
  let turns = 0;
  const bytesBefore = shard.memoryBytes;
  const seen = await readInWorker(description, () => {
    // Chunks are cut, memory grows, and the table with it.
    scrape(shard, names, (t += 600_000n));
    scrape(shard, lateNames((turns += 1)), t);
  });
  expect(turns).toBe(4);
  expect(shard.memoryBytes).toBeGreaterThan(bytesBefore);
  for (const found of [seen, textOf(description)]) {
    expect(found.length).toBe(expected.length);
    expect(found.find((series, i) => series !== expected[i])).toBeUndefined();
  }
  shard.endSnapshot();
});

test('series that come while a snapshot is gathered do no harm, though every slot moves', () => {
  const shard = newShard();
  const names = Array.from({ length: 600 }, (_, i) => `a${i}`);
  scrape(shard, names, 1000n);
  shard.beginSnapshot(0n, 1000n);
  let added = 0;
  while (shard.stepSnapshot(100).more) {
    if (added < 2000) {
      scrape(
        shard,
        Array.from({ length: 100 }, (_, i) => `b${added + i}`),
        2000n,
      );
    }
    added += 100;
  }
  expect(added).toBeGreaterThan(600);
  const found = readSnapshot(shard.snapshotDescription()).map(({ labels }) => nameOf(labels));
  expect(found).toEqual(names.sort());
  shard.endSnapshot();
});

test('open chunks that begin after the range stay open, and those that begin in it are finished', () => {
  const shard = newShard();
  scrape(shard, ['a', 'b'], 1000n);
  scrape(shard, ['a', 'c'], 2000n);
  const refs = () =>
    readSnapshot(takeSnapshot(shard, 0n, 1500n)).map(({ chunks }) => chunks.map(({ maxTime }) => maxTime));
  expect(refs()).toEqual([[2000n], [1000n]]);
  shard.endSnapshot();
  scrape(shard, ['a', 'c'], 3000n);
  expect(contents(shard)).toEqual({
    a: ['1000-2000 2 of 1', '3000-3000 1 of 1'],
    b: ['1000-1000 1 of 1'],
    c: ['2000-3000 2 of 1'],
  });
});

test('the host is asked for its open chunks that begin in the range, a series once', () => {
  const shard = newShard();
  const open = new Map<number, bigint>();
  appendRows(
    shard,
    ['late', 'early', 'both'].map((name) => ({ name, histograms: 1 })),
    anyTime,
    {
      onHostRow(row) {
        const s = shard.createSeries(row);
        if (row === 2)
          shard.pushChunk(s, { minTime: 1n, maxTime: 2n, count: 1, encoding: 3, data: Buffer.alloc(5000, 1) });
        open.set(s, row === 0 ? 9000n : 3n);
        shard.setHost(s, { minTime: open.get(s)! }, 9000n);
      },
    },
  );
  shard.beginSnapshot(0n, 8000n);
  const asked: number[] = [];
  for (let more = true; more;) {
    const step = shard.stepSnapshot(10);
    for (const s of step.hostSeries) {
      asked.push(s);
      shard.pushChunk(s, { minTime: open.get(s)!, maxTime: 9000n, count: 7, encoding: 2, data: Buffer.alloc(100, 2) });
      shard.setHost(s, undefined, 9000n);
    }
    more = step.more;
  }
  expect(new Set(asked)).toEqual(new Set([...open.keys()].slice(1)));
  expect(asked.length).toBe(2);
  const read = readSnapshot(shard.snapshotDescription());
  expect(
    read.map(({ chunks }) => chunks.map((c) => [c.encoding, c.sampleCount, c.data!.length, c.data!.at(-1)])),
  ).toEqual([
    [
      [3, 1, 5000, 1],
      [2, 7, 100, 2],
    ],
    [[2, 7, 100, 2]],
  ]);
  shard.endSnapshot();
  expect(shard.chunkCount).toBe(4);
});

test('a snapshot of an empty shard, or of an empty range, has no series', () => {
  const shard = newShard();
  expect(readSnapshot(takeSnapshot(shard))).toEqual([]);
  shard.endSnapshot();
  scrape(shard, ['a'], 5n * hour);
  expect(readSnapshot(takeSnapshot(shard, int64Min, 0n))).toEqual([]);
  shard.endSnapshot();
  expect(readSnapshot(takeSnapshot(shard, 6n * hour, int64Max))).toEqual([]);
  shard.endSnapshot();
});

test('a reader’s kernel begins without a write to the memory: data of its own would overwrite the shard’s', () => {
  const memory = createSharedMemory();
  const bytes = new Uint8Array(memory.buffer).fill(0xa5);
  openShardSnapshot({ memory, from: 4096, into: 8192, total: 0, min: int64Min, max: int64Max });
  expect(bytes.every((byte) => byte === 0xa5)).toBe(true);
});
