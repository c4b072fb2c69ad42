/** Work in steps: it can be left after any of them and gone on with later. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Keeps work from holding the event loop. */
export interface Pace {
  /** Whether this turn has been worked in for long enough. */
  readonly isDue: boolean;
  /** Resolves in another turn. Rejects once the work is not wanted any more. */
  rest(): Promise<void>;
}

/** So much of a body is read between two looks at the clock: well below 0.1 ms. */
export const strideBytes = 1024;

export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Rejects with what a step throws, or with what the pace ends the work for. */
export async function finishInSlices<Result>(steps: Steps<Result>, pace: Pace): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (pace.isDue) await pace.rest();
  }
}
