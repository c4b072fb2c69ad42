import { OperationalError } from '@gauntlet/base';

/**
 * What is wrong with a hashring configuration.
 *
 * - `HASHRING_UNPARSABLE`: it is not JSON, or not of the schema.
 * - `HASHRING_INVALID`: it parses, but no ring can be built from it.
 */
export type HashringErrorCode = 'HASHRING_UNPARSABLE' | 'HASHRING_INVALID';

/** A configuration that must not replace the one in use. Operators know many of the texts from Thanos, so those stay as they are there. */
export class HashringError extends OperationalError {
  readonly kind = 'rejected';
  readonly code: HashringErrorCode;
  constructor(code: HashringErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
