import { OperationalError } from '@gauntlet/base';

/** Settings or files of TLS or of the web configuration that cannot be used. Messages name files and keys, and never show what may be secret. */
export class TlsConfigError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'TLS_CONFIG_INVALID';
}
