import { type ErrorKind, OperationalError } from '@gauntlet/base';

/** Where a chunk lies: the file's number, and the byte offset of its record there (of the series ref, which comes first). */
export interface HeadChunkPosition {
  readonly file: number;
  readonly offset: number;
}

/** A chunk on disk does not hold what was written. */
export class HeadChunkCorruptError extends OperationalError {
  readonly kind: ErrorKind = 'corrupt';
  readonly code = 'HEAD_CHUNK_CORRUPT';
  readonly at: HeadChunkPosition;

  constructor(at: HeadChunkPosition, problem: string, options?: ErrorOptions) {
    super(`Cannot read head chunk at byte ${at.offset} of file ${at.file}: ${problem}`, options);
    this.at = { file: at.file, offset: at.offset };
  }
}

/** The files were closed. */
export class HeadChunksClosedError extends OperationalError {
  readonly kind: ErrorKind = 'unavailable';
  readonly code = 'HEAD_CHUNKS_CLOSED';
}
