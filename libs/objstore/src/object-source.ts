import { OperationalError } from '@gauntlet/base';
import { type ObjectSource } from './bucket.js';

/** The source of an upload changed its mind about its size: the file was cut or grew while it was read. */
export class SourceSizeError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'SOURCE_SIZE_CHANGED';
}

/** An upload from memory. */
export function bytesSource(bytes: Uint8Array): ObjectSource {
  return {
    size: bytes.length,
    async *open(from, to) {
      if (to > from) yield bytes.subarray(from, to);
    },
  };
}

/** What a source threw, in a wrapping that keeps it apart from what the store did wrong. */
export class SourceFailure extends Error {
  constructor(cause: unknown) {
    super('the source of an upload failed', { cause });
  }
}

/** What the caller of an upload should see: a source's own error as it was thrown. */
export function unwrapSourceFailure(error: unknown): unknown {
  return error instanceof SourceFailure ? error.cause : error;
}

/** The bytes of [from, to), or a SourceFailure: an object must never be shorter or longer than it was announced. */
export async function* exactBytes(source: ObjectSource, from: number, to: number): AsyncGenerator<Uint8Array> {
  let left = to - from;
  try {
    for await (const piece of source.open(from, to)) {
      left -= piece.length;
      if (left < 0) throw new SourceSizeError(`Cannot upload bytes ${from} to ${to}: the source gave ${-left} more`);
      if (piece.length > 0) yield piece;
    }
    if (left > 0)
      throw new SourceSizeError(`Cannot upload bytes ${from} to ${to}: the source ended ${left} bytes early`);
  } catch (error) {
    throw new SourceFailure(error);
  }
}
