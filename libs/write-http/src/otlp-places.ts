import { MiB } from '@gauntlet/base';

/** Larger bodies are translated one at a time, so that one place is left to the others. */
const smallBytesMax = 1 * MiB;

/** Each place may take some hundreds of MiB, when a client asks for it. */
export const translationsMax = 2;

/** Places for bodies that are being translated. Who waits for one comes in turn; small bodies do not wait for large ones. */
export class TranslationPlaces {
  readonly #waiting = { small: [] as (() => void)[], large: [] as (() => void)[] };
  #taken = 0;
  #isLargeTaken = false;

  /** Rejects with what the work rejects with, and with the signal's reason when that is aborted before the work begins. */
  async run<Result>(bytes: number, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const size = bytes > smallBytesMax ? 'large' : 'small';
    if (this.#isFree(size)) this.#take(size);
    else await this.#wait(size, signal);
    try {
      return await work();
    } finally {
      this.#taken -= 1;
      if (size === 'large') this.#isLargeTaken = false;
      this.#admit();
    }
  }

  #isFree(size: 'small' | 'large'): boolean {
    return this.#taken < translationsMax && !(size === 'large' && this.#isLargeTaken);
  }

  #take(size: 'small' | 'large'): void {
    this.#taken += 1;
    if (size === 'large') this.#isLargeTaken = true;
  }

  /** A place is taken for whoever is let in, before anyone else can ask. */
  #admit(): void {
    for (const size of ['large', 'small'] as const) {
      while (this.#waiting[size].length > 0 && this.#isFree(size)) {
        this.#take(size);
        this.#waiting[size].shift()?.();
      }
    }
  }

  #wait(size: 'small' | 'large', signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting[size];
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.push(enter);
    });
  }
}
