/** Rounds of queries that a value survives without being in an answer: a minute at one in 15 s. */
export const absentRoundsMax = 4;
/** Rounds that it survives while no query succeeds: five minutes. Numbers from long ago must not shut a tenant out. */
export const failedRoundsMax = 20;

/** How many series each tenant has, as meta-monitoring said last, and how long ago that was. */
export class SeriesCounts {
  readonly #counts = new Map<string, { series: number; roundsOld: number }>();

  /** Undefined: nobody knows. */
  of(tenant: string): number | undefined {
    return this.#counts.get(tenant)?.series;
  }

  succeeded(answer: ReadonlyMap<string, number>): void {
    this.#age(absentRoundsMax);
    for (const [tenant, series] of answer) this.#counts.set(tenant, { series, roundsOld: 0 });
  }

  failed(): void {
    this.#age(failedRoundsMax);
  }

  clear(): void {
    this.#counts.clear();
  }

  #age(roundsMax: number): void {
    for (const [tenant, count] of this.#counts) {
      count.roundsOld += 1;
      if (count.roundsOld >= roundsMax) this.#counts.delete(tenant);
    }
  }
}
