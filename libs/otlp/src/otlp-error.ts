import { OperationalError } from '@gauntlet/base';

/** The body is no export request: nothing of it was taken. */
export class OtlpMalformedError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'OTLP_MALFORMED';
  /** Where it goes wrong: a byte of a protobuf body, a UTF-16 unit of the text of a JSON body. */
  readonly offset: number;

  constructor(offset: number, found: string, options?: ErrorOptions) {
    super(`Cannot decode OTLP metrics: ${found} at offset ${offset}`, options);
    this.offset = offset;
  }
}

/** The series that the body stands for would be too large together, or too many. */
export class OtlpTooLargeError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'OTLP_TOO_LARGE';

  constructor(found: string) {
    super(`Cannot translate OTLP metrics: ${found}`);
  }
}
