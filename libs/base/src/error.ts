/**
 * What the caller should do about an operational error.
 *
 * - `rejected`: the request can never succeed as it is; do not retry.
 * - `conflict`: it contradicts what is stored; do not retry.
 * - `overloaded`: a bound was reached; retry later, slower.
 * - `unavailable`: something is down or not ready; retry.
 * - `corrupt`: stored bytes are damaged; a human should look.
 * - `cancelled`: the caller went away or the process is ending; stay silent.
 */
export type ErrorKind = 'rejected' | 'conflict' | 'overloaded' | 'unavailable' | 'corrupt' | 'cancelled';

/** The world's fault, not ours. Messages read `Cannot <verb> <object>: <what we found>`, without a full stop. */
export abstract class OperationalError extends Error {
  /** What the caller should do. */
  abstract readonly kind: ErrorKind;
  /** Stable name that tests and dashboards match, such as `WAL_RECORD_TORN`. */
  abstract readonly code: string;

  override get name(): string {
    return this.constructor.name;
  }
}

/** The text of anything thrown, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
