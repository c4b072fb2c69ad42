import type { Clock } from '@gauntlet/base';
import { openHeadSnapshot } from './head-snapshot.js';
import type { HeadCursor, HeadSeries, HeadSnapshotBuilder } from './head.js';

/** A snapshot and its cursor on one thread. */
export class LocalCursor implements HeadCursor {
  readonly #snapshot: HeadSnapshotBuilder;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #seriesMax: number;
  #cursor: HeadCursor | undefined;

  constructor(snapshot: HeadSnapshotBuilder, clock: Pick<Clock, 'monotonicMs'>, seriesMax: number) {
    this.#snapshot = snapshot;
    this.#clock = clock;
    this.#seriesMax = seriesMax;
  }

  get seriesCount(): number {
    return this.#cursor?.seriesCount ?? this.#seriesMax;
  }

  prepare(budgetMs: number): boolean {
    if (this.#cursor === undefined) {
      if (this.#snapshot.prepare(budgetMs)) return true;
      this.#cursor = openHeadSnapshot(this.#snapshot.description(), this.#clock);
      if (budgetMs !== Infinity) return true;
    }
    return this.#cursor.prepare(budgetMs);
  }

  next(): HeadSeries | undefined {
    while (this.prepare(Infinity));
    return this.#cursor!.next();
  }

  close(): void {
    this.#snapshot.close();
  }
}
