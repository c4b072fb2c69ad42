import { secondMs, type Clock } from '@gauntlet/base';
import type { CallContext, GrpcServer } from '@gauntlet/rpc';

type ReadServer = Pick<GrpcServer, 'addRawUnary' | 'addRawServerStream'>;

/** Queriers give up asking for what a store has after five. */
const patienceMsMax = 3 * secondMs;

/** Registers methods whose calls wait, for a while, until an event: whoever asks in the first moments of a process hears of all tenants, not of none. */
export function readsAfter(event: Promise<void>, server: ReadServer, clock: Pick<Clock, 'sleep'>): ReadServer {
  let hasHappened = false;
  void event.then(() => (hasHappened = true));
  const wait = async ({ signal }: CallContext): Promise<void> => {
    if (hasHappened) return;
    const waited = new AbortController();
    const until = AbortSignal.any([signal, waited.signal]);
    await Promise.race([event, clock.sleep(patienceMsMax, until).catch(() => {})]);
    waited.abort();
    signal.throwIfAborted();
  };
  return {
    addRawUnary: (path, handler) =>
      server.addRawUnary(path, async (message, call) => {
        await wait(call);
        return handler(message, call);
      }),
    addRawServerStream: (path, handler) =>
      server.addRawServerStream(path, async (message, call, out) => {
        await wait(call);
        await handler(message, call, out);
      }),
  };
}
