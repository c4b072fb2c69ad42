/** What has been opened so far, and how to close it: for starts that fail half way, and for the end. */
export class UndoStack {
  readonly #undo: (() => unknown)[] = [];

  /** Notes how to undo what was done; gives back what was opened. */
  add<T>(opened: T, undo: (opened: T) => unknown): T {
    this.#undo.push(() => undo(opened));
    return opened;
  }

  /** Undoes all of it, the last first; what fails does not keep the rest from being undone. Rejects with the first failure. */
  async undo(): Promise<void> {
    const failures: unknown[] = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
