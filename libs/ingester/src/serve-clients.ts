import type { Clock, Log } from '@gauntlet/base';
import type { Intake } from '@gauntlet/kernel';
import { formatHostPort, listenError, ListenError, parseListenAddress, type MetricRegistry } from '@gauntlet/telemetry';
import {
  Admission,
  createWriteListener,
  writeListenerDefaults,
  writeMetrics,
  type OpenedWrites,
  type StatusHandler,
  type WriteTarget,
} from '@gauntlet/write-http';

export interface ClientListenerOptions {
  /** `host:port`, as `--remote-write.address` has it. */
  readonly address: string;
  readonly target: WriteTarget;
  /** The one that the target's writes are scanned with. */
  readonly intake: Intake;
  readonly settings: OpenedWrites['settings'];
  readonly status: StatusHandler;
  readonly registry: MetricRegistry;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ClientListener {
  readonly port: number;
  /** Takes no more requests, waits for those under way as long as the grace period, and breaks off what is left. */
  stop(graceMs: number): Promise<void>;
}

/** The ingester's own remote write, for clients that write to it without a router. Rejects with ListenError. */
export async function serveClients(options: ClientListenerOptions): Promise<ClientListener> {
  const { address, settings, target, intake, status, registry, clock, log } = options;
  const admission = new Admission(writeListenerDefaults);
  const listener = createWriteListener({
    ...settings,
    target,
    intake,
    admission,
    status,
    clock,
    log,
    observer: writeMetrics(registry),
  });
  const { host, port } = parseListenAddress(address);
  const bound = await listener.listen(port, host === '' ? undefined : host).catch((error: unknown) => {
    const { message } = listenError({ host, port, text: formatHostPort(host, port) }, error);
    throw new ListenError('LISTEN_FAILED', `error starting web server: ${message}`, { cause: error });
  });
  return {
    port: bound.port,
    async stop(graceMs) {
      const lingerMs = Math.min(writeListenerDefaults.lingerMs, graceMs);
      const closed = listener.stopListening(lingerMs);
      const grace = new AbortController();
      const finished = Promise.race([closed, clock.sleep(lingerMs)]).then(() => admission.drain());
      await Promise.race([finished, clock.sleep(graceMs, grace.signal).catch(() => undefined)]);
      grace.abort('drained');
      listener.closeAllConnections();
      await closed;
    },
  };
}
