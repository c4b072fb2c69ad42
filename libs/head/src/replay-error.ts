import { OperationalError } from '@gauntlet/base';
import type { AttachedChunk } from './head.js';

/** A record passed its checksum and yet does not decode. Nothing of it was applied. */
export class RecordCorruptError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'HEAD_RECORD_CORRUPT';
  constructor(record: Uint8Array, options?: ErrorOptions) {
    super(`Cannot replay WAL record of type ${record[0] ?? 'none'}: its ${record.length} bytes do not decode`, options);
  }
}

/** Chunks of a series that are in order lie one after the other; these do not, so that none of the files can be trusted. Nothing of this one was taken. */
export class AttachedChunkError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'HEAD_CHUNKS_OVERLAP';
  readonly at: AttachedChunk['position'];
  constructor({ ref, position }: AttachedChunk) {
    super(
      `Cannot attach chunk at byte ${position.offset} of head chunk file ${position.file}: it begins before the end of another one of series ${ref}`,
    );
    this.at = position;
  }
}
