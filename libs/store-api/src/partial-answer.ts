import { OperationalError } from '@gauntlet/base';
import { PartialAnswerError } from './store-error.js';

/** What an answer lacks before every database has been found. */
export const notReadyText = 'not all tenants are there: the ingester is not ready';

/** What an answer lacks. Callers that want all or nothing get an error with the first of it, others get all of it as warnings. */
export class PartialAnswer {
  readonly #isStrict: boolean;
  readonly #signal: AbortSignal;
  #warnings: string[] = [];

  constructor(isStrict: boolean, signal: AbortSignal) {
    this.#isStrict = isStrict;
    this.#signal = signal;
  }

  /** @throws PartialAnswerError for a strict caller */
  lacks(reason: string, cause?: { readonly error: unknown; readonly grpcCode?: number }): void {
    if (!this.#isStrict) {
      this.#warnings.push(reason);
      return;
    }
    const grpcCode = cause?.grpcCode === undefined ? {} : { grpcCode: cause.grpcCode };
    throw new PartialAnswerError(reason, { ...grpcCode, ...(cause && { cause: cause.error }) });
  }

  /**
   * The error, where it is about one tenant.
   * @throws it where it is not: our own bugs, and that the caller has left
   */
  tenantError(error: unknown): OperationalError {
    const isAboutAll = this.#signal.aborted || error instanceof PartialAnswerError;
    if (isAboutAll || !(error instanceof OperationalError)) throw error;
    return error;
  }

  /** The warnings since the last time. */
  take(): readonly string[] {
    if (this.#warnings.length === 0) return noWarnings;
    const warnings = this.#warnings;
    this.#warnings = [];
    return warnings;
  }
}

const noWarnings: readonly string[] = [];
