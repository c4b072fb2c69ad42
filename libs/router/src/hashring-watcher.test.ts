import { mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@gauntlet/base/testing';
import type { HashringFile } from './hashring-file.js';
import { configHash } from './hashring-watcher.js';
import type { RunningRouter } from './index.js';
import { silentObserver, type RouterObserver } from './observer.js';
import { FakePeers, hangs } from './testing/fake-peers.js';
import { oneSeries, post, runRouter } from './testing/run-router.js';

const running: RunningRouter[] = [];
async function run(...args: Parameters<typeof runRouter>): ReturnType<typeof runRouter> {
  const started = await runRouter(...args);
  running.push(started.router);
  return started;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((router) => router.stop(0)));
});

const ringOf = (...endpoints: string[]): string => JSON.stringify([{ hashring: 'h', endpoints }]);

/** A file in memory that says when it changes. */
class MemoryFile implements HashringFile {
  readonly path = '/etc/hashrings.json';
  content: string | Error;
  reads = 0;
  #onChange = (): void => {};

  constructor(content: string | Error) {
    this.content = content;
  }

  read(): Promise<Uint8Array> {
    this.reads += 1;
    return this.content instanceof Error ? Promise.reject(this.content) : Promise.resolve(Buffer.from(this.content));
  }

  watch(onChange: () => void): { close(): void } {
    this.#onChange = onChange;
    return { close: () => (this.#onChange = () => {}) };
  }

  set(content: string | Error): void {
    this.content = content;
    this.#onChange();
  }
}

class Events {
  readonly seen: string[] = [];
  readonly observer: RouterObserver = {
    ...silentObserver,
    hashringFileRead: () => this.seen.push('read'),
    hashringFileFailed: () => this.seen.push('failed'),
    hashringFileLoaded: () => this.seen.push('loaded'),
    hashringsChanged: ({ configHash: hash, hashrings: { rings, tenantCounts } }) =>
      this.seen.push(
        `changed ${hash} ${JSON.stringify(rings.map(({ name, endpoints }, i) => ({ name, nodes: endpoints.length, tenants: tenantCounts[i] })))}`,
      ),
  };
}

test('the hash of a file is the recorded one', () => {
  expect(configHash(Buffer.from('[{"endpoints":["127.0.0.1:10907"]}]'))).toBe(168177115793785);
});

test('a changed file is applied at once, and peers that are gone are closed', async () => {
  const file = new MemoryFile(ringOf('a:1', 'b:1'));
  const events = new Events();
  const { peers } = await run({
    hashrings: { file, refreshIntervalMs: 60_000 },
    replicationFactor: 1,
    observer: events.observer,
  });
  expect([...peers.open]).toEqual(['a:1', 'b:1']);
  file.set(ringOf('b:1', 'c:1'));
  await until(() => peers.open.has('c:1'));
  expect([...peers.open]).toEqual(['b:1', 'c:1']);
  await until(() => events.seen.length === 6);
  const changed = (content: string): string =>
    `changed ${configHash(Buffer.from(content))} [{"name":"h","nodes":2,"tenants":0}]`;
  expect(events.seen).toEqual([
    'read',
    changed(ringOf('a:1', 'b:1')),
    'loaded',
    'read',
    changed(ringOf('b:1', 'c:1')),
    'loaded',
  ]);
});

test.each<[what: string, content: string | Error]>([
  ['cannot be read', Object.assign(new Error('gone'), { code: 'ENOENT' })],
  ['is no JSON', '[{'],
  ['is empty', '[]'],
  ['has too few endpoints', ringOf()],
  ['asks for zones of hashmod', '[{"algorithm":"hashmod","endpoints":[{"address":"a:1","az":"z"}]}]'],
  ['has zones that cannot hold the replicas', '[{"endpoints":[{"address":"a","az":"x"}]}]'],
])('a file that %s keeps the hashrings in use, is counted, and is logged once', async (_what, content) => {
  const file = new MemoryFile(ringOf('a:1', 'b:1'));
  const events = new Events();
  const errors: string[] = [];
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: (message: string) => errors.push(message) };
  const { url, peers } = await run({
    hashrings: { file, refreshIntervalMs: 60_000 },
    replicationFactor: 2,
    observer: events.observer,
    log,
  });
  for (const count of [1, 2]) {
    file.set(content);
    await until(() => events.seen.filter((event) => event === 'failed').length === count);
  }
  expect((await post(url, oneSeries)).status).toBe(200);
  expect([...peers.open]).toEqual(['a:1', 'b:1']);
  expect(errors).toEqual(['hashring file is not usable, the last one stays in use']);
  // Back as it was: nothing to apply, but the last load was a success again.
  file.set(ringOf('a:1', 'b:1'));
  await until(() => events.seen.at(-1) === 'loaded');
  expect(events.seen.filter((event) => event.startsWith('changed'))).toHaveLength(1);
});

test.each<[what: string, content: string | Error, text: string]>([
  [
    'missing file',
    Object.assign(new Error('gone'), { code: 'ENOENT' }),
    'failed to initialize config watcher: adding path /etc/hashrings.json to file watcher: no such file or directory',
  ],
  [
    'empty list',
    '[]',
    'failed to validate hashring configuration file: failed to load configuration file, path: /etc/hashrings.json: configuration file is empty',
  ],
  [
    'endpoint without address',
    '[{"endpoints":[{"az":"z"}]}]',
    'failed to validate hashring configuration file: failed to parse configuration file: endpoint address must be set: configuration file is not parsable',
  ],
  [
    'too few endpoints',
    ringOf('a:1'),
    'unable to create new hashring from config: ketama: amount of endpoints needs to be larger than replication factor',
  ],
])('%s: the router does not start', async (_what, content, text) => {
  await expect(run({ hashrings: { file: new MemoryFile(content), refreshIntervalMs: 60_000 } })).rejects.toThrow(text);
});

test.each<[content: string, text: string]>([
  ['[{', 'failed to validate hashring configuration content: '],
  ['[]', 'failed to validate hashring configuration content: configuration is empty'],
  [
    '[{"endpoints":[{"address":"a:1","az":"z"}],"algorithm":"hashmod"}]',
    'unable to create new hashring from config: Hashmod algorithm does not support AZ',
  ],
])('hashrings %s as content: the router does not start', async (content, text) => {
  await expect(run({ hashrings: { content } })).rejects.toThrow(text);
});

test('until the first hashring is applied, writes are answered with 503 and the router is not ready', async () => {
  let read = (): void => {};
  const file = new MemoryFile(ringOf('a:1'));
  file.read = () => new Promise((resolve) => (read = () => resolve(Buffer.from(ringOf('a:1')))));
  const port = 20_000 + (process.pid % 10_000);
  const starting = run({
    listen: { host: '127.0.0.1', port },
    hashrings: { file, refreshIntervalMs: 60_000 },
    replicationFactor: 1,
  });
  const url = `http://127.0.0.1:${port}/api/v1/receive`;
  let answer;
  while (!answer) answer = await post(url, oneSeries).catch(() => undefined);
  expect(answer).toMatchObject({ status: 503, text: 'Service Unavailable' });
  read();
  const { router } = await starting;
  expect(router.ready()).toBe(true);
  expect((await post(url, oneSeries)).status).toBe(200);
});

test('without any event the file is read again after the refresh interval', async () => {
  const file = new MemoryFile(ringOf('a:1'));
  const { peers } = await run({ hashrings: { file, refreshIntervalMs: 5 }, replicationFactor: 1 });
  file.content = ringOf('b:1');
  await until(() => peers.open.has('b:1'));
});

test('reloading under load fails no write, and a peer that is gone finishes its calls', async () => {
  const file = new MemoryFile(ringOf('a:1', 'b:1', 'c:1'));
  const { url, peers } = await run({ hashrings: { file, refreshIntervalMs: 60_000 } });
  peers.behaviours.set('a:1', hangs); // So that its calls are under way when it leaves.
  const rings = [ringOf('b:1', 'c:1', 'd:1'), ringOf('a:1', 'b:1', 'c:1')];
  const statuses: number[] = [];
  for (let i = 0; i < 40; i += 1) {
    const answers = [post(url, oneSeries), post(url, oneSeries)];
    file.set(rings[i % 2] as string);
    for (const { status } of await Promise.all(answers)) statuses.push(status);
  }
  expect(statuses).toEqual(statuses.map(() => 200));
});

describe('on a real file system', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'hashrings-'))));
  afterEach(() => rm(directory, { recursive: true }));

  test('a file that is replaced is seen', async () => {
    const path = join(directory, 'hashrings.json');
    await writeFile(path, ringOf('a:1'));
    const { peers } = await run({ hashrings: { file: path, refreshIntervalMs: 60_000 }, replicationFactor: 1 });
    await writeFile(`${path}.new`, ringOf('b:1'));
    await rename(`${path}.new`, path);
    await until(() => peers.open.has('b:1'));
  });

  test('a link that is swapped as Kubernetes does it is seen', async () => {
    await writeFile(join(directory, 'one'), ringOf('a:1'));
    await writeFile(join(directory, 'two'), ringOf('b:1'));
    await symlink('one', join(directory, '..data'));
    await symlink('..data', join(directory, 'hashrings.json'));
    const { peers } = await run({
      hashrings: { file: join(directory, 'hashrings.json'), refreshIntervalMs: 60_000 },
      replicationFactor: 1,
    });
    await symlink('two', join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    await until(() => peers.open.has('b:1'));
    await unlink(join(directory, 'hashrings.json'));
  });

  test('a path in no directory is reported as such', async () => {
    const path = join(directory, 'none/hashrings.json');
    await expect(run({ hashrings: { file: path, refreshIntervalMs: 60_000 } })).rejects.toThrow(
      `adding path ${path} to file watcher: no such file or directory`,
    );
  });
});

test('two routers do not share peers', async () => {
  const [one, two] = [await run({}, new FakePeers()), await run({}, new FakePeers())];
  await post(one.url, oneSeries);
  expect(two.peers.calls).toEqual([]);
});
