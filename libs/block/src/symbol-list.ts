import { ByteCursor } from './byte-cursor.js';

/**
 * The symbols of an index, left as they lie in the file: besides the section itself it takes 4 bytes for each, however many the
 * file says there are.
 */
export class SymbolList {
  static readonly empty = new SymbolList(
    new ByteCursor(new Uint8Array(), { part: 'INDEX', file: 'index', offset: 0 }),
    new Uint32Array(),
    undefined,
  );

  readonly #section: ByteCursor;
  /** Positions in the section, ascending. */
  readonly #starts: Uint32Array;
  readonly #sectionAt: number | undefined;

  private constructor(section: ByteCursor, starts: Uint32Array, sectionAt: number | undefined) {
    this.#section = section;
    this.#starts = starts;
    this.#sectionAt = sectionAt;
  }

  /**
   * @param section a count, and as many strings
   * @param sectionAt where the section's bytes begin in the file, if symbols are referred to by offset; undefined: by ordinal
   */
  static read(section: ByteCursor, sectionAt: number | undefined): SymbolList {
    const count = section.uint32();
    if (count > section.remaining) throw section.corrupt(`${count} symbols do not fit ${section.remaining} bytes`);
    const starts = new Uint32Array(count);
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      starts[ordinal] = section.at;
      section.skipString();
    }
    return new SymbolList(section, starts, sectionAt);
  }

  get count(): number {
    return this.#starts.length;
  }

  at(ordinal: number): Uint8Array {
    this.#section.at = this.#starts[ordinal]!;
    return this.#section.string();
  }

  /** The symbol that a series entry means; undefined when there is none. */
  byReference(reference: number): Uint8Array | undefined {
    const ordinal = this.#sectionAt === undefined ? reference : this.#ordinalAt(reference - this.#sectionAt);
    return ordinal < this.count ? this.at(ordinal) : undefined;
  }

  /** The ordinal of the symbol that starts there; Infinity when none does. */
  #ordinalAt(start: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#starts[middle]! < start) from = middle + 1;
      else to = middle;
    }
    return this.#starts[from] === start ? from : Infinity;
  }
}
