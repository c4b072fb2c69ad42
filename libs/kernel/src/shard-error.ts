import { OperationalError, messageOf } from '@gauntlet/base';

/** The instance cannot take a request: its memory, or the machine's, is used up. Nothing was changed. */
export class ShardFullError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'HEAD_SHARD_FULL';
  constructor(bytes: number) {
    super(`Cannot take request into shard: memory cannot grow beyond ${bytes} bytes`);
  }
}

/** No instance could take the request, not even an empty one. */
export class RequestTooLargeError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'HEAD_REQUEST_TOO_LARGE';
  constructor(rows: number, samples: number) {
    super(`Cannot take request into head: an empty shard has no room for its ${rows} series with ${samples} samples`);
  }
}

/** A call ended half way: memory and log may not agree any more. */
export class HeadBrokenError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'HEAD_BROKEN';
  constructor(cause: unknown) {
    super(`Cannot use head: a call ended half way (${messageOf(cause)}); it is built anew from its log`, { cause });
  }
}

/** What the shards of a head share: once a call of one has ended half way, none takes another. */
export class ShardFault {
  #error: HeadBrokenError | undefined;

  check(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** Notes what has ended a call, and returns what to throw. */
  break(cause: unknown): HeadBrokenError {
    this.#error ??= cause instanceof HeadBrokenError ? cause : new HeadBrokenError(cause);
    return this.#error;
  }
}
