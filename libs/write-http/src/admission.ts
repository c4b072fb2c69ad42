import { WriteNotReadyError, WriteOverloadedError } from './errors.js';

export interface AdmissionLimits {
  /** Requests that have arrived and are routed, stored or waited for at a time. */
  readonly requestsInflightMax: number;
  /** The bytes that all requests hold: bodies as far as they have arrived, and what became of them. */
  readonly bytesInflightMax: number;
}

/** What a request holds while it is under way. */
export interface Claim {
  /**
   * More of the body has arrived. What was only announced costs nothing, so that idle connections cannot shut others out.
   * @throws WriteOverloadedError
   */
  grow(bytes: number): void;
  /** All of it has arrived, and it takes one of the places. @throws WriteOverloadedError */
  enter(): void;
  /** Called once, when the request is answered. */
  release(): void;
}

/** Counts the requests under way, and turns new ones away before memory is spent on them. */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** Requests that have not been answered, and those among them that hold a place. */
  #claims = 0;
  #requests = 0;
  #bytes = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * For a request whose body is still to come. It takes no place yet: clients that send slowly would soon hold all of them.
   * @throws WriteOverloadedError when there is no place now, and WriteNotReadyError once closed
   */
  open(): Claim {
    if (this.#closed) throw new WriteNotReadyError();
    this.#checkPlace();
    return this.#claim();
  }

  /**
   * For a request that is here with all its bytes.
   * @throws WriteOverloadedError, and WriteNotReadyError once closed
   */
  claim(bytes: number): Claim {
    const claim = this.open();
    try {
      claim.grow(bytes);
      claim.enter();
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
      if (this.#claims === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  #claim(): Claim {
    this.#claims += 1;
    let claimed = 0;
    let places = 0;
    return {
      grow: (more) => {
        // A single large request must pass through an otherwise empty process.
        if (this.#bytes > claimed && this.#bytes + more > this.#limits.bytesInflightMax)
          throw new WriteOverloadedError(`${this.#bytes} bytes are in flight`);
        claimed += more;
        this.#bytes += more;
      },
      enter: () => {
        this.#checkPlace();
        places += 1;
        this.#requests += 1;
      },
      release: () => {
        this.#claims -= 1;
        this.#requests -= places;
        this.#bytes -= claimed;
        if (this.#claims === 0) this.#onIdle?.();
      },
    };
  }

  #checkPlace(): void {
    if (this.#requests >= this.#limits.requestsInflightMax)
      throw new WriteOverloadedError(`${this.#requests} requests are in flight`);
  }
}
