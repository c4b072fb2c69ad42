/** The longest piece of work between two turns of the event loop, in milliseconds: what a cut may cost a write's latency. */
export const sliceMs = 2;

/** Lets everything else that waits have its turn. */
export const yieldNow = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Repeats a step that does a bounded piece of work and says whether more is to do. */
export async function inSlices(step: (budgetMs: number) => boolean): Promise<void> {
  while (step(sliceMs)) await yieldNow();
}
