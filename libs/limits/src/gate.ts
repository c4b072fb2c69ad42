/** What the gate tells whoever keeps its metrics. */
export interface GateObserver {
  /** A request passed after so many seconds. */
  gateEntered(waitedSeconds: number): void;
  gateLeft(): void;
}

/**
 * Lets so many requests work at a time; the others wait in the order in which they came. What came in always goes out by its own release, so
 * a waiter that gives up frees nobody's slot. How many wait is for the caller to bound: each holds a connection.
 */
export class Gate {
  readonly #observer: GateObserver;
  readonly #monotonicMs: () => number;
  /** 0: all may pass. */
  #max = 0;
  #inside = 0;
  /** In the order of arrival. */
  readonly #waiting = new Set<() => void>();

  constructor(observer: GateObserver, monotonicMs: () => number) {
    this.#observer = observer;
    this.#monotonicMs = monotonicMs;
  }

  /** Those inside stay, also above a lower bound, which then holds as they leave. */
  setMax(max: number): void {
    this.#max = max;
    this.#admitWaiting();
  }

  /** The release, which counts once, when nobody has to wait; undefined otherwise. */
  tryEnter(): (() => void) | undefined {
    return this.#isOpen() && this.#waiting.size === 0 ? this.#admit(this.#monotonicMs()) : undefined;
  }

  /** Resolves with the release, which counts once. Rejects with the signal's reason when it aborts first. */
  enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const arrivedMs = this.#monotonicMs();
    if (this.#isOpen() && this.#waiting.size === 0) return Promise.resolve(this.#admit(arrivedMs));
    return new Promise((resolve, reject) => {
      const pass = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(this.#admit(arrivedMs));
      };
      const giveUp = (): void => {
        this.#waiting.delete(pass);
        reject(signal.reason as Error);
      };
      this.#waiting.add(pass);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #isOpen(): boolean {
    return this.#max === 0 || this.#inside < this.#max;
  }

  #admit(arrivedMs: number): () => void {
    this.#inside += 1;
    this.#observer.gateEntered((this.#monotonicMs() - arrivedMs) / 1000);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inside -= 1;
      this.#observer.gateLeft();
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    for (const pass of this.#waiting) {
      if (!this.#isOpen()) return;
      this.#waiting.delete(pass);
      pass();
    }
  }
}
