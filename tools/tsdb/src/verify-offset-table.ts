import { Cursor } from './cursor.js';
import type { SymbolTable } from './verify-symbols.js';
import { type IndexFile, parsing, readSection } from './index-file.js';

/**
 * The label pairs of the postings offset table, in its order, and of each what the series say of it: how many carry it, and a
 * sum over their references. A list with the same count and sum holds the same series (but for a chance of 2^-64), and so the lists are
 * verified one by one without all of them in memory.
 */
export class LabelPairs {
  readonly #places: Float64Array;
  readonly #names: Uint32Array;
  readonly #values: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #sums: Uint32Array;
  readonly #numbers = new Map<number, number>();
  readonly #foreign = new Set<number>();
  readonly #symbols: SymbolTable;
  /** Position of the list of all series. */
  allSeriesAt: number | undefined;
  count = 0;

  constructor(symbols: SymbolTable, countMax: number) {
    this.#symbols = symbols;
    this.#places = new Float64Array(countMax);
    this.#names = new Uint32Array(countMax);
    this.#values = new Uint32Array(countMax);
    this.#counts = new Uint32Array(countMax);
    this.#sums = new Uint32Array(2 * countMax);
  }

  add(name: number, value: number, listAt: number): void {
    this.#places[this.count] = listAt;
    this.#names[this.count] = name;
    this.#values[this.count] = value;
    this.#numbers.set(name * this.#symbols.count + value, this.count);
    this.count += 1;
  }

  /** An entry whose strings are no symbols: no series can carry it, and its list lies among the others. */
  addForeign(listAt: number): void {
    this.#places[this.count] = listAt;
    this.#foreign.add(this.count);
    this.count += 1;
  }

  isForeign(pair: number): boolean {
    return this.#foreign.has(pair);
  }

  /** A series carries the pair. False when the table has no such pair. */
  carry(name: number, value: number, ref: number): boolean {
    const pair = this.#numbers.get(name * this.#symbols.count + value);
    if (pair === undefined) return false;
    this.#counts[pair]! += 1;
    this.#sums[2 * pair] = sumOne(this.#sums[2 * pair]!, ref);
    this.#sums[2 * pair + 1] = sumTwo(this.#sums[2 * pair + 1]!, ref);
    return true;
  }

  listAt(pair: number): number {
    return this.#places[pair]!;
  }

  carriers(pair: number): number {
    return this.#counts[pair]!;
  }

  text(pair: number): string {
    if (this.#foreign.has(pair)) return 'a label of no series';
    return `${this.#symbols.text(this.#names[pair]!)}=${JSON.stringify(this.#symbols.text(this.#values[pair]!))}`;
  }

  /** Whether exactly these series carry the pair. */
  isCarriedBy(pair: number, refs: Uint32Array): boolean {
    if (refs.length !== this.#counts[pair]) return false;
    let one = 0;
    let two = 0;
    for (const ref of refs) {
      one = sumOne(one, ref);
      two = sumTwo(two, ref);
    }
    return one === this.#sums[2 * pair] && two === this.#sums[2 * pair + 1];
  }
}

const sumOne = (sum: number, ref: number): number => Math.imul(((sum << 5) | (sum >>> 27)) ^ ref, 0x9e3779b1) >>> 0;
const sumTwo = (sum: number, ref: number): number => Math.imul(((sum << 13) | (sum >>> 19)) + ref, 0x85ebca6b) >>> 0;

/** Invariants 21 and 22: the postings offset table, but for where its lists lie. */
export async function verifyOffsetTable(index: IndexFile, symbols: SymbolTable): Promise<LabelPairs | undefined> {
  const { report, source, toc, version } = index;
  const body = await readSection(index, { at: toc.postingsTable, invariant: 21, what: 'the postings offset table' });
  if (body === undefined) return undefined;
  const cursor = new Cursor(body, toc.postingsTable + 4);
  return parsing(index, 21, 'the postings offset table', () => {
    const count = cursor.uint32();
    const pairs = new LabelPairs(symbols, Math.min(count, cursor.remaining));
    const unknown = new Set<string>();
    let last: { name: Uint8Array; value: Uint8Array } | undefined;
    for (let entry = 0; entry < count; entry += 1) {
      const place = { file: source.name, offset: cursor.position };
      const keys = cursor.byte();
      if (keys !== 2) {
        report.error(21, place, `entry ${entry} has ${keys} strings, and a label has 2`);
        return undefined;
      }
      const name = cursor.string();
      const value = cursor.string();
      const listAt = cursor.uvarint();
      const isAll = name.length === 0 && value.length === 0;
      if (version > 1 && last !== undefined && compare(last, { name, value }) >= 0)
        report.error(21, place, `entry ${entry} does not come after the one before it`);
      if (version > 1 && isAll !== (entry === 0))
        report.error(
          21,
          place,
          isAll ? 'the entry of all series is not the first' : 'the first entry is not all series',
        );
      last = { name, value };
      if (isAll) {
        pairs.allSeriesAt = listAt;
        continue;
      }
      const [nameNumber, valueNumber] = [symbols.find(name), symbols.find(value)];
      const nameText = Buffer.from(name).toString('utf8');
      if (nameNumber === undefined && !unknown.has(nameText)) {
        unknown.add(nameText);
        report.error(22, place, `label name ${JSON.stringify(nameText)} is no symbol`);
      } else if (nameNumber !== undefined && valueNumber === undefined) {
        report.error(19, place, `the value of entry ${entry}, a ${nameText}, is no symbol: no series can carry it`);
      }
      if (nameNumber !== undefined && valueNumber !== undefined) pairs.add(nameNumber, valueNumber, listAt);
      else pairs.addForeign(listAt);
    }
    if (cursor.remaining > 0)
      report.error(
        21,
        { file: source.name, offset: cursor.position },
        `${cursor.remaining} bytes are left behind its end`,
      );
    if (!cursor.isCanonical)
      report.warning(
        28,
        { file: source.name, offset: toc.postingsTable },
        'integers of the table are longer than they are written',
      );
    if (pairs.allSeriesAt === undefined && count > 0)
      report.error(18, { file: source.name, offset: toc.postingsTable }, 'there is no list of all series');
    return pairs;
  });
}

function compare(a: { name: Uint8Array; value: Uint8Array }, b: { name: Uint8Array; value: Uint8Array }): number {
  return Buffer.compare(a.name, b.name) || Buffer.compare(a.value, b.value);
}
