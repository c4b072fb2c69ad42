/** Memory of a head that may shrink inside but is not given back. */
export interface HeadMemory {
  readonly memoryBytes: number;
}

/** The share of the machine that is ours when no limit is given: a cut, and requests in work, need the rest. */
const limitShare = 0.8;

/**
 * The default of `--tsdb.max-memory`.
 * @param containerBytes what the container allows; anything above the machine's own memory means that it says nothing
 */
export function defaultMemoryBytesMax({
  containerBytes,
  machineBytes,
}: {
  readonly containerBytes: number | undefined;
  readonly machineBytes: number;
}): number {
  const bytes =
    containerBytes !== undefined && containerBytes > 0 ? Math.min(containerBytes, machineBytes) : machineBytes;
  return Math.floor(bytes * limitShare);
}

/**
 * Memory that this process cannot give to new samples: what is resident, without what is free inside of heads. A head's linear memory never
 * shrinks; after a truncation its pages stay resident and take the next samples. Counted as in use, they would keep an ingester from taking writes for good.
 */
export class MemoryUse {
  readonly #residentBytes: () => number;
  readonly #peaks = new WeakMap<HeadMemory, number>();

  constructor(residentBytes: () => number) {
    this.#residentBytes = residentBytes;
  }

  /** Called often enough to see the peaks of each head. */
  measure(heads: Iterable<HeadMemory>): number {
    let freeInside = 0;
    for (const head of heads) {
      const bytes = head.memoryBytes;
      const peak = Math.max(bytes, this.#peaks.get(head) ?? 0);
      this.#peaks.set(head, peak);
      freeInside += peak - bytes;
    }
    return Math.max(0, this.#residentBytes() - freeInside);
  }
}
