import type { Clock } from '@gauntlet/base';
import type { PeerTransport } from './peer-transport.js';

/**
 * `--receive.artificial-max-delay`, for tests of slow replicas: each call to the peer that is connected second waits up to so long first.
 * @param random uniform in [0, 1)
 */
export function withArtificialDelay(
  transport: PeerTransport,
  {
    msMax,
    clock,
    random,
  }: { readonly msMax: number; readonly clock: Pick<Clock, 'sleep'>; readonly random: () => number },
): PeerTransport {
  if (msMax <= 0) return transport;
  let connected = 0;
  return {
    connect(address) {
      const connection = transport.connect(address);
      connected += 1;
      if (connected !== 2) return connection;
      return {
        ...connection,
        async remoteWrite(message, options) {
          // A call that is given up meanwhile ends as such.
          await clock.sleep(random() * msMax, options.signal).catch(() => {});
          return connection.remoteWrite(message, options);
        },
      };
    },
  };
}
