/** A selection that is being made or read. */
export interface OpenSelection {
  /** @throws the error with which it was ended before its time */
  check(): void;
  close(): void;
}

/** Who reads the head, and from when on: a truncation must know. */
export class OpenSelections {
  readonly #open = new Set<{ readonly fromMs: number; error: Error | undefined }>();
  readonly #checkHead: () => void;

  /** @param checkHead throws when the head can be read no more */
  constructor(checkHead: () => void) {
    this.#checkHead = checkHead;
  }

  open(fromMs: number): OpenSelection {
    const entry: { readonly fromMs: number; error: Error | undefined } = { fromMs, error: undefined };
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

  /** How many there are that read what lies before a time. */
  countBefore(timeMs: number): number {
    let count = 0;
    for (const { fromMs, error } of this.#open) if (fromMs < timeMs && error === undefined) count += 1;
    return count;
  }

  /** Ends those that read what lies before a time: whatever is asked of them next throws the error. */
  abortBefore(timeMs: number, error: Error): void {
    for (const entry of this.#open) if (entry.fromMs < timeMs) entry.error ??= error;
  }
}
