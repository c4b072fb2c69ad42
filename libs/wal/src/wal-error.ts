import { OperationalError } from '@gauntlet/base';
import type { WalPosition } from './wal.js';

/** The log cannot take or keep records now; it tries again by itself (code WAL_UNAVAILABLE), or it is closed (WAL_CLOSED). */
export class WalUnavailableError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code: 'WAL_UNAVAILABLE' | 'WAL_CLOSED';

  constructor(code: WalUnavailableError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** More bytes wait for the disk than the log may hold. */
export class WalOverloadedError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'WAL_OVERLOADED';
}

/** A record whose bytes do not follow its type. Thrown out of `onRecord`, it counts as damage at that record. */
export class RecordMalformedError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'WAL_RECORD_MALFORMED';
}

/** The files of a log cannot be read as one: a gap or damage where a checkpoint is to be made of them. Nothing is repaired by itself. */
export class WalUnreadableError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code: 'WAL_SEGMENT_GAP' | 'WAL_CHECKPOINT_CORRUPT' | 'WAL_CORRUPT';
  readonly at: WalPosition | undefined;

  constructor(code: WalUnreadableError['code'], message: string, at?: WalPosition, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.at = at;
  }
}
