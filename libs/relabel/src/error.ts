import { OperationalError } from '@gauntlet/base';

/** A configuration that cannot be used; the message names the rule, counted from 1, and speaks in Prometheus' words where it has some. */
export class RelabelConfigError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'RELABEL_CONFIG_INVALID';
}
