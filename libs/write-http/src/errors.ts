import { OperationalError, type ErrorKind } from '@gauntlet/base';

/** Before the target takes writes, and while the listener stops. */
export class WriteNotReadyError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'WRITE_NOT_READY';
  constructor() {
    super('Service Unavailable');
  }
}

/** A bound of the process is reached. */
export class WriteOverloadedError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'WRITE_OVERLOADED';
  constructor(found: string) {
    super(`Cannot admit write: ${found}`);
  }
}

/** A limit of the tenant is reached that later requests may be within: 429. */
export class WriteLimitedError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'WRITE_LIMITED';
  readonly httpStatus = 429;
  /** When to come back; undefined when nobody knows. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

const statuses = {
  BODY_TOO_LARGE: 413,
  SERIES_TOO_MANY: 413,
  SAMPLES_TOO_MANY: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  BODY_UNDECODABLE: 400,
  BODY_UNREADABLE: 400,
  CERTIFICATE_FIELD_MISSING: 400,
  OTLP_MEDIA_TYPE_UNSUPPORTED: 400,
  OTLP_NOTHING_VALID: 400,
  REPLICA_HEADER_INVALID: 400,
  SPLIT_TENANT_INVALID: 400,
  SPLIT_TENANTS_TOO_MANY: 400,
} as const;

/** A request that can never be taken as it is, for reasons that lie before or beside its protobuf. */
export class RequestRefusedError extends OperationalError {
  readonly kind: ErrorKind;
  readonly code: keyof typeof statuses;
  readonly httpStatus: number;
  constructor(code: RequestRefusedError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.httpStatus = statuses[code];
    this.kind = code === 'BODY_UNREADABLE' ? 'cancelled' : 'rejected';
  }
}

export function bodyTooLarge(): RequestRefusedError {
  return new RequestRefusedError('BODY_TOO_LARGE', 'write request too large');
}
