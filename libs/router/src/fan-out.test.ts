import type { RunningRouter } from './index.js';
import { FakePeers, type Behaviour } from './testing/fake-peers.js';
import { oneSeries, post, runRouter } from './testing/run-router.js';

let router: RunningRouter | undefined;
afterEach(() => router?.stop(0));

test('however many calls listen for the end of a request, Node takes them for no leak', async () => {
  const bounds: unknown[] = [];
  const listens: Behaviour = (_call, { signal }) => {
    // What `getMaxListeners` reads, which knows no signal of the realm that tests run in.
    const bound = Object.getOwnPropertySymbols(signal).find((key) =>
      key.description?.includes('maxEventTargetListeners'),
    );
    bounds.push(bound && Reflect.get(signal, bound));
    return Promise.resolve([]);
  };
  const peers = new FakePeers();
  for (const address of ['a:1', 'b:1', 'c:1']) peers.behaviours.set(address, listens);
  const started = await runRouter({}, peers);
  router = started.router;
  expect(await post(started.url, oneSeries)).toMatchObject({ status: 200, text: '' });
  expect(new Set(bounds)).toEqual(new Set([0])); // None.
});
