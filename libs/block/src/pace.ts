import { type Clock, systemClock } from '@gauntlet/base';

/** How a long computation shares its thread with others. */
export interface WriteHooks {
  /** Awaited about every `sliceMs` of work: let the event loop turn (`setImmediate`). Absent: the work runs through. */
  readonly yieldNow?: () => Promise<void>;
  /** Time to work between two yields; 5 ms by default. */
  readonly sliceMs?: number;
  readonly clock?: Pick<Clock, 'monotonicMs'>;
}

const unitsBetweenClockReads = 2048;

/** Says when it is time to yield. Counts cheap units of work, so that the clock is read rarely. */
export class Pace {
  readonly #yieldNow: (() => Promise<void>) | undefined;
  readonly #sliceMs: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #units = 0;
  #sliceStartMs: number;

  constructor({ yieldNow, sliceMs = 5, clock = systemClock }: WriteHooks = {}) {
    this.#yieldNow = yieldNow;
    this.#sliceMs = sliceMs;
    this.#clock = clock;
    this.#sliceStartMs = clock.monotonicMs();
  }

  /** Counts `units` of about 50 ns each; true when the slice is used up and the caller should `await rest()`. */
  isDue(units: number): boolean {
    this.#units += units;
    if (this.#units < unitsBetweenClockReads || this.#yieldNow === undefined) return false;
    this.#units = 0;
    return this.#clock.monotonicMs() - this.#sliceStartMs >= this.#sliceMs;
  }

  async rest(): Promise<void> {
    await this.#yieldNow?.();
    this.#sliceStartMs = this.#clock.monotonicMs();
  }
}
