import { type Bucket, type ObjectAttributes, type ObjectSource } from '../bucket.js';
import { BucketError, cancelled, throwIfCancelled } from '../bucket-error.js';
import { checkObjectName, compareNames, dirPrefix } from '../object-name.js';
import { exactBytes, unwrapSourceFailure } from '../object-source.js';

/** A bucket in memory, with its objects open to the test. */
export class MemoryBucket implements Bucket {
  readonly provider = 'MEMORY';
  readonly name: string;
  readonly objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();
  readonly #nowMs: () => number;

  constructor({ name = 'memory', nowMs = () => 0 }: { name?: string; nowMs?: () => number } = {}) {
    this.name = name;
    this.#nowMs = nowMs;
  }

  async upload(name: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
    checkObjectName(name, 'upload');
    throwIfCancelled(signal, `upload object ${name}`);
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of exactBytes(source, 0, source.size)) {
        throwIfCancelled(signal, `upload object ${name}`);
        pieces.push(Uint8Array.from(piece));
      }
    } catch (error) {
      throw signal.aborted ? cancelled(`upload object ${name}`, signal.reason) : unwrapSourceFailure(error);
    }
    this.objects.set(name, { bytes: Buffer.concat(pieces), modifiedMs: this.#nowMs() });
  }

  get(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.getRange(name, 0, -1, signal);
  }

  async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { bytes } = this.#object(name, 'read', signal);
    const range = bytes.subarray(offset, length < 0 ? undefined : offset + length);
    return (async function* () {
      throwIfCancelled(signal, `read object ${name}`);
      if (range.length > 0) yield range;
    })();
  }

  async exists(name: string, signal: AbortSignal): Promise<boolean> {
    checkObjectName(name, 'look for');
    throwIfCancelled(signal, `look for object ${name}`);
    return this.objects.has(name);
  }

  async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    const { bytes, modifiedMs } = this.#object(name, 'describe', signal);
    return { size: bytes.length, modifiedMs };
  }

  async *list(dir: string, options: { readonly recursive?: boolean }, signal: AbortSignal): AsyncGenerator<string> {
    const prefix = dirPrefix(dir);
    if (prefix !== '') checkObjectName(prefix.slice(0, -1), 'list');
    const names = new Set<string>();
    for (const name of this.objects.keys()) {
      if (!name.startsWith(prefix)) continue;
      const slash = name.indexOf('/', prefix.length);
      names.add(slash < 0 || options.recursive === true ? name : name.slice(0, slash + 1));
    }
    for (const name of [...names].sort(compareNames)) {
      throwIfCancelled(signal, `list objects below "${prefix}"`);
      yield name;
    }
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    checkObjectName(name, 'delete');
    throwIfCancelled(signal, `delete object ${name}`);
    this.objects.delete(name);
  }

  async close(): Promise<void> {}

  #object(
    name: string,
    verb: string,
    signal: AbortSignal,
  ): { readonly bytes: Uint8Array; readonly modifiedMs: number } {
    checkObjectName(name, verb);
    throwIfCancelled(signal, `${verb} object ${name}`);
    const object = this.objects.get(name);
    if (object === undefined)
      throw new BucketError('OBJECT_NOT_FOUND', `Cannot ${verb} object ${name}: it does not exist`);
    return object;
  }
}
