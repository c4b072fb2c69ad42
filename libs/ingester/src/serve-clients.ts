import type { Clock, Log } from '@gauntlet/base';
import type { Intake } from '@gauntlet/kernel';
import { parseListenAddress, type MetricRegistry } from '@gauntlet/telemetry';
import {
  Admission,
  serveWrites,
  writeListenerDefaults,
  writeMetrics,
  type OpenedWrites,
  type StatusHandler,
  type WriteServer,
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

/** The ingester's own remote write, for clients that write to it without a router. Rejects with ListenError. */
export async function serveClients({
  address,
  settings,
  registry,
  ...options
}: ClientListenerOptions): Promise<WriteServer> {
  return serveWrites({
    ...settings,
    ...options,
    listen: parseListenAddress(address),
    // A bound of its own beside that of routers' messages: clients, who may be many, cannot crowd out the routers, nor those them.
    admission: new Admission(writeListenerDefaults),
    observer: writeMetrics(registry),
  });
}
