import { secondMs, type Clock } from '@gauntlet/base';
import type { GrpcServer } from '@gauntlet/rpc';

type ReadServer = Pick<GrpcServer, 'addRawUnary' | 'addRawServerStream'>;

/** Queriers give up asking for what a store has after five. */
const patienceMsMax = 3 * secondMs;

/**
 * Makes whoever asks in the first moments of a process wait, for a while, for an event: so they hear of all tenants, not of none.
 * @returns a wait that rejects when its signal aborts
 */
export function waitsFor(event: Promise<void>, clock: Pick<Clock, 'sleep'>): (signal: AbortSignal) => Promise<void> {
  let hasHappened = false;
  void event.then(() => (hasHappened = true));
  return async (signal) => {
    if (hasHappened) return;
    const waited = new AbortController();
    const until = AbortSignal.any([signal, waited.signal]);
    await Promise.race([event, clock.sleep(patienceMsMax, until).catch(() => {})]);
    waited.abort();
    signal.throwIfAborted();
  };
}

/** Registers methods whose calls begin with such a wait. */
export function readsAfter(wait: (signal: AbortSignal) => Promise<void>, server: ReadServer): ReadServer {
  return {
    addRawUnary: (path, handler) =>
      server.addRawUnary(path, async (message, call) => {
        await wait(call.signal);
        return handler(message, call);
      }),
    addRawServerStream: (path, handler) =>
      server.addRawServerStream(path, async (message, call, out) => {
        await wait(call.signal);
        await handler(message, call, out);
      }),
  };
}
