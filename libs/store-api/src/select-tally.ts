import type { SelectedSeries } from '@gauntlet/select';
import type { SelectLimits } from './store-api-options.js';
import { StoreLimitError } from './store-error.js';

/** What a chunk counts as, whatever it holds. */
const samplesPerChunk = 120;

/** Holds one call to the limits of `--store.limits.*`. */
export class SelectTally {
  readonly #limits: SelectLimits;
  readonly #onDropped: ((reason: keyof SelectLimits) => void) | undefined;
  #series = 0;
  #samples = 0;

  constructor(limits: SelectLimits, onDropped?: (reason: keyof SelectLimits) => void) {
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  /** @throws StoreLimitError */
  add({ chunks }: SelectedSeries): void {
    this.#series += 1;
    this.#samples += chunks.length * samplesPerChunk;
    this.#require('seriesMax', this.#series);
    this.#require('samplesMax', this.#samples);
  }

  #require(name: keyof SelectLimits, count: number): void {
    const limit = this.#limits[name];
    if (limit === 0 || count <= limit) return;
    this.#onDropped?.(name);
    const things = name === 'seriesMax' ? 'series' : 'samples';
    // Thanos' own words: callers look for them.
    throw new StoreLimitError(`send series response: failed to send ${things}: limit ${limit} violated (got ${count})`);
  }
}
