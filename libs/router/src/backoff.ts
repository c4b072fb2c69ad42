/** First pause, and floor of every later one. */
export const backoffMsMin = 100;

/**
 * How long a peer is left alone that was found unavailable for the `attempt`th time in a row, from 0 (spec/receive.md 4.3).
 * @param random uniform in [0, 1)
 */
export function backoffMs({
  attempt,
  backoffMsMax,
  random,
}: {
  readonly attempt: number;
  readonly backoffMsMax: number;
  readonly random: number;
}): number {
  const ceiling = backoffMsMin * 2 ** Math.min(attempt, 30);
  return Math.min(backoffMsMax, backoffMsMin + random * (ceiling - backoffMsMin));
}
