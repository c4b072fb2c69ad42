import type { ScannedBatch } from '@gauntlet/kernel';

/** Where the writes of a listener go: over the ring to ingesters, or into the databases of this process. */
export interface WriteTarget {
  /** Whether writes can be taken now; if not, they are answered 503 before anything of them is read. */
  readonly ready: boolean;
  /**
   * Stores a request that has at least one series. Does not reject for what a client did wrong or a peer failed to do: the outcome says so.
   * Rejects with OperationalError where a request cannot be distributed at all (no hashring for a tenant, say); such an error may carry
   * `httpStatus`, where the status of its kind is not the right one.
   */
  write(source: WriteSource): Promise<WriteOutcome>;
}

/** A request body that has been checked, and that can be taken apart until it is released. */
export interface WriteSource {
  /** Whether the client hears of exemplars whose series is not known: senders of remote write 1.0 never did. */
  readonly tellsLostExemplars: boolean;
  /**
   * Takes the request apart. Views hold until the next call of the same intake: use them before the first `await`, and scan again after it.
   * Each group of the batch names its tenant, which is valid. Rows whose `verdict` is not `ok` belong to the request and are for the target to refuse.
   *
   * The first call costs nothing if it is made before `write` waits for anything or uses the intake otherwise: the listener has just scanned.
   */
  scan(): ScannedBatch;
  /** Gives the body back early. No `scan` afterwards. The listener does it in any case once the write is answered. */
  release(): void;
}

/** Numbers of items, as the `X-Prometheus-Remote-Write-*-Written` headers count them. */
export interface ItemCounts {
  /** Float samples. */
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
}

export const noItems: ItemCounts = { samples: 0, histograms: 0, exemplars: 0 };

export interface WriteOutcome {
  /**
   * `conflict`: part of it can never be stored; what could be, was. `limited`: a limit of the tenant refused part of it, and nothing worse happened.
   * `unavailable`: part of it may be stored when it is repeated.
   */
  readonly verdict: 'stored' | 'conflict' | 'limited' | 'unavailable';
  /** For the client: tenant, series and reason of the first offenders, and how many more there are. Empty when all was stored. */
  readonly text: string;
  /** What a quorum has. */
  readonly written: ItemCounts;
  /** What the request held, by tenant: what `thanos_receive_write_timeseries` and `_samples` observe. */
  readonly tenants: readonly { readonly tenant: string; readonly series: number; readonly samples: number }[];
}
