import { type Bucket, type ObjectAttributes, type ObjectSource } from '../bucket.js';
import { BucketError } from '../bucket-error.js';
import { type BucketOperation } from '../observe-bucket.js';

/**
 * What happens to a call.
 *
 * - `fail`: it fails and does nothing.
 * - `lose-answer`: it is done, and then fails.
 * - `half`: an upload reads half of its source, then fails; other calls just fail.
 * - `hang`: it waits until its signal aborts.
 */
export type Fault = 'fail' | 'lose-answer' | 'half' | 'hang';

/** Asked before every call, which are counted from 0. */
export type FaultPlan = (call: {
  readonly index: number;
  readonly operation: BucketOperation;
  readonly name: string;
}) => Fault | undefined;

/** A bucket that breaks by plan. `calls` lists what was asked of it. */
export class FaultyBucket implements Bucket {
  readonly name: string;
  readonly provider: Bucket['provider'];
  readonly calls: { readonly operation: BucketOperation; readonly name: string }[] = [];
  plan: FaultPlan;
  readonly #bucket: Bucket;

  constructor(bucket: Bucket, plan: FaultPlan = () => undefined) {
    this.name = bucket.name;
    this.provider = bucket.provider;
    this.#bucket = bucket;
    this.plan = plan;
  }

  async upload(name: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
    await this.#call(
      'upload',
      name,
      signal,
      () => this.#bucket.upload(name, source, signal),
      () => readHalf(source),
    );
  }

  get(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#call('get', name, signal, () => this.#bucket.get(name, signal));
  }

  getRange(name: string, offset: number, length: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#call('get_range', name, signal, () => this.#bucket.getRange(name, offset, length, signal));
  }

  exists(name: string, signal: AbortSignal): Promise<boolean> {
    return this.#call('exists', name, signal, () => this.#bucket.exists(name, signal));
  }

  attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    return this.#call('attributes', name, signal, () => this.#bucket.attributes(name, signal));
  }

  async *list(dir: string, options: { readonly recursive?: boolean }, signal: AbortSignal): AsyncGenerator<string> {
    await this.#call('iter', dir, signal, async () => undefined);
    yield* this.#bucket.list(dir, options, signal);
  }

  delete(name: string, signal: AbortSignal): Promise<void> {
    return this.#call('delete', name, signal, () => this.#bucket.delete(name, signal));
  }

  close(): Promise<void> {
    return this.#bucket.close();
  }

  async #call<T>(
    operation: BucketOperation,
    name: string,
    signal: AbortSignal,
    run: () => Promise<T>,
    half?: () => Promise<void>,
  ): Promise<T> {
    const fault = this.plan({ index: this.calls.length, operation, name });
    this.calls.push({ operation, name });
    if (fault === undefined) return await run();
    if (fault === 'lose-answer') await run();
    if (fault === 'half') await half?.();
    if (fault === 'hang') {
      await new Promise((resolve) =>
        signal.aborted ? resolve(undefined) : signal.addEventListener('abort', resolve, { once: true }),
      );
      throw new BucketError('BUCKET_CANCELLED', `Cannot ${operation} ${name}: cancelled`, { cause: signal.reason });
    }
    throw new BucketError('BUCKET_UNAVAILABLE', `Cannot ${operation} ${name}: planned fault (${fault})`);
  }
}

async function readHalf(source: ObjectSource): Promise<void> {
  for await (const piece of source.open(0, Math.floor(source.size / 2))) void piece;
}
