import { type Clock, systemClock } from '@gauntlet/base';
import { type Bucket, type ObjectSource } from './bucket.js';
import { BucketError, isObjectNotFound } from './bucket-error.js';

/** The operations that metrics know (spec/objstore.md 4). */
export const bucketOperations = ['iter', 'get', 'get_range', 'exists', 'upload', 'delete', 'attributes'] as const;
export type BucketOperation = (typeof bucketOperations)[number];

/** How an operation ended. Only `failed` counts as a failure. */
export type BucketOutcome = 'ok' | 'not-found' | 'cancelled' | 'failed';

/** Told of every operation on a bucket; where metrics hang. It must not throw. */
export interface BucketObserver {
  started(operation: BucketOperation): void;
  /** For get and get_range once the stream has ended or was left; `bytes` are those fetched or, for a finished upload, sent. */
  ended(operation: BucketOperation, outcome: BucketOutcome, seconds: number, bytes: number): void;
}

/** The same bucket, with an observer. */
export function observeBucket(
  bucket: Bucket,
  observer: BucketObserver,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): Bucket {
  const begin = (operation: BucketOperation): ((outcome: BucketOutcome, bytes?: number) => void) => {
    observer.started(operation);
    const startMs = clock.monotonicMs();
    return (outcome, bytes = 0) => observer.ended(operation, outcome, (clock.monotonicMs() - startMs) / 1000, bytes);
  };
  const call = async <T>(operation: BucketOperation, run: () => Promise<T>, bytes = 0): Promise<T> => {
    const end = begin(operation);
    try {
      const result = await run();
      end('ok', bytes);
      return result;
    } catch (error) {
      end(outcomeOf(error));
      throw error;
    }
  };
  const fetch = async (
    operation: BucketOperation,
    run: () => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<AsyncIterable<Uint8Array>> => {
    const end = begin(operation);
    try {
      return observeStream(await run(), end);
    } catch (error) {
      end(outcomeOf(error));
      throw error;
    }
  };
  return {
    name: bucket.name,
    provider: bucket.provider,
    upload: (name, source: ObjectSource, signal) =>
      call('upload', () => bucket.upload(name, source, signal), source.size),
    get: (name, signal) => fetch('get', () => bucket.get(name, signal)),
    getRange: (name, offset, length, signal) => fetch('get_range', () => bucket.getRange(name, offset, length, signal)),
    exists: (name, signal) => call('exists', () => bucket.exists(name, signal)),
    attributes: (name, signal) => call('attributes', () => bucket.attributes(name, signal)),
    async *list(dir, options, signal) {
      const end = begin('iter');
      let outcome: BucketOutcome = 'ok'; // Also when the reader leaves early.
      try {
        yield* bucket.list(dir, options, signal);
      } catch (error) {
        outcome = outcomeOf(error);
        throw error;
      } finally {
        end(outcome);
      }
    },
    delete: (name, signal) => call('delete', () => bucket.delete(name, signal)),
    close: () => bucket.close(),
  };
}

async function* observeStream(
  stream: AsyncIterable<Uint8Array>,
  end: (outcome: BucketOutcome, bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let outcome: BucketOutcome = 'ok';
  try {
    for await (const piece of stream) {
      bytes += piece.length;
      yield piece;
    }
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    end(outcome, bytes);
  }
}

function outcomeOf(error: unknown): BucketOutcome {
  if (isObjectNotFound(error)) return 'not-found';
  return error instanceof BucketError && error.kind === 'cancelled' ? 'cancelled' : 'failed';
}
