import { Cursor } from './cursor.js';
import { type IndexFile, parsing, readSection } from './index-file.js';

/** The symbols of an index, as one buffer and where each begins in it. */
export class SymbolTable {
  readonly #bytes: Buffer;
  /** Begin and end of each, in turn. */
  readonly #bounds: Uint32Array;
  /** How series entries call a symbol: by its number, or in version 1 by its place in the file. */
  readonly #numbers: ReadonlyMap<number, number> | undefined;
  readonly #used: Uint8Array;
  readonly count: number;
  readonly isSorted: boolean;
  #byText: Map<string, number> | undefined;

  constructor(bytes: Uint8Array, bounds: Uint32Array, isSorted: boolean, numbers?: ReadonlyMap<number, number>) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#bounds = bounds;
    this.#numbers = numbers;
    this.isSorted = isSorted;
    this.count = bounds.length / 2;
    this.#used = new Uint8Array(this.count);
  }

  bytes(number: number): Buffer {
    return this.#bytes.subarray(this.#bounds[2 * number]!, this.#bounds[2 * number + 1]!);
  }

  text(number: number): string {
    return this.bytes(number).toString('utf8');
  }

  isEmpty(number: number): boolean {
    return this.#bounds[2 * number] === this.#bounds[2 * number + 1];
  }

  /** The number behind what a series entry says; undefined when there is no such symbol. */
  resolve(reference: number): number | undefined {
    const number = this.#numbers === undefined ? reference : this.#numbers.get(reference);
    if (number === undefined || number >= this.count) return undefined;
    this.#used[number] = 1;
    return number;
  }

  compare(a: number, b: number): number {
    if (a === b) return 0;
    return this.isSorted ? a - b : Buffer.compare(this.bytes(a), this.bytes(b));
  }

  /** The number of the symbol with these bytes. */
  find(wanted: Uint8Array): number | undefined {
    if (!this.isSorted) return this.#texts().get(latin1(wanted));
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (Buffer.compare(this.bytes(middle), wanted) < 0) from = middle + 1;
      else to = middle;
    }
    return from < this.count && Buffer.compare(this.bytes(from), wanted) === 0 ? from : undefined;
  }

  /** Without the empty symbol, which blocks cut from a head have and nothing uses. */
  unusedCount(): number {
    let unused = 0;
    for (let number = 0; number < this.count; number += 1)
      if (this.#used[number] === 0 && !this.isEmpty(number)) unused += 1;
    return unused;
  }

  #texts(): Map<string, number> {
    if (this.#byText === undefined) {
      this.#byText = new Map();
      for (let number = 0; number < this.count; number += 1) this.#byText.set(latin1(this.bytes(number)), number);
    }
    return this.#byText;
  }
}

/** Invariant 5, but for what series refer to. */
export async function verifySymbols(index: IndexFile): Promise<SymbolTable | undefined> {
  const { report, source, toc, version } = index;
  const body = await readSection(index, { at: toc.symbols, invariant: 5, what: 'the symbol table' });
  if (body === undefined) return undefined;
  const base = toc.symbols + 4;
  const cursor = new Cursor(body, base);
  return parsing(index, 5, 'the symbol table', () => {
    const count = cursor.uint32();
    // Each symbol takes a byte at least: a count that lies is found before memory is taken for it.
    const bounds = new Uint32Array(2 * Math.min(count, cursor.remaining));
    const numbers = new Map<number, number>();
    let isSorted = true;
    let last: Uint8Array | undefined;
    for (let number = 0; number < count; number += 1) {
      const at = cursor.position;
      const symbol = cursor.string();
      if (last !== undefined && Buffer.compare(last, symbol) >= 0) {
        isSorted = false;
        report.error(5, { file: source.name, offset: at }, `symbol ${number} does not come after the one before it`);
      }
      bounds[2 * number] = cursor.at - symbol.length;
      bounds[2 * number + 1] = cursor.at;
      if (version === 1) numbers.set(at, number);
      last = symbol;
    }
    if (cursor.remaining > 0)
      report.error(
        5,
        { file: source.name, offset: cursor.position },
        `${cursor.remaining} bytes are left behind the ${count} symbols that the table counts`,
      );
    return new SymbolTable(body, bounds, isSorted, version === 1 ? numbers : undefined);
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
