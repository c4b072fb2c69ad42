import type { Clock } from '@gauntlet/base';

/** The longest piece of reading between two turns of the event loop, in milliseconds: a write that waits for it is late by so much. */
const sliceMsMax = 1;

/**
 * Keeps one call from holding the event loop: `if (pace.isDue) await pace.rest()` in every loop over series. A loop of cheap steps asks every few hundred.
 */
export interface Pace {
  /** Whether this turn has been worked in for long enough. */
  readonly isDue: boolean;
  /**
   * Lets everything else have its turn.
   * @throws the reason of the call's signal, once it has been cancelled
   */
  rest(): Promise<void>;
}

/**
 * @param nextTurn resolves in another turn of the event loop: `setImmediate`
 */
export function createPace(
  clock: Pick<Clock, 'monotonicMs'>,
  nextTurn: () => Promise<void>,
  signal?: AbortSignal,
): Pace {
  let untilMs = clock.monotonicMs() + sliceMsMax;
  return {
    get isDue() {
      return clock.monotonicMs() >= untilMs;
    },
    async rest() {
      signal?.throwIfAborted();
      await nextTurn();
      signal?.throwIfAborted();
      untilMs = clock.monotonicMs() + sliceMsMax;
    },
  };
}
