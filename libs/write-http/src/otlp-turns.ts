import { systemClock, type Clock } from '@gauntlet/base';
import type { Pace } from '@gauntlet/otlp';

/** The longest piece of translating between two turns of the event loop, but for single steps that take longer. */
const sliceMsMax = 2;

/** Hands out turns of the event loop, each to one only: however many translations there are, a turn has one slice of one of them. */
export class SharedTurns {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #nextTurn: () => Promise<void>;
  #last: Promise<void> = Promise.resolve();

  /** @param nextTurn resolves in another turn of the event loop */
  constructor(clock: Pick<Clock, 'monotonicMs'> = systemClock, nextTurn = immediate) {
    this.#clock = clock;
    this.#nextTurn = nextTurn;
  }

  /** For one translation, which begins now. It rests no more, but ends, once the signal is aborted. */
  pace(signal: AbortSignal): Pace {
    const clock = this.#clock;
    let untilMs = clock.monotonicMs() + sliceMsMax;
    return {
      get isDue() {
        return clock.monotonicMs() >= untilMs;
      },
      rest: async () => {
        signal.throwIfAborted();
        await (this.#last = this.#last.then(this.#nextTurn));
        signal.throwIfAborted();
        untilMs = clock.monotonicMs() + sliceMsMax;
      },
    };
  }
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
