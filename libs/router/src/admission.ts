import { RouterNotReadyError, RouterOverloadedError } from './errors.js';

export interface AdmissionLimits {
  /** Requests that are read, routed or waited for at a time. */
  readonly requestsInflightMax: number;
  /** The bytes of their bodies, as received. */
  readonly bytesInflightMax: number;
}

/** Counts the requests under way, and turns new ones away before memory is spent on them. */
export class Admission {
  readonly #limits: AdmissionLimits;
  #requests = 0;
  #bytes = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * @param bytes the size of the body, or the most it can be
   * @returns what must be called when the request is answered
   * @throws RouterOverloadedError, and RouterNotReadyError once closed
   */
  claim(bytes: number): () => void {
    if (this.#closed) throw new RouterNotReadyError();
    const { requestsInflightMax, bytesInflightMax } = this.#limits;
    if (this.#requests >= requestsInflightMax)
      throw new RouterOverloadedError(`${this.#requests} requests are in flight`);
    // A single large request must pass through an empty router.
    if (this.#requests > 0 && this.#bytes + bytes > bytesInflightMax)
      throw new RouterOverloadedError(`${this.#bytes} bytes are in flight`);
    this.#requests += 1;
    this.#bytes += bytes;
    return () => {
      this.#requests -= 1;
      this.#bytes -= bytes;
      if (this.#requests === 0) this.#onIdle?.();
    };
  }

  /** Admits nothing more. Resolves when all that is under way has been answered. */
  drain(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => {
      if (this.#requests === 0) resolve();
      else this.#onIdle = resolve;
    });
  }
}
