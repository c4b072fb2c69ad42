import type { TenantCounts } from './tenants.js';

/** What `/-/ready` says. */
export interface Readiness {
  /** Writes are taken. */
  readonly ready: boolean;
  /** One line each: why not, or what is not complete yet. */
  readonly notes: readonly string[];
}

/**
 * Ready means that writes are taken. It does not wait for logs to be replayed: they are behind what comes in, and the notes tell of
 * them. An ingester whose disk or memory is short is not ready, and says why, so that a balancer can leave it alone; it goes on answering everything but writes.
 */
export function readinessOf({
  isStopping,
  isStarting,
  reasons,
  tenants: { open, replaying, failing },
}: {
  readonly isStopping: boolean;
  /** Not every tenant that was there is found and open yet. */
  readonly isStarting: boolean;
  /** Why writes are refused. */
  readonly reasons: readonly string[];
  readonly tenants: TenantCounts;
}): Readiness {
  const notes = [...reasons];
  if (isStopping) notes.push('stopping');
  if (isStarting) notes.push('opening the tenants that have something in their log');
  if (replaying > 0) notes.push(`replaying the logs of ${replaying} of ${open} open tenants`);
  if (failing > 0) notes.push(`databases of ${failing} tenants cannot be opened and are tried again`);
  return { ready: !isStopping && reasons.length === 0, notes };
}
