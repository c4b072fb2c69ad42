import { OperationalError } from '@gauntlet/base';

type UnavailableCode = 'LOG_FAILING' | 'LOG_BEHIND' | 'TSDB_CLOSED' | 'TSDB_RECOVERING';

/** A write cannot be taken now. */
export class TsdbUnavailableError extends OperationalError {
  readonly code: UnavailableCode;
  readonly kind: 'unavailable' | 'overloaded';

  constructor(code: UnavailableCode, message: string) {
    super(message);
    this.code = code;
    this.kind = code === 'LOG_BEHIND' ? 'overloaded' : 'unavailable';
  }
}

/** A read was still under way when what it reads had to go: it is not answered in part, but asked again. */
export class ReadInterruptedError extends OperationalError {
  readonly code = 'READ_INTERRUPTED';
  readonly kind = 'unavailable';
}
