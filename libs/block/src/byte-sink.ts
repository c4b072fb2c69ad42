/** A file under construction, written from front to back. */
export interface ByteSink {
  /** Appends all of `bytes`, or throws. The caller may reuse `bytes` once it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** The file is complete: make it durable and let go of it. Not called after a failed write. */
  close(): Promise<void>;
}

/** A sink in memory, for tests and small files. */
export class MemorySink implements ByteSink {
  readonly #parts: Buffer[] = [];
  closed = false;

  write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(Buffer.from(bytes));
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
