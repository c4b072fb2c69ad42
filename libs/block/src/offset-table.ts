import { ByteCursor } from './byte-cursor.js';

/** Kind of an entry: the number of strings in its key. */
const entryKeys = 2;
/** Kind, two empty strings, an offset. */
const entryBytesMin = 4;

/**
 * The postings offset table: for each label pair, where its list of series lies. Its bytes are left as they lie in the file:
 * besides the section it takes 4 bytes for each entry, however many the file says there are.
 */
export class OffsetTable {
  static readonly empty = new OffsetTable(
    new ByteCursor(new Uint8Array(), { part: 'INDEX', file: 'index', offset: 0 }),
    new Uint32Array(),
  );

  readonly #section: ByteCursor;
  /** Positions in the section, in the order of (name, value). */
  readonly #starts: Uint32Array;

  private constructor(section: ByteCursor, starts: Uint32Array) {
    this.#section = section;
    this.#starts = starts;
  }

  /** @param section a count, and as many entries */
  static read(section: ByteCursor): OffsetTable {
    const count = section.uint32();
    if (count * entryBytesMin > section.remaining)
      throw section.corrupt(`${count} entries do not fit ${section.remaining} bytes`);
    const starts = new Uint32Array(count);
    let isSorted = true;
    let lastName: Uint8Array = new Uint8Array();
    let lastValue: Uint8Array = new Uint8Array();
    for (let index = 0; index < count; index += 1) {
      starts[index] = section.at;
      const keys = section.uvarint();
      if (keys !== entryKeys) throw section.corrupt(`entry of ${keys} strings`);
      const name = section.string();
      const value = section.string();
      section.uvarint();
      isSorted &&= index === 0 || (Buffer.compare(lastName, name) || Buffer.compare(lastValue, value)) < 0;
      lastName = name;
      lastValue = value;
    }
    const table = new OffsetTable(section, starts);
    // Version 1 wrote it in no order.
    if (!isSorted) starts.sort((a, b) => table.#compareEntries(a, b));
    return table;
  }

  /** Where the list of that label pair lies in the file; undefined when there is none. */
  find(name: Uint8Array, value: Uint8Array): number | undefined {
    const index = this.#lowerBound(name, value);
    if (index === this.#starts.length) return undefined;
    const isFound =
      Buffer.compare(this.#name(index), name) === 0 && Buffer.compare(this.#section.string(), value) === 0;
    return isFound ? this.#section.uvarint() : undefined;
  }

  /** In the order of their bytes, each once, without the empty one. */
  *names(): Generator<Uint8Array> {
    let last: Uint8Array = new Uint8Array();
    for (let index = 0; index < this.#starts.length; index += 1) {
      const name = this.#name(index);
      if (Buffer.compare(last, name) === 0) continue;
      last = name;
      yield name;
    }
  }

  /** Of a name, in the order of their bytes. */
  *values(name: Uint8Array): Generator<Uint8Array> {
    for (let index = this.#lowerBound(name, new Uint8Array()); index < this.#starts.length; index += 1) {
      if (Buffer.compare(this.#name(index), name) !== 0) return;
      yield this.#section.string();
    }
  }

  /** The name of an entry; the section's cursor then stands before its value. */
  #name(index: number): Uint8Array {
    return this.#nameAt(this.#starts[index]!);
  }

  #nameAt(start: number): Uint8Array {
    this.#section.at = start;
    this.#section.uvarint();
    return this.#section.string();
  }

  #compareEntries(a: number, b: number): number {
    const nameA = this.#nameAt(a);
    const valueA = this.#section.string();
    return Buffer.compare(nameA, this.#nameAt(b)) || Buffer.compare(valueA, this.#section.string());
  }

  /** The first entry that is not before (name, value). */
  #lowerBound(name: Uint8Array, value: Uint8Array): number {
    let from = 0;
    let to = this.#starts.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const isBefore = (Buffer.compare(this.#name(middle), name) || Buffer.compare(this.#section.string(), value)) < 0;
      if (isBefore) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
