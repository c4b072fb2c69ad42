import { systemClock } from '@gauntlet/base';
import { formatHostPort, listenError, ListenError } from '@gauntlet/telemetry';
import { createWriteListener, writeListenerDefaults, type WriteListenerOptions } from './write-listener.js';

export interface ServeWritesOptions extends WriteListenerOptions {
  /** Port 0 takes a free one; no host, or an empty one, means every interface. */
  readonly listen: { readonly host?: string; readonly port: number };
}

export interface WriteServer {
  readonly address: { readonly host: string; readonly port: number };
  /**
   * Takes no more connections, serves those that are there until they have been told to end, then admits nothing more, and waits for what is under way. What the
   * grace period does not suffice for is broken off.
   * @param afterDrained called once nothing is under way any more; the grace period bounds it too
   */
  stop(graceMs: number, afterDrained?: () => Promise<void>): Promise<void>;
}

/** A listener for writes from its first connection to its last. Rejects with ListenError. */
export async function serveWrites({ listen, ...options }: ServeWritesOptions): Promise<WriteServer> {
  const { admission, clock = systemClock } = options;
  const { host = '', port } = listen;
  const listener = createWriteListener(options);
  const bound = await listener.listen(port, host === '' ? undefined : host).catch((error: unknown) => {
    const { message } = listenError({ host, port, text: formatHostPort(host, port) }, error);
    throw new ListenError('LISTEN_FAILED', `error starting web server: ${message}`, { cause: error });
  });
  return {
    address: { host: bound.address, port: bound.port },
    async stop(graceMs, afterDrained = () => Promise.resolve()) {
      const isOver = new AbortController();
      const pause = (ms: number): Promise<void> => clock.sleep(ms, isOver.signal).catch(() => undefined);
      const lingerMs = Math.min(writeListenerDefaults.lingerMs, graceMs);
      const closed = listener.stopListening(lingerMs);
      // Not at all is no pause, whatever the clock.
      const finished = Promise.race([closed, lingerMs > 0 ? pause(lingerMs) : undefined])
        .then(() => admission.drain())
        .then(afterDrained);
      await Promise.race([finished, pause(graceMs)]);
      isOver.abort('over');
      listener.closeAllConnections();
      await closed;
    },
  };
}
