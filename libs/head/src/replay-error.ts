import { OperationalError } from '@gauntlet/base';

/** A record passed its checksum and yet does not decode. Nothing of it was applied. */
export class RecordCorruptError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'HEAD_RECORD_CORRUPT';
  constructor(record: Uint8Array) {
    super(`Cannot replay WAL record of type ${record[0] ?? 'none'}: its ${record.length} bytes do not decode`);
  }
}
