import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@gauntlet/base';
import { nodeVfs } from '@gauntlet/vfs';
import { buildSync } from 'esbuild';
import type { HeavyWork } from './heavy-work.js';
import { labOptions } from './testing/lab-options.js';
import { batchOf, type LabSample } from './testing/tenant-lab.js';
import { Tsdb } from './tsdb.js';
import { WorkerThread } from './worker-thread.js';

let root: string;
let program: string;
const open: Tsdb[] = [];

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'worker-thread-'));
  program = join(root, 'worker.js');
  buildSync({
    stdin: {
      contents: `import { serveHeavyWork } from './worker-thread.ts'; import { nodeVfs } from '@gauntlet/vfs'; serveHeavyWork(nodeVfs);`,
      resolveDir: __dirname,
    },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['snappy'],
    logLevel: 'error',
  });
});

afterEach(() => Promise.all(open.splice(0).map((database) => database.close())));

afterAll(() => rmSync(root, { recursive: true }));

const rangeMs = 60_000;
const sample = (series: number, round: number): LabSample => [
  `series_${series}`,
  round * 1000 + series,
  series + round,
];

/** A database with samples of one range and of the next, whose first range is cut while appends go on. */
async function cutWith(name: string, heavyWork: HeavyWork | undefined): Promise<{ dir: string; database: Tsdb }> {
  const dir = join(root, name);
  const database = await Tsdb.open(
    labOptions(nodeVfs, {
      dir,
      clock: { ...systemClock, nowMs: () => 2.6 * rangeMs },
      blockRangeMs: rangeMs,
      chunkRangeMs: rangeMs,
      wal: { compress: true, durability: 'write', segmentBytesMax: 32_768 },
      ...(heavyWork === undefined ? {} : { heavyWork }),
    }),
  );
  open.push(database);
  const all = Array.from({ length: 200 }, (_, series) => series);
  for (let round = 0; round < 62; round += 1) {
    await database.append(batchOf(all.map((series) => sample(series, round))), 0).committed;
    if (round === 30) await database.maintain();
  }
  const cutting = database.cutIfDue();
  // Samples of the next range, some of them of series whose chunks are being read.
  for (let round = 62; round < 80; round += 1) {
    await database.append(batchOf(all.slice(0, 100).map((series) => sample(series, round))), 0).committed;
  }
  expect(await cutting).toHaveLength(1);
  return { dir, database };
}

const blockFiles = (dir: string): Record<string, string> => {
  const block = readdirSync(dir).find((name) => /^[0-9A-Z]{26}$/.test(name))!;
  return Object.fromEntries(
    ['index', 'chunks/000001', 'tombstones'].map((file) => [
      file,
      readFileSync(join(dir, block, file)).toString('hex'),
    ]),
  );
};

/** What the log begins with once the block is cut. */
function checkpointFiles(dir: string): Record<string, string> {
  const checkpoint = readdirSync(join(dir, 'wal')).find((name) => name.startsWith('checkpoint.'))!;
  const files = readdirSync(join(dir, 'wal', checkpoint)).map((file) => join(checkpoint, file));
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(dir, 'wal', file)).toString('hex')]));
}

test('a block and a checkpoint that a worker writes while appends go on have the same bytes as those written in this thread', async () => {
  const thread = new WorkerThread(program);
  const here = await cutWith('here', undefined);
  const there = await cutWith('there', thread);
  expect(blockFiles(there.dir)).toEqual(blockFiles(here.dir));
  expect(checkpointFiles(there.dir)).toEqual(checkpointFiles(here.dir));
  expect(there.database.stats.checkpoints).toBe(1);
  expect(there.database.blocks[0]!.stats).toMatchObject({ numSeries: 200 });
  await thread.close();
});

test('a worker that dies fails the cut, and the next one gets a new worker', async () => {
  const dying = join(root, 'dying.js');
  writeFileSync(dying, `require('node:worker_threads').parentPort.on('message', () => process.exit(3));`);
  const broken = new WorkerThread(dying);
  const working = new WorkerThread(program);
  let attempts = 0;
  const heavyWork: HeavyWork = {
    cutBlock: (job) => (attempts++ === 0 ? broken : working).cutBlock(job),
    writeCheckpoint: (job) => working.writeCheckpoint(job),
  };
  await expect(cutWith('dying', heavyWork)).rejects.toThrow('Cannot cut block: the thread has ended with code 3');
  await broken.close();
  await working.close();
});

test('what the worker finds wrong comes back as an error', async () => {
  const thread = new WorkerThread(program);
  const job = { dir: join(root, 'none', '\0'), ulid: '01HF859JX0000G40R40M30E209', minTimeMs: 0, maxTimeMs: 1 };
  const snapshot = { minTimeMs: 0, maxTimeMs: 0, shards: [], deleted: new Map() };
  await expect(thread.cutBlock({ ...job, snapshot })).rejects.toMatchObject({ kind: 'unavailable' });
  await thread.close();
});

test('what a new worker does is not given up when the one before it ends', async () => {
  const died = join(root, 'died');
  const file = join(root, 'dies-once.js');
  writeFileSync(
    file,
    `const fs = require('node:fs');
     if (fs.existsSync(${JSON.stringify(died)})) require(${JSON.stringify(program)});
     else require('node:worker_threads').parentPort.on('message', () => {
       fs.writeFileSync(${JSON.stringify(died)}, '');
       throw new Error('out of memory');
     });`,
  );
  const thread = new WorkerThread(file);
  const job = { dir: join(root, 'empty'), ulid: '01HF859JX0000G40R40M30E209', minTimeMs: 0, maxTimeMs: 1 };
  const snapshot = { minTimeMs: 0, maxTimeMs: 0, shards: [], deleted: new Map() };
  await expect(thread.cutBlock({ ...job, snapshot })).rejects.toThrow('out of memory');
  // Asked before the first one has ended.
  await expect(thread.cutBlock({ ...job, snapshot })).resolves.toBeUndefined();
  await thread.close();
});
