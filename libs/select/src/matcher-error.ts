import { OperationalError } from '@gauntlet/base';

/** An expression that RE2 refuses, in RE2's words, which callers know; or one that would cost too much. */
export class MatcherError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'MATCHER_INVALID';
}
