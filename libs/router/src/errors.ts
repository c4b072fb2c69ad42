import { joinReasons, OperationalError, type ErrorKind } from '@gauntlet/base';

/** Before the first hashring is applied, and while the router stops. */
export class RouterNotReadyError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'ROUTER_NOT_READY';
  constructor() {
    super('Service Unavailable');
  }
}

/** No hashring takes the tenant. Retryable: the next configuration may. */
export class NoHashringError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'NO_MATCHING_HASHRING';
  /** INTERNAL, as Thanos answers. UNAVAILABLE would make a router in front of us back off for all tenants. */
  readonly grpcCode = 13;
  readonly tenant: string;
  constructor(tenant: string) {
    super('no matching hashring to handle tenant');
    this.tenant = tenant;
  }
}

/** The quorum was missed. The message joins what the peers said. */
export class QuorumError extends OperationalError {
  readonly kind: 'conflict' | 'unavailable';
  readonly code: 'WRITE_CONFLICT' | 'WRITE_UNAVAILABLE';
  constructor(verdict: 'conflict' | 'unavailable', reasons: Iterable<string>) {
    super(joinReasons(reasons));
    this.kind = verdict;
    this.code = verdict === 'conflict' ? 'WRITE_CONFLICT' : 'WRITE_UNAVAILABLE';
  }
}

/** The quorum was not reached in time; it may have been since. */
export class ForwardTimeoutError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'FORWARD_TIMEOUT';
  constructor() {
    super('context deadline exceeded');
  }
}

export class RouterOverloadedError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'ROUTER_OVERLOADED';
  constructor(what: string) {
    super(`Cannot admit write: ${what}`);
  }
}

/** A request that is refused before or instead of being scanned. */
export class RequestRefusedError extends OperationalError {
  readonly kind: ErrorKind;
  readonly code: 'BODY_TOO_LARGE' | 'BODY_UNREADABLE' | 'MEDIA_TYPE_UNSUPPORTED' | 'REPLICA_HEADER_INVALID';
  constructor(code: RequestRefusedError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.kind = code === 'BODY_UNREADABLE' ? 'cancelled' : 'rejected';
  }
}
