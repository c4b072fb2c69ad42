import { randomInt } from 'node:crypto';
import { varintAt, varintEnd } from '@gauntlet/model';
import { grown } from './grown.js';
import { IdLists, type IdListReader } from './id-lists.js';
import { LabelTexts } from './label-texts.js';

/** A label name that some indexed series has. */
export interface IndexedName {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** How many values it has. */
  valueCount: number;
  /** How many series have it. */
  seriesCount: number;
  /** The value that came last, linked to those before; `noValue` for none. */
  newest: number;
  /** The value of the series that was indexed last. */
  recent: number;
  /** The texts of all values but the newest ones, in the order of their bytes, once somebody has asked for them. */
  sorted: readonly string[];
}

export const noValue = 0xffff_ffff;

/** What a text that is kept sorted takes, about: a pointer, and a short string. */
const sortedTextBytes = 48;

/**
 * Which series have which label: for each pair of name and value, the ids of series in ascending order. Pairs are numbered ("values"), and lie in columns and
 * tables of numbers; only names are objects. Ids must come in ascending order, and never go: whoever asks knows which are gone.
 */
export class LabelIndex {
  readonly #lists = new IdLists();
  readonly #texts = new LabelTexts();
  readonly #names: IndexedName[] = [];
  readonly #nameNumbers = new Map<string, number>();
  /** The name at each place of the series that was indexed last: the next one is likely to have the same. */
  readonly #expected: number[] = [];
  #values = 0;
  #valueName = new Uint32Array(0);
  #valueHash = new Uint32Array(0);
  #valueText = new Uint32Array(0);
  #valueLength = new Uint32Array(0);
  #olderValue = new Uint32Array(0);
  /** Finds values by hash: a table for each value of its upper eight bits, so that none takes long to grow. A slot has the value plus one. */
  readonly #tables: Uint32Array[] = Array.from({ length: 256 }, () => new Uint32Array(4));
  readonly #tableUse = new Uint32Array(256);
  /** Random, so that nobody can choose values that share slots. */
  readonly #seed = randomInt(2 ** 32);
  readonly #factor = randomInt(2 ** 32) | 1;

  /** Pairs. */
  get valueCount(): number {
    return this.#values;
  }

  get names(): readonly IndexedName[] {
    return this.#names;
  }

  /** Memory, about. */
  get bytes(): number {
    const tables = this.#tables.reduce((sum, { length }) => sum + length * 4, 0);
    const sorted = this.#names.reduce((sum, name) => sum + name.sorted.length * sortedTextBytes, 0);
    return this.#lists.bytes + this.#texts.bytes + tables + sorted + this.#valueName.length * 20;
  }

  /** Adds a series, whose canonical labels are at [at, end) of `bytes`. */
  add(id: number, bytes: Uint8Array, at: number, end: number): void {
    for (let place = 0; at < end; place += 1) {
      const nameAt = varintEnd(bytes, at + 1) + 1;
      const nameLength = varintAt(bytes, nameAt);
      const nameBegin = varintEnd(bytes, nameAt);
      const valueAt = nameBegin + nameLength + 1;
      const valueLength = varintAt(bytes, valueAt);
      const valueBegin = varintEnd(bytes, valueAt);
      at = valueBegin + valueLength;
      const number = this.#nameAt(place, bytes, nameBegin, nameLength);
      const name = this.#names[number]!;
      let value = name.recent;
      if (!this.#isValue(value, bytes, valueBegin, valueLength)) {
        value = name.recent = this.#findOrCreate(number, bytes, valueBegin, valueLength);
      }
      name.seriesCount += 1;
      this.#lists.add(value, id);
    }
  }

  /** Adds the names of canonical labels at [at, end) of `bytes`, as far as they are known. */
  namesOf(bytes: Uint8Array, at: number, end: number, into: Set<IndexedName>): void {
    for (let place = 0; at < end; place += 1) {
      const label = varintEnd(bytes, at + 1);
      at = label + varintAt(bytes, at + 1);
      const begin = varintEnd(bytes, label + 1);
      into.add(this.#names[this.#nameAt(place, bytes, begin, varintAt(bytes, label + 1))]!);
    }
  }

  name(name: string): IndexedName | undefined {
    const number = this.#nameNumbers.get(Buffer.from(name).toString('latin1'));
    return number === undefined ? undefined : this.#names[number];
  }

  /** The pair of a name and a value; `noValue` when no series has it. */
  value(name: string, value: string): number {
    const bytes = Buffer.from(value);
    return this.valueOf(name, bytes, 0, bytes.length);
  }

  valueOf(name: string, bytes: Uint8Array, at: number, length: number): number {
    const number = this.#nameNumbers.get(Buffer.from(name).toString('latin1'));
    return number === undefined
      ? noValue
      : this.#find(number, this.#hash(number, bytes, at, length), bytes, at, length);
  }

  /** The value of the same name that came before one; `noValue` for none. */
  olderValue(value: number): number {
    return this.#olderValue[value]!;
  }

  nameOf(value: number): IndexedName {
    return this.#names[this.#valueName[value]!]!;
  }

  text(value: number): string {
    return this.#texts.text(this.#valueText[value]!, this.#valueLength[value]!);
  }

  /** A view of a value's bytes. */
  textBytes(value: number): Uint8Array {
    return this.#texts.view(this.#valueText[value]!, this.#valueLength[value]!);
  }

  textLength(value: number): number {
    return this.#valueLength[value]!;
  }

  /** How many series have a value, those that are gone included. */
  count(value: number): number {
    return this.#lists.count(value);
  }

  /** Reads lists of ids, which have the numbers of values. */
  reader(): IdListReader {
    return this.#lists.reader();
  }

  #nameAt(place: number, bytes: Uint8Array, at: number, length: number): number {
    const expected = this.#expected[place];
    if (expected !== undefined && equals(this.#names[expected]!.bytes, bytes, at, length)) return expected;
    const text = Buffer.from(bytes.slice(at, at + length));
    const key = text.toString('latin1');
    let number = this.#nameNumbers.get(key);
    if (number === undefined) {
      number = this.#names.length;
      this.#names.push({
        name: text.toString(),
        bytes: text,
        valueCount: 0,
        seriesCount: 0,
        newest: noValue,
        sorted: [],
        recent: noValue,
      });
      this.#nameNumbers.set(key, number);
    }
    // Places beyond those of usual series are not worth remembering.
    if (place < 256) this.#expected[place] = number;
    return number;
  }

  #isValue(value: number, bytes: Uint8Array, at: number, length: number): boolean {
    if (value === noValue || this.#valueLength[value] !== length) return false;
    return this.#texts.equals(this.#valueText[value]!, bytes, at, length);
  }

  #findOrCreate(name: number, bytes: Uint8Array, at: number, length: number): number {
    const hash = this.#hash(name, bytes, at, length);
    const found = this.#find(name, hash, bytes, at, length);
    return found === noValue ? this.#create(name, hash, this.#texts.add(bytes, at, length), length) : found;
  }

  #find(name: number, hash: number, bytes: Uint8Array, at: number, length: number): number {
    const table = this.#tables[hash >>> 24]!;
    const mask = table.length - 1;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const slot = table[i]!;
      if (slot === 0) return noValue;
      const value = slot - 1;
      if (this.#valueHash[value] !== hash || this.#valueName[value] !== name) continue;
      if (this.#isValue(value, bytes, at, length)) return value;
    }
  }

  #create(name: number, hash: number, text: number, length: number): number {
    const value = this.#lists.create();
    if (value === this.#valueName.length) {
      this.#valueName = grown(this.#valueName);
      this.#valueHash = grown(this.#valueHash);
      this.#valueText = grown(this.#valueText);
      this.#valueLength = grown(this.#valueLength);
      this.#olderValue = grown(this.#olderValue);
    }
    this.#values += 1;
    this.#valueName[value] = name;
    this.#valueHash[value] = hash;
    this.#valueText[value] = text;
    this.#valueLength[value] = length;
    const of = this.#names[name]!;
    this.#olderValue[value] = of.newest;
    of.newest = value;
    of.valueCount += 1;
    this.#place(hash, value);
    return value;
  }

  #place(hash: number, value: number): void {
    const number = hash >>> 24;
    let table = this.#tables[number]!;
    if ((this.#tableUse[number]! + 1) * 10 > table.length * 7) {
      const old = table;
      table = this.#tables[number] = new Uint32Array(old.length * 2);
      for (const slot of old) if (slot !== 0) put(table, this.#valueHash[slot - 1]!, slot);
    }
    put(table, hash, value + 1);
    this.#tableUse[number]! += 1;
  }

  #hash(name: number, bytes: Uint8Array, at: number, length: number): number {
    let hash = this.#seed ^ name;
    for (let i = at; i < at + length; i += 1) hash = Math.imul(hash ^ bytes[i]!, this.#factor) ^ (hash >>> 25);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}

function put(table: Uint32Array, hash: number, slot: number): void {
  const mask = table.length - 1;
  let i = hash & mask;
  while (table[i] !== 0) i = (i + 1) & mask;
  table[i] = slot;
}

function equals(own: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (own.length !== length) return false;
  for (let i = 0; i < length; i += 1) if (own[i] !== bytes[at + i]) return false;
  return true;
}
