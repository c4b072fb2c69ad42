/** Reasons that are told; clients log them. */
const reasonsMax = 5;
const nameCharactersMax = 128;

/** Counts refused data points and keeps the first reasons. */
export class RejectionTally {
  #count = 0;
  readonly #reasons: string[] = [];
  /** What was refused last tends to be refused again. */
  #last = { metricName: '', reason: '' };

  /** @param metricName bytes, one to a character */
  add(metricName: string, reason: string, pointCount: number): void {
    this.#count += pointCount;
    if (this.#reasons.length === reasonsMax) return;
    if (this.#last.reason === reason && this.#last.metricName === metricName) return;
    this.#last = { metricName, reason };
    const told = `metric ${shown(metricName)}: ${reason}`;
    if (!this.#reasons.includes(told)) this.#reasons.push(told);
  }

  get result(): { readonly count: number; readonly firstReasons: readonly string[] } {
    return { count: this.#count, firstReasons: [...this.#reasons] };
  }
}

/** In quotes, so that no name breaks a log line. */
function shown(name: string): string {
  const start = Buffer.from(name.slice(0, nameCharactersMax), 'latin1').toString();
  return JSON.stringify(name.length > nameCharactersMax ? `${start}...` : start);
}
