import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerOrSkip } from '@gauntlet/base/testing';
import { type Bucket, openBucket, parseBucketConfig } from '@gauntlet/objstore';
import {
  type Fault,
  FaultProxy,
  FaultyBucket,
  MemoryBucket,
  type MinioServer,
  startMinio,
} from '@gauntlet/objstore/testing';
import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import { type Vfs } from '@gauntlet/vfs';
import { createShipper, type Shipper, type ShipperOptions } from './index.js';

const signal = new AbortController().signal;
const dir = '/data/tenant';
const ids = ['01M7YK42FNECE5XBSAW6P78HR0', '01M7YK42FNECE5XBSAW6P78HR1'] as const;
const golden = JSON.parse(readFileSync(join(__dirname, '../testdata/thanos-shipped.case.json'), 'utf8')) as {
  ulid: string;
  metaInTheDataDirectory: string;
};
const goldenMeta = readFileSync(join(__dirname, '../testdata/thanos-shipped.meta.json'), 'utf8');

const names = (id: string): string[] =>
  ['chunks/000001', 'chunks/000002', 'index', 'meta.json'].map((file) => `${id}/${file}`);

async function put(vfs: Vfs, path: string, bytes: Uint8Array): Promise<void> {
  await vfs.makeDir(path.slice(0, path.lastIndexOf('/')));
  const file = await vfs.open(path, 'replace');
  await file.write(bytes, 0);
  await file.close();
}

async function addBlock(vfs: Vfs, id: string, { minTime = 0, numSamples = 5, level = 1 } = {}): Promise<void> {
  const meta = {
    ulid: id,
    minTime,
    maxTime: minTime + 10,
    stats: { numSamples },
    compaction: { level, sources: [id] },
    version: 1,
  };
  await put(vfs, `${dir}/${id}/chunks/000001`, Buffer.alloc(1000, 1));
  await put(vfs, `${dir}/${id}/chunks/000002`, Buffer.alloc(500, 2));
  await put(vfs, `${dir}/${id}/index`, Buffer.alloc(700, 3));
  await put(vfs, `${dir}/${id}/tombstones`, Buffer.alloc(9));
  await put(vfs, `${dir}/${id}/meta.json`, Buffer.from(JSON.stringify(meta)));
}

async function twoBlocks(): Promise<MemoryVfs> {
  const vfs = new MemoryVfs();
  await addBlock(vfs, ids[0], { minTime: 20 });
  await addBlock(vfs, ids[1], { minTime: 10 }); // Older, though its name is later.
  return vfs;
}

const shipper = (vfs: Vfs, bucket: Bucket, more: Partial<ShipperOptions> = {}): Shipper =>
  createShipper({
    vfs,
    bucket,
    dir,
    labels: () => ({ tenant_id: 'team-1', cluster: 'eu-1' }),
    source: 'receive',
    clock: { nowMs: () => 1_795_249_277_449 },
    ...more,
  });

/** A block with a meta.json has all its files, whole; returns the ids of those that have one. */
function wholeBlocks(bucket: MemoryBucket): string[] {
  const shipped = [...bucket.objects.keys()]
    .filter((name) => name.endsWith('/meta.json'))
    .map((name) => name.slice(0, 26));
  for (const id of shipped) {
    expect(names(id).map((name) => bucket.objects.get(name)?.bytes.length)).toEqual([
      1000,
      500,
      700,
      expect.any(Number),
    ]);
  }
  return shipped.sort();
}

test('ships older blocks first, chunks, index, then meta.json, and records them', async () => {
  const vfs = await twoBlocks();
  const bucket = new FaultyBucket(new MemoryBucket());
  const ship = shipper(vfs, bucket);
  expect(await ship.sync(signal)).toEqual({ uploaded: 2, failed: 0 });
  expect(bucket.calls.filter(({ operation }) => operation === 'upload').map(({ name }) => name)).toEqual([
    ...names(ids[1]),
    ...names(ids[0]),
  ]);
  expect(Buffer.from(await vfs.readFile(`${dir}/thanos.shipper.json`)).toString()).toBe(
    `{\n\t"version": 1,\n\t"uploaded": [\n\t\t"${ids[0]}",\n\t\t"${ids[1]}"\n\t]\n}`,
  );
  expect(await ship.uploadedBlocks()).toEqual(new Set(ids));
  expect(ship.counters).toEqual({ dirSyncs: 1, dirSyncFailures: 0, uploads: 2, uploadFailures: 0, corruptedBlocks: 0 });
  const calls = bucket.calls.length;
  expect(await ship.sync(signal)).toEqual({ uploaded: 0, failed: 0 });
  expect(bucket.calls).toHaveLength(calls);
});

test('the shipped meta.json is that of Thanos, and the local one is not touched', async () => {
  const vfs = new MemoryVfs();
  await put(vfs, `${dir}/${golden.ulid}/chunks/000001`, new Uint8Array(35_077));
  await put(vfs, `${dir}/${golden.ulid}/index`, new Uint8Array(83_481));
  await put(vfs, `${dir}/${golden.ulid}/meta.json`, Buffer.from(golden.metaInTheDataDirectory));
  const bucket = new MemoryBucket();
  await shipper(vfs, bucket, { labels: () => ({ tenant_id: 'team-1', receive_replica: 'r1', cluster: 'eu-1' }) }).sync(
    signal,
  );
  const shipped = Buffer.from(bucket.objects.get(`${golden.ulid}/meta.json`)?.bytes ?? []).toString();
  expect(shipped).toBe(goldenMeta.replace('17.449351017Z', '17.449Z')); // Our clock has no nanoseconds.
  expect(Buffer.from(await vfs.readFile(`${dir}/${golden.ulid}/meta.json`)).toString()).toBe(
    golden.metaInTheDataDirectory,
  );
});

test.each([
  ['without samples', { numSamples: 0 }],
  ['that were compacted', { level: 2 }],
])('skips blocks %s', async (_, block) => {
  const vfs = new MemoryVfs();
  await addBlock(vfs, ids[0], block);
  expect(await shipper(vfs, new MemoryBucket()).sync(signal)).toEqual({ uploaded: 0, failed: 0 });
});

test('records a block that the bucket already has, drops those gone here, and takes an unreadable state for empty', async () => {
  const vfs = await twoBlocks();
  const bucket = new MemoryBucket();
  await shipper(vfs, bucket).sync(signal);
  await put(vfs, `${dir}/thanos.shipper.json`, Buffer.from('{"version":7'));
  await vfs.removeAll(`${dir}/${ids[0]}`);
  const ship = shipper(vfs, bucket);
  expect(await ship.sync(signal)).toEqual({ uploaded: 0, failed: 0 });
  expect(await ship.uploadedBlocks()).toEqual(new Set([ids[1]]));
});

test('refuses empty external labels', async () => {
  const bucket = new MemoryBucket();
  await expect(shipper(await twoBlocks(), bucket, { labels: () => ({}) }).sync(signal)).rejects.toThrow(
    'empty external labels are not allowed for Thanos block.',
  );
  expect(bucket.objects.size).toBe(0);
});

test('a corrupted block stops the pass, or is reported and skipped', async () => {
  const vfs = await twoBlocks();
  await put(vfs, `${dir}/${ids[1]}/meta.json`, Buffer.from('{'));
  await expect(shipper(vfs, new MemoryBucket()).sync(signal)).rejects.toMatchObject({
    code: 'BLOCK_META_UNREADABLE',
    kind: 'corrupt',
    block: ids[1],
  });
  expect(await shipper(vfs, new MemoryBucket(), { skipCorruptedBlocks: true }).sync(signal)).toEqual({
    uploaded: 1,
    failed: 1,
  });
});

test.each<Fault>(['fail', 'lose-answer', 'half', 'hang'])(
  'whichever call to the bucket breaks (%s), nothing is lost or shipped in halves, and the next pass completes',
  async (fault) => {
    for (let index = 0; index < 10; index++) {
      const vfs = await twoBlocks();
      const memory = new MemoryBucket();
      const controller = new AbortController();
      const bucket = new FaultyBucket(memory, (call) => {
        if (call.index !== index) return undefined;
        if (fault === 'hang') setImmediate(() => controller.abort(new Error('going away')));
        return fault;
      });
      const ship = shipper(vfs, bucket, { uploadConcurrency: 2 });
      await expect(ship.sync(controller.signal)).rejects.toThrow();
      const whole = wholeBlocks(memory);
      for (const id of await ship.uploadedBlocks()) expect(whole).toContain(id);
      bucket.plan = () => undefined;
      expect((await shipper(vfs, bucket).sync(signal)).failed).toBe(0);
      expect(wholeBlocks(memory)).toEqual(ids);
      expect(await ship.uploadedBlocks()).toEqual(new Set(ids));
      expect(await vfs.readDir(`${dir}/thanos/upload`).catch(() => [])).toEqual([]);
    }
  },
);

test('whichever call to the disk fails, nothing is shipped in halves and the next pass completes', async () => {
  const rehearsal = new FaultyVfs(await twoBlocks());
  await shipper(rehearsal, new MemoryBucket()).sync(signal);
  for (let nth = 1; nth <= rehearsal.calls.length; nth++) {
    const vfs = new FaultyVfs(await twoBlocks(), { nth, code: 'EIO' });
    const memory = new MemoryBucket();
    await shipper(vfs, memory)
      .sync(signal)
      .catch(() => undefined);
    wholeBlocks(memory);
    vfs.heal();
    await shipper(vfs, memory).sync(signal);
    expect(wholeBlocks(memory)).toEqual(ids);
  }
});

test('what waits for a bucket that is down is told, and shrinks as it comes back', async () => {
  const vfs = await twoBlocks();
  const memory = new MemoryBucket();
  let down = true;
  const bucket = new FaultyBucket(memory, ({ operation, name }) =>
    down || name?.startsWith(ids[0]) ? (operation === 'upload' ? 'fail' : undefined) : undefined,
  );
  const ship = shipper(vfs, bucket);
  expect(ship.backlog).toEqual({ blocks: 0, oldestMs: undefined });
  await expect(ship.sync(signal)).rejects.toThrow();
  expect(ship.backlog).toEqual({ blocks: 2, oldestMs: 10 });
  down = false;
  await expect(ship.sync(signal)).rejects.toThrow();
  expect(ship.backlog).toEqual({ blocks: 1, oldestMs: 20 });
  bucket.plan = () => undefined;
  await ship.sync(signal);
  expect(ship.backlog).toEqual({ blocks: 0, oldestMs: undefined });
});

test('a block without samples may be deleted, for it is never uploaded; one of a higher level may not', async () => {
  const vfs = new MemoryVfs();
  await addBlock(vfs, ids[0], { numSamples: 0 });
  await addBlock(vfs, ids[1], { level: 2 });
  const ship = shipper(vfs, new MemoryBucket());
  await ship.sync(signal);
  expect(await ship.uploadedBlocks()).toEqual(new Set([ids[0]]));
  expect(ship.backlog.blocks).toBe(0);
});

const program = peerOrSkip('minio');
(program === undefined ? describe.skip : describe)('against a real MinIO behind a faulty proxy', () => {
  let minio: MinioServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    minio = await startMinio(program ?? '');
    proxy = await FaultProxy.start(minio.port);
  }, 30_000);
  afterAll(async () => {
    await proxy?.stop();
    await minio?.stop();
  });

  test.each(['refuse', 'reset', 'cut-body', 50] as const)(
    'failing or slow (%s) and back again: nothing lost, nothing in halves',
    async (fault) => {
      const bucket = await openBucket(
        parseBucketConfig(await minio.document(`ship-${fault}`, { port: proxy.port, more: 'max_retries: 2' })),
        { clock: { sleep: async () => undefined } },
      );
      const vfs = await twoBlocks();
      const ship = shipper(vfs, bucket);
      let passes = 0;
      for (let healthy = 0; ; healthy++) {
        proxy.plan = ({ index }) => (typeof fault === 'number' || index >= first + healthy ? fault : undefined);
        const first = proxy.requests.length;
        passes++;
        const done = await ship.sync(signal).then(
          () => true,
          () => false,
        );
        proxy.plan = () => undefined;
        for (const id of ids) {
          if (!(await bucket.exists(`${id}/meta.json`, signal))) continue;
          const sizes = await Promise.all(
            names(id)
              .slice(0, 3)
              .map(async (name) => (await bucket.attributes(name, signal)).size),
          );
          expect(sizes).toEqual([1000, 500, 700]);
        }
        if (done) break;
      }
      expect(passes > 1).toBe(typeof fault === 'string');
      expect(await ship.uploadedBlocks()).toEqual(new Set(ids));
      await bucket.close();
    },
  );
});
