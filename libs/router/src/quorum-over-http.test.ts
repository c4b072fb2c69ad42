import { until } from '@gauntlet/base/testing';
import type { RunningRouter } from './index.js';
import { silentObserver, type RouterObserver } from './observer.js';
import { conflicts, FakePeers, hangs, isBroken, isDown, stores, type Behaviour } from './testing/fake-peers.js';
import { manySeries, oneSeries, post, runRouter } from './testing/run-router.js';
import { tenantRequest, tenantsRequest, writeBody } from './testing/write-request.js';

const running: RunningRouter[] = [];
async function run(...args: Parameters<typeof runRouter>): ReturnType<typeof runRouter> {
  const started = await runRouter(...args);
  running.push(started.router);
  return started;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((router) => router.stop(0)));
});

test('every series reaches as many distinct endpoints as the replication factor, each under its own replica number', async () => {
  const { url, peers } = await run();
  expect((await post(url, writeBody(manySeries), { 'THANOS-TENANT': 'team' })).status).toBe(200);
  await until(() => peers.calls.length === 9);
  for (const { instance } of manySeries) {
    const owners = peers.ownersOf(`__name__=up,instance=${instance}`);
    expect([...owners].sort()).toEqual(['a:1', 'b:1', 'c:1']);
  }
  expect(new Set(peers.calls.map(({ tenant, compressed }) => `${tenant} ${compressed}`))).toEqual(
    new Set(['team true']),
  );
});

test.each<['snappy' | 'none']>([['snappy'], ['none']])(
  'large requests, whose messages share their pieces, arrive as small ones do (%s)',
  async (compression) => {
    const { url, peers } = await run({ compression });
    const series = Array.from({ length: 1000 }, (_, i) => ({ __name__: 'up', instance: `host-${i}` }));
    expect((await post(url, writeBody(series), { 'THANOS-TENANT': 'team' })).status).toBe(200);
    await until(() => peers.calls.length === 9);
    for (const { instance } of series) expect(new Set(peers.ownersOf(`__name__=up,instance=${instance}`)).size).toBe(3);
    expect(peers.calls.reduce((sum, call) => sum + call.series.length, 0)).toBe(3000);
    expect(new Set(peers.calls.map(({ tenant, replica }) => `${tenant} ${replica}`))).toEqual(
      new Set(['team 1', 'team 2', 'team 3']),
    );
  },
);

describe.each<[name: string, a: Behaviour, b: Behaviour, c: Behaviour, status: number]>([
  ['all store', stores, stores, stores, 200],
  ['one down', isDown, stores, stores, 200],
  ['one hangs', hangs, stores, stores, 200],
  ['one broken', isBroken, stores, stores, 200],
  ['one conflict', conflicts, stores, stores, 200],
  ['two conflicts', conflicts, conflicts, stores, 409],
  ['three conflicts', conflicts, conflicts, conflicts, 409],
  ['two conflicts and one down', conflicts, conflicts, isDown, 409],
  ['two conflicts and one hangs', conflicts, conflicts, hangs, 409],
  ['one conflict and one down', conflicts, isDown, stores, 503],
  ['one conflict and two down', conflicts, isDown, isDown, 503],
  ['two down', isDown, isDown, stores, 503],
  ['two broken', isBroken, isBroken, stores, 503],
  ['all down', isDown, isDown, isDown, 503],
])('replication factor 3, %s', (_name, a, b, c, status) => {
  // Whoever is which replica of the series, the outcome is the same.
  test.each([
    [a, b, c],
    [b, c, a],
    [c, b, a],
  ])(`is ${status}`, async (...behaviours) => {
    const { url, peers } = await run();
    ['a:1', 'b:1', 'c:1'].forEach((address, i) => peers.behaviours.set(address, behaviours[i] as Behaviour));
    expect((await post(url, writeBody(manySeries))).status).toBe(status);
  });
});

test.each<[name: string, behaviour: Behaviour, status: number, text: string]>([
  ['stores', stores, 200, ''],
  [
    'conflicts',
    conflicts,
    409,
    'forwarding request to endpoint addr: a:1, capnp_addr: a:19391, az: : rpc error: code = AlreadyExists desc = a:1 has newer samples\n',
  ],
  [
    'is down',
    isDown,
    503,
    'forwarding request to endpoint addr: a:1, capnp_addr: a:19391, az: : rpc error: code = Unavailable desc = connection refused\n',
  ],
  [
    'is broken',
    isBroken,
    503,
    'forwarding request to endpoint addr: a:1, capnp_addr: a:19391, az: : rpc error: code = Internal desc = disk full\n',
  ],
])('a single endpoint that %s', async (_name, behaviour, status, text) => {
  const { url, peers } = await run({ replicationFactor: 1, hashrings: { content: '[{"endpoints":["a:1"]}]' } });
  peers.behaviours.set('a:1', behaviour);
  expect(await post(url, oneSeries)).toMatchObject({ status, text });
});

test('several reasons are counted, sorted and joined', async () => {
  const { url, peers } = await run();
  for (const address of ['a:1', 'b:1', 'c:1']) peers.behaviours.set(address, isBroken);
  const { text } = await post(url, oneSeries);
  const reason = (address: string): string =>
    `forwarding request to endpoint addr: ${address}:1, capnp_addr: ${address}:19391, az: : rpc error: code = Internal desc = disk full`;
  expect(text).toBe(`3 errors: ${['a', 'b', 'c'].map(reason).join('; ')}\n`);
});

test('a peer that is down is not called again before its pause ends, and the answer says so', async () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => new Promise<void>(() => {}) };
  const { url, peers } = await run({
    replicationFactor: 1,
    hashrings: { content: '[{"endpoints":["a:1"]}]' },
    clock,
    random: () => 0.5,
  });
  peers.behaviours.set('a:1', isDown);
  await post(url, oneSeries);
  nowMs = 99;
  expect((await post(url, oneSeries)).text).toBe(
    'backing off forward request for endpoint {{a:1 a:19391 } 0}: target not available\n',
  );
  expect(peers.calls).toHaveLength(1);
  nowMs = 100;
  await post(url, oneSeries); // Called, and down again: the pause is between 100 and 200 ms now.
  nowMs = 249;
  await post(url, oneSeries);
  expect(peers.calls).toHaveLength(2);
  nowMs = 250;
  peers.behaviours.set('a:1', stores);
  expect((await post(url, oneSeries)).status).toBe(200);
});

test('an error other than unavailable pauses nothing', async () => {
  const { url, peers } = await run({ replicationFactor: 1, hashrings: { content: '[{"endpoints":["a:1"]}]' } });
  peers.behaviours.set('a:1', isBroken);
  await post(url, oneSeries);
  await post(url, oneSeries);
  expect(peers.calls).toHaveLength(2);
});

test('a peer that hangs delays nobody, also when its workers and queue are taken', async () => {
  const { url, peers } = await run({ workersPerPeer: 1 });
  peers.behaviours.set('b:1', hangs);
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(url, oneSeries)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
});

test('after success the missing copies are still sent', async () => {
  const { url, peers } = await run();
  let release = (): void => {};
  let aborted = false;
  peers.behaviours.set('c:1', (_call, { signal }) => {
    signal.addEventListener('abort', () => (aborted = true));
    return new Promise((resolve) => (release = () => resolve([])));
  });
  expect((await post(url, oneSeries)).status).toBe(200);
  await until(() => peers.calls.some(({ address }) => address === 'c:1'));
  expect(aborted).toBe(false);
  release();
});

test('a quorum that is not reached in time is 503, and what is under way is cancelled', async () => {
  const { url, peers } = await run({ forwardTimeoutMs: 20 });
  let cancelled = 0;
  const hangsAndCounts: Behaviour = (call, options) => {
    options.signal.addEventListener('abort', () => (cancelled += 1));
    return hangs(call, options);
  };
  for (const address of ['a:1', 'b:1']) peers.behaviours.set(address, hangsAndCounts);
  expect(await post(url, oneSeries)).toMatchObject({ status: 503, text: 'context deadline exceeded\n' });
  expect(cancelled).toBe(2);
});

test('calls are counted by result; conflicts and skipped calls are not', async () => {
  const counts = { forwarded: [] as string[], replicated: [] as string[], written: [] as unknown[] };
  const observer: RouterObserver = {
    ...silentObserver,
    forwarded: (result) => counts.forwarded.push(result),
    replicated: (result) => counts.replicated.push(result),
    written: (write) => counts.written.push(write),
  };
  const { url, peers } = await run({
    observer,
    replicationFactor: 1,
    hashrings: { content: '[{"endpoints":["a:1"]}]' },
  });
  for (const behaviour of [stores, conflicts, isBroken, isDown, stores]) {
    peers.behaviours.set('a:1', behaviour);
    await post(url, writeBody(manySeries), { 'THANOS-TENANT': 'team' });
  }
  expect(counts.forwarded).toEqual(['success', 'error', 'error']); // The last one met the pause.
  expect(counts.replicated).toEqual(counts.forwarded);
  expect(counts.written).toEqual(
    [200, 409, 503, 503, 503].map((status) => ({ tenant: 'team', status, series: 60, samples: 60 })),
  );
});

describe('writes over gRPC', () => {
  test('each tenant of a message gets its own calls', async () => {
    const { router, peers } = await run();
    await router.handleRemoteWrite(tenantsRequest({ one: [{ a: '1' }], two: [{ a: '1' }, { a: '2' }] }), 'identity');
    await until(() => new Set(peers.calls.map(({ tenant, address }) => tenant + address)).size === 6);
    expect(new Set(peers.calls.filter(({ tenant }) => tenant === 'two').flatMap(({ series }) => series))).toEqual(
      new Set(['a=1', 'a=2']),
    );
  });

  test('the form with one tenant is routed too', async () => {
    const { router, peers } = await run();
    await router.handleRemoteWrite(tenantRequest('one', [{ a: '1' }]), 'identity');
    expect(peers.calls[0]).toMatchObject({ tenant: 'one', series: ['a=1'] });
  });

  test('an empty message is stored at once', async () => {
    const { router, peers } = await run();
    await router.handleRemoteWrite(new Uint8Array(), 'identity');
    expect(peers.calls).toEqual([]);
  });

  test.each(['', '..', 'a/b', 'lost+found'])('the tenant %j is refused, and nothing is sent', async (tenant) => {
    const { router, peers } = await run();
    const message = tenantsRequest({ good: [{ a: '1' }], [tenant]: [{ a: '1' }] });
    await expect(router.handleRemoteWrite(message, 'identity')).rejects.toMatchObject({
      kind: 'rejected',
      code: 'TENANT_NAME_INVALID',
    });
    expect(peers.calls).toEqual([]);
  });

  test('a tenant in no hashring fails the message before anything is sent', async () => {
    const { router, peers } = await run({
      hashrings: { content: '[{"tenants":["one"],"endpoints":["a:1","b:1","c:1"]}]' },
    });
    const message = tenantsRequest({ one: [{ a: '1' }], two: [{ a: '1' }] });
    await expect(router.handleRemoteWrite(message, 'identity')).rejects.toMatchObject({
      code: 'NO_MATCHING_HASHRING',
      grpcCode: 13,
    });
    expect(peers.calls).toEqual([]);
  });

  test.each<[Behaviour, string, string]>([
    [conflicts, 'conflict', 'WRITE_CONFLICT'],
    [isDown, 'unavailable', 'WRITE_UNAVAILABLE'],
  ])('a missed quorum has the kind of the answer over HTTP', async (behaviour, kind, code) => {
    const peers = new FakePeers();
    for (const address of ['a:1', 'b:1']) peers.behaviours.set(address, behaviour);
    const { router } = await run({}, peers);
    await expect(router.handleRemoteWrite(tenantRequest('one', [{ a: '1' }]), 'identity')).rejects.toMatchObject({
      kind,
      code,
    });
  });

  test('bytes that are no message are unreadable', async () => {
    const { router } = await run();
    await expect(router.handleRemoteWrite(Buffer.from([0xff]), 'identity')).rejects.toMatchObject({
      code: 'RPC_MESSAGE_UNREADABLE',
    });
    await expect(router.handleRemoteWrite(Buffer.from('no snappy'), 'snappy-framed')).rejects.toMatchObject({
      code: 'RPC_MESSAGE_UNREADABLE',
    });
  });
});
