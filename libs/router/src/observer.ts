import type { Hashrings } from '@gauntlet/ring';
import { silentWriteObserver, type WriteObserver } from '@gauntlet/write-http';

/**
 * What the router tells whoever keeps its metrics. Calls are synchronous and on the hot path: add to plain numbers.
 * The comments name the metrics that dashboards know.
 */
export interface RouterObserver extends WriteObserver {
  /** `thanos_receive_forward_requests_total`: a call to a peer ended. Conflicts and skipped calls count as neither. */
  forwarded(result: 'success' | 'error'): void;
  /** `thanos_receive_replications_total`; rises with the one above. */
  replicated(result: 'success' | 'error'): void;
  /** `thanos_receive_forward_delay_seconds`: how long a call waited for a worker of its peer. */
  forwardDelayed(peer: string, seconds: number): void;
  /** `thanos_receive_pending_write_requests`: gRPC writes, +1 on entry and -1 on return. */
  pendingWrites(change: 1 | -1): void;
  /** `thanos_receive_hashrings_file_refreshes_total`: a read was attempted. */
  hashringFileRead(): void;
  /** `thanos_receive_hashrings_file_errors_total` +1, `thanos_receive_config_last_reload_successful` 0. */
  hashringFileFailed(): void;
  /** `thanos_receive_config_last_reload_successful` 1 and `..._success_timestamp_seconds`. */
  hashringFileLoaded(at: { readonly nowMs: number }): void;
  /**
   * `thanos_receive_hashrings_file_changes_total` +1, `thanos_receive_config_hash`, `thanos_receive_hashring_nodes` and
   * `_tenants`, and the shuffle caches. Names that are not there any more are gone. `configHash` is undefined for content given by flag.
   */
  hashringsChanged(change: { readonly configHash: number | undefined; readonly hashrings: Hashrings }): void;
}

const ignore = (): void => {};

export const silentObserver: RouterObserver = {
  ...silentWriteObserver,
  forwarded: ignore,
  replicated: ignore,
  forwardDelayed: ignore,
  pendingWrites: ignore,
  hashringFileRead: ignore,
  hashringFileFailed: ignore,
  hashringFileLoaded: ignore,
  hashringsChanged: ignore,
};
