/** The wall clock and timers as ports, so that tests and the simulator own time. */
export interface Clock {
  /** Wall clock in Unix milliseconds. */
  nowMs(): number;
  /** Monotonic milliseconds since an arbitrary start, for durations. */
  monotonicMs(): number;
  /** Resolves after `delayMs`, or rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Timers of Node.js fire at once when they are set to more: 24.8 days. */
const timerMsMax = 2 ** 31 - 1;

/** The clock of this machine. Sleeping ends after 24.8 days at the latest. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        Math.min(delayMs, timerMsMax),
      );
      timer.unref();
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
