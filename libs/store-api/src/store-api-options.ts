import type { Clock, Log } from '@gauntlet/base';
import type { CallContext, FrameCodec } from '@gauntlet/rpc';
import { createPace, type Pace } from '@gauntlet/select';

/** `--store.limits.*`: what one call for series may give; 0 for no limit. */
export interface SelectLimits {
  readonly seriesMax: number;
  /** Each chunk counts as 120, whatever it holds. */
  readonly samplesMax: number;
}

export interface StoreApiOptions {
  readonly limits: SelectLimits;
  /** For requests that come compressed. */
  readonly codec: FrameCodec;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Log;
  /** Told of each call for series that a limit has ended, for `thanos_store_selects_dropped_total`. */
  readonly onSelectDropped?: (reason: keyof SelectLimits) => void;
}

/** The pace of a call: it ends with the caller's interest. */
export function paceOf({ clock }: Pick<StoreApiOptions, 'clock'>, { signal }: Pick<CallContext, 'signal'>): Pace {
  return createPace(clock, nextTurn, signal);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
