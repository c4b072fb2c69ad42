import { OperationalError, type ErrorKind } from '@gauntlet/base';

/** Stable names of what a bucket can answer instead of doing what it was asked. */
export type BucketErrorCode =
  /** No object of that name. */
  | 'OBJECT_NOT_FOUND'
  /** A name that is empty, absolute, or leaves the bucket. */
  | 'OBJECT_NAME_INVALID'
  /** The store knows us and says no, or does not know us. */
  | 'BUCKET_ACCESS_DENIED'
  /** The store refused the request for another reason that a retry does not change. */
  | 'BUCKET_REQUEST_REJECTED'
  /** The store could not be reached or stayed broken over all attempts. */
  | 'BUCKET_UNAVAILABLE'
  /** The caller's signal aborted. */
  | 'BUCKET_CANCELLED';

const kinds: Record<BucketErrorCode, ErrorKind> = {
  OBJECT_NOT_FOUND: 'rejected',
  OBJECT_NAME_INVALID: 'rejected',
  BUCKET_ACCESS_DENIED: 'rejected',
  BUCKET_REQUEST_REJECTED: 'rejected',
  BUCKET_UNAVAILABLE: 'unavailable',
  BUCKET_CANCELLED: 'cancelled',
};

/** What an operation on a bucket fails with. Messages name the operation and the object, never a secret. */
export class BucketError extends OperationalError {
  readonly kind: ErrorKind;
  readonly code: BucketErrorCode;

  constructor(code: BucketErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.kind = kinds[code];
  }
}

/** Whether this, or anything it was caused by, says that the object does not exist. */
export function isObjectNotFound(error: unknown): boolean {
  for (let depth = 0; error instanceof Error && depth < causesMax; depth++, error = error.cause) {
    if (error instanceof BucketError && error.code === 'OBJECT_NOT_FOUND') return true;
  }
  return false;
}

/** Throws the cancelled error when the signal has aborted; `what` reads like `upload object x`. */
export function throwIfCancelled(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw cancelled(what, signal.reason);
}

/** The error of an operation whose caller went away. */
export function cancelled(what: string, reason: unknown): BucketError {
  return new BucketError('BUCKET_CANCELLED', `Cannot ${what}: cancelled`, { cause: reason });
}

const causesMax = 16; // A chain longer than this is a cycle.
