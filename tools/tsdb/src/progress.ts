/** How far a verification is, in bytes of files, and whether somebody wants it to end. */
export class Progress {
  bytesDone = 0;
  bytesTotal = 0;
  readonly #onChange: (progress: Progress) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(onChange: (progress: Progress) => void = () => undefined, signal?: AbortSignal) {
    this.#onChange = onChange;
    this.#signal = signal;
  }

  add(bytes: number): void {
    this.bytesDone += bytes;
    this.#onChange(this);
  }

  /** @throws the signal's reason once it is aborted */
  throwIfStopped(): void {
    this.#signal?.throwIfAborted();
  }
}
