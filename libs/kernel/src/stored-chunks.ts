import type { StoredChunk } from './shard-types.js';

const none = -1;

/**
 * Chunks found in files before the WAL is replayed, by the ref that they were stored under, in time order for each ref. There may be
 * millions: they lie in columns, the chunks of a ref linked, and go once the replay has ended.
 */
export class StoredChunks {
  readonly #heads = new Map<bigint, { first: number; last: number }>();
  #times = new BigInt64Array(0);
  /** Next, count, encoding, file, offset, data length. */
  #fields = new Float64Array(0);
  #count = 0;

  get isEmpty(): boolean {
    return this.#heads.size === 0;
  }

  add(ref: bigint, { minTime, maxTime, count, encoding, file, offset, dataLength }: StoredChunk): void {
    const index = this.#count;
    if (this.#times.length < (index + 1) * 2) this.#grow();
    this.#count += 1;
    this.#times[index * 2] = minTime;
    this.#times[index * 2 + 1] = maxTime;
    this.#fields.set([none, count, encoding, file, offset, dataLength], index * 6);
    const head = this.#heads.get(ref);
    if (head === undefined) {
      this.#heads.set(ref, { first: index, last: index });
      return;
    }
    this.#fields[head.last * 6] = index;
    head.last = index;
  }

  /** Lets the chunks of a ref be found under another one as well, in time order with its own. */
  redirect(from: bigint, to: bigint): void {
    const moved = this.#heads.get(from);
    if (moved === undefined) return;
    this.#heads.delete(from);
    const indexes = [...this.#indexes(to), ...this.#indexesFrom(moved.first)];
    indexes.sort((a, b) => (this.#times[a * 2]! < this.#times[b * 2]! ? -1 : 1));
    indexes.forEach((index, at) => (this.#fields[index * 6] = indexes[at + 1] ?? none));
    this.#heads.set(to, { first: indexes[0]!, last: indexes.at(-1)! });
  }

  #indexes(ref: bigint): Iterable<number> {
    const head = this.#heads.get(ref);
    return head === undefined ? [] : this.#indexesFrom(head.first);
  }

  *#indexesFrom(first: number): Iterable<number> {
    for (let index = first; index !== none; index = this.#fields[index * 6]!) yield index;
  }

  /** The chunks of a ref, oldest first. */
  *of(ref: bigint): Iterable<StoredChunk> {
    for (const index of this.#indexes(ref)) {
      const [, count, encoding, file, offset, dataLength] = this.#fields.subarray(index * 6, index * 6 + 6);
      yield {
        minTime: this.#times[index * 2]!,
        maxTime: this.#times[index * 2 + 1]!,
        count: count!,
        encoding: encoding!,
        file: file!,
        offset: offset!,
        dataLength: dataLength!,
      };
    }
  }

  clear(): void {
    this.#heads.clear();
    this.#times = new BigInt64Array(0);
    this.#fields = new Float64Array(0);
    this.#count = 0;
  }

  #grow(): void {
    const capacity = Math.max(256, this.#count * 2);
    const times = new BigInt64Array(capacity * 2);
    times.set(this.#times);
    const fields = new Float64Array(capacity * 6);
    fields.set(this.#fields);
    this.#times = times;
    this.#fields = fields;
  }
}
