/** A selection that is being made or read. */
export interface OpenSelection {
  /** @throws the error with which it was ended before its time */
  check(): void;
  close(): void;
}

/** Who reads the head, and from when on: a truncation must know. */
export class OpenSelections {
  readonly #open = new Set<{ readonly number: number; readonly fromMs: number; error: Error | undefined }>();
  readonly #checkHead: () => void;
  #opened = 0;

  /** @param checkHead throws when the head can be read no more */
  constructor(checkHead: () => void) {
    this.#checkHead = checkHead;
  }

  /** How many have ever been opened: what is not among these came later. */
  get opened(): number {
    return this.#opened;
  }

  open(fromMs: number): OpenSelection {
    const entry = { number: this.#opened, fromMs, error: undefined as Error | undefined };
    this.#opened += 1;
    this.#open.add(entry);
    return {
      check: () => {
        this.#checkHead();
        if (entry.error !== undefined) throw entry.error;
      },
      close: () => {
        this.#open.delete(entry);
      },
    };
  }

  /** How many there are among the first `opened` that read what lies before a time. */
  countBefore(timeMs: number, opened = Infinity): number {
    let count = 0;
    for (const { number, fromMs, error } of this.#open)
      if (number < opened && fromMs < timeMs && error === undefined) count += 1;
    return count;
  }

  /** Ends those among the first `opened` that read what lies before a time: whatever is asked of them next throws the error. */
  abortBefore(timeMs: number, error: Error, opened = Infinity): void {
    for (const entry of this.#open) if (entry.number < opened && entry.fromMs < timeMs) entry.error ??= error;
  }
}
