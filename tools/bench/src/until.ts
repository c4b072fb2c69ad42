import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is yes. Rejects with the signal's reason. */
export async function until(
  isSo: () => Promise<boolean>,
  { everyMs, signal }: { readonly everyMs: number; readonly signal: AbortSignal },
): Promise<void> {
  while (!(await isSo())) {
    signal.throwIfAborted();
    await sleep(everyMs);
  }
}
