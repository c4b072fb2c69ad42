import type { SelectedSeries, SeriesSource } from './series-source.js';

/** At most `limit` series of a source, which is closed behind them; 0 for all of them. */
export function limitSource(source: SeriesSource, limit: number): SeriesSource {
  return limit > 0 ? new LimitedSource(source, limit) : source;
}

class LimitedSource implements SeriesSource {
  readonly #source: SeriesSource;
  #left: number;

  constructor(source: SeriesSource, limit: number) {
    this.#source = source;
    this.#left = limit;
  }

  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined> {
    if (this.#left === 0) {
      this.#source.close();
      return undefined;
    }
    this.#left -= 1;
    return this.#source.next();
  }

  close(): void {
    this.#source.close();
  }
}
