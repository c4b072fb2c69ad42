import { OperationalError, type ErrorKind } from '@gauntlet/base';
import { grpcCodeOf } from '@gauntlet/rpc';

/** A tenant's part of a request was not stored, or not all of it. */
export interface TenantFailure {
  readonly tenant: string;
  readonly kind: ErrorKind;
  /** What went wrong, without the tenant. */
  readonly reason: string;
  readonly scope?: 'tenant' | 'ingester';
}

/** The answer to a write that failed in part or as a whole. Its text is what Thanos routers know (spec/receive.md 5.2). */
export class WriteFailedError extends OperationalError {
  readonly code = 'WRITE_FAILED';
  readonly kind: ErrorKind;
  readonly scope: 'tenant' | 'ingester';

  /** @param scope whether other tenants' writes would fare better */
  constructor(kind: ErrorKind, message: string, scope: 'tenant' | 'ingester' = 'tenant') {
    super(message);
    this.kind = kind;
    this.scope = scope;
  }

  /**
   * The status where it is not that of the kind. A router that hears UNAVAILABLE leaves the whole ingester alone for a while: right for an
   * ingester that is not ready, wrong for one tenant's full disk quota or failing log. Both of these are retried all the same.
   */
  get grpcCode(): number | undefined {
    if (this.scope === 'ingester') return undefined;
    return tenantStatus[this.kind];
  }
}

const tenantStatus: Partial<Record<ErrorKind, number>> = {
  unavailable: grpcCodeOf('INTERNAL'),
  overloaded: grpcCodeOf('RESOURCE_EXHAUSTED'),
};

/** From the one that is most worth repeating to the one that is least: the first found decides the code of the whole request. */
const kindsByRetryability: readonly ErrorKind[] = [
  'unavailable',
  'overloaded',
  'cancelled',
  'corrupt',
  'conflict',
  'rejected',
];

/**
 * Judges a request by what became of its tenants: undefined when all was stored. A passing outage never turns into a permanent
 * refusal because another tenant's samples came first (spec/receive.md S20).
 */
export function judgeWrite(failures: readonly TenantFailure[]): WriteFailedError | undefined {
  const kind = kindsByRetryability.find((candidate) => failures.some((failure) => failure.kind === candidate));
  const first = failures.find((failure) => failure.kind === kind);
  if (kind === undefined || first === undefined) return undefined;
  const text = `writing ${first.tenant} data to local TSDB: ${first.reason}`;
  const tenants = new Set(failures.map(({ tenant }) => tenant));
  if (tenants.size === 1) return new WriteFailedError(kind, text, first.scope);
  return new WriteFailedError(
    kind,
    `got ${tenants.size} errors while writing to multiple tenants, first one: ${text}`,
    first.scope,
  );
}
