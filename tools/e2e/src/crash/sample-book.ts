/** What of a book cannot be found, and what was found without being in it; a few examples of each. */
export interface Verdict {
  readonly checked: number;
  readonly lost: readonly string[];
  readonly invented: readonly string[];
}

const examplesMax = 5;

/**
 * Every sample that was sent, and which of them were acknowledged. A sample is one text: its series, its time and its value; a
 * sender gives each series one value for each time, so that a wrong value is a text that was never sent.
 */
export class SampleBook {
  /** True once acknowledged. */
  readonly #samples = new Map<string, boolean>();
  #acknowledged = 0;

  get sent(): number {
    return this.#samples.size;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  send(samples: Iterable<string>): void {
    for (const sample of samples) if (!this.#samples.has(sample)) this.#samples.set(sample, false);
  }

  acknowledge(samples: Iterable<string>): void {
    for (const sample of samples) {
      if (this.#samples.get(sample) !== true) this.#acknowledged += 1;
      this.#samples.set(sample, true);
    }
  }

  /**
   * Judges what is stored. What was sent and not acknowledged may be there or not.
   * @param mayBeGone samples that nobody has to keep any more
   */
  judge(found: ReadonlySet<string>, mayBeGone: (sample: string) => boolean = () => false): Verdict {
    const lost: string[] = [];
    const invented: string[] = [];
    for (const [sample, isAcknowledged] of this.#samples)
      if (isAcknowledged && !found.has(sample) && !mayBeGone(sample)) lost.push(sample);
    for (const sample of found) if (!this.#samples.has(sample)) invented.push(sample);
    return { checked: this.#acknowledged, lost: examplesOf(lost), invented: examplesOf(invented) };
  }
}

/** A failing test would print thousands of lines. */
function examplesOf(samples: readonly string[]): string[] {
  const shown = samples.slice(0, examplesMax);
  return samples.length > examplesMax ? [...shown, `and ${samples.length - examplesMax} more`] : shown;
}
