import { OperationalError, type ErrorKind } from '@gauntlet/base';
import { PeerError, grpcCodeOf, grpcStatusOf } from '@gauntlet/rpc';

/** A request that was read and cannot be answered as it is, in the words that Thanos has for it. INVALID_ARGUMENT. */
export class StoreRequestError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'STORE_REQUEST_INVALID';
}

/** A request that is too long to be looked at. */
export class StoreRequestTooLongError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'STORE_REQUEST_TOO_LONG';
  readonly grpcCode = grpcCodeOf('RESOURCE_EXHAUSTED');
}

/** More series or samples than `--store.limits.*` allow for one request. UNKNOWN, as Thanos' ingesters say it. */
export class StoreLimitError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'STORE_LIMIT_EXCEEDED';
  readonly grpcCode = grpcCodeOf('UNKNOWN');
}

/** The answer would lack something, and the caller wants all or nothing. */
export class PartialAnswerError extends OperationalError {
  readonly kind: ErrorKind = 'unavailable';
  readonly code = 'STORE_ANSWER_PARTIAL';
  readonly grpcCode: number;
  constructor(
    reason: string,
    { grpcCode = grpcCodeOf('ABORTED'), ...options }: ErrorOptions & { grpcCode?: number } = {},
  ) {
    super(reason, options);
    this.grpcCode = grpcCode;
  }
}

/** Databases are still being opened, or are being closed. */
export class StoreNotReadyError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'STORE_NOT_READY';
  /** What Thanos answers; queriers take any code for an endpoint that is down. */
  readonly grpcCode = grpcCodeOf('UNKNOWN');
}

/** An error of one tenant as it reads inside of an answer for all: `rpc error: code = InvalidArgument desc = ...`. */
export function rpcErrorText(error: unknown): string {
  return new PeerError('', grpcStatusOf(error)).message;
}
