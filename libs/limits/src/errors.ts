import { OperationalError } from '@gauntlet/base';

/** Limits that cannot be used. The message names the field, and never shows a value that may be secret. */
export class LimitsConfigError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'LIMITS_CONFIG_INVALID';
}

/** The file is not there, or is no file, or is too large. */
export class LimitsFileError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'LIMITS_FILE_UNREADABLE';
}

/** Meta-monitoring did not say how many series tenants have. */
export class MetaMonitoringError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'META_MONITORING_FAILED';
}
