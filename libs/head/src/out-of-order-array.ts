import type { ChunkSample } from '@gauntlet/chunk';

/** Samples of a series in the order of their times, each time once: whoever came first has it. Few of them, so that they are simply moved. */
export class OutOfOrderArray {
  readonly #samples: ChunkSample[] = [];

  get samples(): readonly ChunkSample[] {
    return this.#samples;
  }

  get length(): number {
    return this.#samples.length;
  }

  /** Whether the sample was taken; not if its time was there. */
  insert(sample: ChunkSample): boolean {
    let at = this.#samples.length;
    while (at > 0 && this.#samples[at - 1]!.timestampMs > sample.timestampMs) at -= 1;
    if (at > 0 && this.#samples[at - 1]!.timestampMs === sample.timestampMs) return false;
    this.#samples.splice(at, 0, sample);
    return true;
  }
}
