import type { Clock } from '@gauntlet/base';

/** Time that moves when a test says so. Sleepers wake in the order of their times. */
export class HandClock implements Clock {
  #nowMs = 2_000_000_000_000;
  readonly #sleepers = new Set<{ atMs: number; wake: () => void }>();

  nowMs = (): number => this.#nowMs;
  monotonicMs = (): number => this.#nowMs;

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + delayMs, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = [...this.#sleepers].filter(({ atMs }) => atMs <= this.#nowMs);
    for (const sleeper of due.sort((a, b) => a.atMs - b.atMs)) {
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}
