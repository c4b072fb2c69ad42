import { createPace, type Pace } from '../pace.js';

/** A pace that never asks for a rest, for tests that look at results only. */
export const stillPace: Pace = createPace({ monotonicMs: () => 0 }, () => Promise.resolve());

/** One that asks for a rest at each look: everything else gets its turn wherever it may. */
export const restlessPace: Pace = {
  isDue: true,
  rest: () => new Promise((resolve) => setImmediate(resolve)),
};
