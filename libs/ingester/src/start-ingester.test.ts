import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import { startUnderTest, type IngesterUnderTest } from './testing/running-ingester.js';

const running: IngesterUnderTest[] = [];
async function start(...args: Parameters<typeof startUnderTest>): Promise<IngesterUnderTest> {
  const one = await startUnderTest(...args);
  running.push(one);
  return one;
}
afterEach(async () => {
  for (const one of running.splice(0)) {
    await one.stop().catch(() => {});
    await one.removeDir();
  }
});

const blocksIn = async (dir: string): Promise<string[]> => (await readdir(dir)).filter((name) => name.length === 26);

test('takes a write as soon as it listens, flushes it at the end, and starts without a log to replay', async () => {
  const first = await start();
  await first.write(['a']);
  await first.ingester.started;
  expect(await first.get('/-/ready')).toEqual({ status: 200, body: 'OK' });
  expect(await first.metric('prometheus_tsdb_head_series{tenant="a"}')).toBe(1);
  await first.stop();
  expect(await blocksIn(join(first.dir, 'a'))).toHaveLength(1);
  const second = await first.restart();
  running.push(second);
  await second.ingester.started;
  expect(await second.metric('ingester_tenants{state="dormant"}')).toBe(1);
  expect(await second.metric('prometheus_tsdb_head_series{tenant="a"}')).toBeUndefined();
  await second.write(['a']);
  expect(await second.metric('prometheus_tsdb_blocks_loaded{tenant="a"}')).toBe(1);
});

test('a disk below its minimum refuses writes as unavailable, and probes and metrics say why', async () => {
  const one = await start({ freeDiskBytesMin: 2 ** 60 });
  await expect(one.write(['a'])).rejects.toMatchObject({
    code: 'PEER_UNAVAILABLE',
    details: expect.stringMatching(/^Cannot take write: \d+ MiB are free on the disk, below --tsdb\.min-free-disk/),
  });
  const { status, body } = await one.get('/-/ready');
  expect(status).toBe(503);
  expect(body).toMatch(/^NOT OK\n\d+ MiB are free on the disk/);
  expect(await one.metric('ingester_writes_refused{resource="disk"}')).toBe(1);
  expect(await one.metric('ingester_refused_writes_total{reason="pressure"}')).toBe(1);
  expect((await one.get('/-/healthy')).status).toBe(200);
});

test('a process over its memory refuses writes, and says why', async () => {
  const one = await start({ memoryBytesMax: 1024 * 1024 });
  await expect(one.write(['a'])).rejects.toMatchObject({ details: expect.stringContaining('--tsdb.max-memory') });
  expect((await one.get('/-/ready')).status).toBe(503);
  expect(await one.metric('ingester_writes_refused{resource="memory"}')).toBe(1);
});

test('a tenant whose directory cannot be used does not keep the others from being written to', async () => {
  const one = await start();
  await one.ingester.started;
  await writeFile(join(one.dir, 'broken'), 'a file where the directory should be');
  await expect(one.write(['broken', 'good'])).rejects.toMatchObject({ code: 'PEER_INTERNAL' });
  expect(await one.metric('prometheus_tsdb_head_series{tenant="good"}')).toBe(1);
  expect(await one.metric('ingester_tenants{state="failing"}')).toBe(1);
  const { status, body } = await one.get('/-/ready?verbose');
  expect([status, body]).toEqual([200, 'OK\ndatabases of 1 tenants cannot be opened and are tried again\n']);
});

test('an idle tenant is cut and closed, written to again, and removed when it is old', async () => {
  const one = await start({ blockRangeMs: 200, chunkRangeMs: 200, retentionMs: 1500 });
  const startedMs = Date.now();
  await one.write(['a'], startedMs);
  const dir = join(one.dir, 'a');
  await until(async () => (await readdir(join(dir, 'wal'))).length === 0, { what: 'an empty log' });
  expect(await blocksIn(dir)).toHaveLength(1);
  await one.write(['a']);
  await until(async () => (await stat(dir).catch(() => undefined)) === undefined, { what: 'the removal' });
  expect(Date.now() - startedMs).toBeGreaterThan(1500);
  await until(async () => (await one.metric('ingester_tenants_removed_total'))! >= 1);
  await one.write(['a']);
  expect((await stat(dir)).isDirectory()).toBe(true);
});

test('tells the status of databases where probes are and where clients write, compressed to those who take that', async () => {
  const one = await start();
  await one.write(['a']);
  for (const port of [one.ingester.httpPort, one.ingester.remoteWritePort]) {
    const ask = (encoding: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/api/v1/status/tsdb?all_tenants=true`, {
        headers: { 'accept-encoding': encoding },
      });
    const [plain, compressed] = [await ask('identity'), await ask('gzip')];
    expect([plain, compressed].map(({ status, headers }) => [status, headers.get('content-encoding')])).toEqual([
      [200, null],
      [200, 'gzip'],
    ]);
    expect(plain.headers.get('content-type')).toBe('application/json');
    const body = await plain.text();
    expect(body).toContain('"tenant":"a"');
    expect(await compressed.text()).toBe(body);
  }
});

test('hundreds of idle tenants start in a moment, and stay closed', async () => {
  const first = await start();
  await first.ingester.started;
  await first.stop();
  for (let i = 0; i < 300; i += 1) await mkdir(join(first.dir, `tenant-${i}`, 'wal'), { recursive: true });
  const before = performance.now();
  const second = await first.restart();
  running.push(second);
  await second.ingester.started;
  expect(performance.now() - before).toBeLessThan(3000);
  expect(await second.metric('ingester_tenants{state="dormant"}')).toBe(300);
});

(process.env.GAUNTLET_LONG === undefined ? test.skip : test)(
  'a thousand tenants that are idle start in seconds and cost little; all of them take writes again',
  async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `tenant-${i}`);
    const first = await start();
    for (let at = 0; at < names.length; at += 50) await first.write(names.slice(at, at + 50));
    await first.stop();
    const bytesBefore = process.memoryUsage.rss();
    const before = performance.now();
    const second = await first.restart();
    running.push(second);
    await second.ingester.started;
    expect(performance.now() - before).toBeLessThan(5000);
    expect(await second.metric('ingester_tenants{state="dormant"}')).toBe(1000);
    expect(process.memoryUsage.rss() - bytesBefore).toBeLessThan(50 * MiB);
    for (let at = 0; at < names.length; at += 50) await second.write(names.slice(at, at + 50));
    expect(await second.metric('ingester_tenants{state="open"}')).toBe(1001);
  },
  120_000,
);
