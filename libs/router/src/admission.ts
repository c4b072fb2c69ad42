import { RouterNotReadyError, RouterOverloadedError } from './errors.js';

export interface AdmissionLimits {
  /** Requests that are read, routed or waited for at a time. */
  readonly requestsInflightMax: number;
  /** The bytes of their bodies, as received. */
  readonly bytesInflightMax: number;
}

/** What a request holds while it is under way. */
export interface Claim {
  /**
   * More of the body has arrived. What was only announced costs nothing, so that idle connections cannot shut others out.
   * @throws RouterOverloadedError
   */
  grow(bytes: number): void;
  /** Called once, when the request is answered. */
  release(): void;
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
   * @param bytes of the body that are there already
   * @throws RouterOverloadedError, and RouterNotReadyError once closed
   */
  claim(bytes: number): Claim {
    if (this.#closed) throw new RouterNotReadyError();
    const { requestsInflightMax } = this.#limits;
    if (this.#requests >= requestsInflightMax)
      throw new RouterOverloadedError(`${this.#requests} requests are in flight`);
    this.#requests += 1;
    let claimed = 0;
    const claim: Claim = {
      grow: (more) => {
        // A single large request must pass through an empty router.
        if (this.#bytes > claimed && this.#bytes + more > this.#limits.bytesInflightMax)
          throw new RouterOverloadedError(`${this.#bytes} bytes are in flight`);
        claimed += more;
        this.#bytes += more;
      },
      release: () => {
        this.#requests -= 1;
        this.#bytes -= claimed;
        if (this.#requests === 0) this.#onIdle?.();
      },
    };
    try {
      claim.grow(bytes);
    } catch (error) {
      claim.release();
      throw error;
    }
    return claim;
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
