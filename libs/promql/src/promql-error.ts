import { OperationalError } from '@gauntlet/base';

/** A query that is no PromQL. The text begins with line and column, as Prometheus has it. */
export class PromqlError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'PROMQL_INVALID';
}
