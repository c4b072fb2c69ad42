import { withArtificialDelay } from './artificial-delay.js';
import { FakePeers } from './testing/fake-peers.js';
import { tenantRequest } from './testing/write-request.js';

const options = { compressed: false, deadlineMs: 1000, signal: new AbortController().signal };
const message = tenantRequest('team', [{ __name__: 'up' }]);

test('calls to the second peer wait, and no others', async () => {
  const slept: number[] = [];
  const clock = { sleep: (ms: number) => (slept.push(ms), Promise.resolve()) };
  const transport = withArtificialDelay(new FakePeers(), { msMax: 200, clock, random: () => 0.5 });
  const peers = ['a:1', 'b:1', 'c:1'].map((address) => transport.connect(address));
  for (const peer of peers) await peer.remoteWrite(message, options);
  expect(slept).toEqual([100]);
});

test('without a delay the transport is what it was', () => {
  const transport = new FakePeers();
  const clock = { sleep: () => Promise.resolve() };
  expect(withArtificialDelay(transport, { msMax: 0, clock, random: Math.random })).toBe(transport);
});
