import { silentObserver } from './observer.js';
import { activeBytesMax, Peer, queuedBytesMax, queuedCallsMax, type CallResult, type ForwardCall } from './peer.js';

const clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: () => new Promise<void>(() => {}) };
const endpoint = { address: 'a:1', capnprotoAddress: 'a:19391', zone: '' };

function hangingPeer(
  workers: number,
  reconnected: Promise<boolean> = Promise.resolve(false),
): {
  peer: Peer;
  answer: (error?: Error) => void;
  calls: Buffer[];
  closed: () => boolean;
} {
  const waiting: ((error?: Error) => void)[] = [];
  const calls: Buffer[] = [];
  let closed = false;
  const peer = new Peer(
    'a:1',
    {
      remoteWrite: (message) => {
        calls.push(message);
        return new Promise((resolve, reject) => waiting.push((error) => (error ? reject(error) : resolve([]))));
      },
      reconnected: () => reconnected,
      close: () => (closed = true),
    },
    { workers, compressed: true, backoffMsMax: 5000, clock, random: () => 0, observer: silentObserver },
  );
  return { peer, answer: (error) => waiting.shift()?.(error), calls, closed: () => closed };
}

function submit(
  peer: Peer,
  { message = Buffer.alloc(1), signal = new AbortController().signal }: Partial<ForwardCall> = {},
): Promise<CallResult> {
  return new Promise((done) => peer.submit({ endpoint, replica: 0, message, deadlineMs: 5000, signal, done }));
}

test('as many calls run at a time as there are workers, in the order of their submission', async () => {
  const { peer, answer, calls } = hangingPeer(2);
  const messages = [1, 2, 3].map((n) => Buffer.from([n]));
  const results = messages.map((message) => submit(peer, { message }));
  expect(calls).toEqual(messages.slice(0, 2));
  answer();
  expect(await results[0]).toEqual({ kind: 'stored', rejections: [] });
  await new Promise(setImmediate);
  expect(calls).toEqual(messages);
});

test('a call that finds the queue full fails at once', async () => {
  const { peer } = hangingPeer(1);
  const full = { kind: 'outage', reason: 'scheduling forward request for endpoint {{a:1 a:19391 } 0}: queue is full' };
  for (let i = 0; i <= queuedCallsMax; i += 1) void submit(peer);
  expect(await submit(peer)).toEqual(full);
});

test('the bytes in the queue are bounded too', async () => {
  const { peer, calls } = hangingPeer(1);
  const half = Buffer.alloc(queuedBytesMax / 2);
  for (let i = 0; i < 3; i += 1) void submit(peer, { message: half }); // One runs, two wait.
  expect(await submit(peer)).toMatchObject({ kind: 'outage' });
  expect(calls).toHaveLength(1);
});

test('a message longer than the queue may hold is sent all the same when nothing waits', () => {
  const { peer, calls } = hangingPeer(1);
  void submit(peer, { message: Buffer.alloc(queuedBytesMax + 1) });
  expect(calls).toHaveLength(1);
});

test('long messages go one at a time, whatever the workers', async () => {
  const { peer, answer, calls } = hangingPeer(3);
  const message = Buffer.alloc(activeBytesMax / 2 + 1);
  void submit(peer, { message });
  void submit(peer, { message });
  const short = submit(peer); // Keeps its place behind the others.
  expect(calls).toHaveLength(1);
  answer();
  await new Promise(setImmediate);
  expect(calls).toHaveLength(3);
  answer();
  answer();
  expect(await short).toMatchObject({ kind: 'stored' });
});

test('a call that was given up while it waited is not made', async () => {
  const { peer, answer, calls } = hangingPeer(1);
  const given = new AbortController();
  void submit(peer);
  const result = submit(peer, { signal: given.signal });
  given.abort(new Error('too late'));
  answer();
  expect(await result).toEqual({
    kind: 'outage',
    reason: 'scheduling forward request for endpoint {{a:1 a:19391 } 0}: too late',
  });
  expect(calls).toHaveLength(1);
});

test('calls that wait when the peer turns out to be down are not made', async () => {
  const { peer, answer, calls } = hangingPeer(1);
  const results = [submit(peer), submit(peer)];
  answer(Object.assign(new Error('down'), { grpcCode: 14 }));
  expect((await Promise.all(results)).map(({ kind }) => kind)).toEqual(['outage', 'outage']);
  expect(calls).toHaveLength(1);
  peer.clearBackoff();
  void submit(peer);
  expect(calls).toHaveLength(2);
});

test('a peer whose connection is there again is called before its pause is over', async () => {
  let reconnect = (): void => {};
  const { peer, answer, calls } = hangingPeer(1, new Promise((resolve) => (reconnect = () => resolve(true))));
  const first = submit(peer);
  answer(Object.assign(new Error('down'), { grpcCode: 14 }));
  await first;
  expect(await submit(peer)).toMatchObject({ kind: 'outage' });
  expect(calls).toHaveLength(1);
  reconnect();
  await new Promise(setImmediate);
  void submit(peer);
  expect(calls).toHaveLength(2);
});

test('a peer that is let go closes after its last call', async () => {
  const { peer, answer, closed } = hangingPeer(1);
  const results = [submit(peer), submit(peer)];
  const idle = peer.closeWhenIdle();
  answer();
  await results[0];
  await new Promise(setImmediate);
  expect(closed()).toBe(false);
  answer();
  await Promise.all([...results, idle]);
  expect(closed()).toBe(true);
});
