import { OperationalError } from '@gauntlet/base';
import { grpcCodeOf } from '@gauntlet/rpc';

/** No hashring takes the tenant. Retryable: the next configuration may. */
export class NoHashringError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'NO_MATCHING_HASHRING';
  /** As Thanos answers (spec/receive.md 2.6). */
  readonly httpStatus = 500;
  /** UNAVAILABLE would make a router in front of us back off for all tenants. */
  readonly grpcCode: number = grpcCodes.internal;
  readonly tenant: string;
  constructor(tenant: string) {
    super('no matching hashring to handle tenant');
    this.tenant = tenant;
  }
}

/** A write that came over gRPC and was not stored as a whole. The message is what a client over HTTP would read. */
export class WriteRefusedError extends OperationalError {
  readonly kind: 'conflict' | 'overloaded' | 'unavailable';
  readonly code: 'WRITE_CONFLICT' | 'WRITE_LIMITED' | 'WRITE_UNAVAILABLE';
  readonly grpcCode: number | undefined;
  constructor(verdict: 'conflict' | 'limited' | 'unavailable', message: string) {
    super(message);
    this.kind = verdict === 'limited' ? 'overloaded' : verdict;
    this.code = codes[verdict];
    this.grpcCode = verdict === 'limited' ? grpcCodes.resourceExhausted : undefined;
  }
}

const codes = { conflict: 'WRITE_CONFLICT', limited: 'WRITE_LIMITED', unavailable: 'WRITE_UNAVAILABLE' } as const;

/** Status codes of gRPC that mean something to a router. */
export const grpcCodes = {
  unknown: grpcCodeOf('UNKNOWN'),
  alreadyExists: grpcCodeOf('ALREADY_EXISTS'),
  resourceExhausted: grpcCodeOf('RESOURCE_EXHAUSTED'),
  internal: grpcCodeOf('INTERNAL'),
  unavailable: grpcCodeOf('UNAVAILABLE'),
} as const;
