import { BlockCorruptError } from './corrupt.js';
import { compareBytes, uvarintAt, uvarintEndWithin } from './fast-varint.js';
import { Uint32List, grownBytes } from './growing.js';

/** Of so many entries of a name, one is kept, besides its first. */
const sampleEvery = 32;
/** Kind of an entry: the number of strings in its key. */
const entryKeys = 2;
/** Kind, two empty strings, an offset. */
const entryBytesMin = 4;

/** A label name in the offset table. */
export interface TableName {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its samples: [first, end). */
  readonly first: number;
  end: number;
  /** Where its first list lies in the index; lists lie in the order of the table. */
  readonly firstListAt: number;
}

/** Where the parts of an entry lie. */
export interface TableEntry {
  nameFrom: number;
  nameTo: number;
  valueFrom: number;
  valueTo: number;
  listAt: number;
  to: number;
}

export function emptyEntry(): TableEntry {
  return { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0, listAt: 0, to: 0 };
}

/** Reads the entry at `at`; what is wrong with it, or 'cut' where it does not end before `end`. */
export function readEntry(bytes: Uint8Array, at: number, end: number, entry: TableEntry): 'ok' | 'cut' | (string & {}) {
  if (at >= end) return 'cut';
  // The kind is a varint as well, but only one is allowed.
  if (bytes[at] !== entryKeys) return `entry of kind ${bytes[at]}`;
  const nameFrom = uvarintEndWithin(bytes, at + 1, end);
  if (nameFrom < 0) return nameFrom === -1 ? 'cut' : tooLong;
  entry.nameFrom = nameFrom;
  entry.nameTo = nameFrom + uvarintAt(bytes, at + 1);
  if (entry.nameTo >= end) return 'cut';
  const valueFrom = uvarintEndWithin(bytes, entry.nameTo, end);
  if (valueFrom < 0) return valueFrom === -1 ? 'cut' : tooLong;
  entry.valueFrom = valueFrom;
  entry.valueTo = valueFrom + uvarintAt(bytes, entry.nameTo);
  if (entry.valueTo >= end) return 'cut';
  entry.to = uvarintEndWithin(bytes, entry.valueTo, end);
  if (entry.to < 0) return entry.to === -1 ? 'cut' : tooLong;
  entry.listAt = uvarintAt(bytes, entry.valueTo);
  return 'ok';
}

const tooLong = 'integer of more than 64 bits';

/** Walks once through an offset table and keeps samples of it. */
export class TableScan {
  readonly names: TableName[] = [];
  readonly places = new Uint32List();
  readonly valueAt = new Uint32List();
  values: Uint8Array = new Uint8Array(1024);
  valuesLength = 0;
  /** Whether entries ascend; version 1 wrote them in no order. */
  isSorted = true;
  /** Where the last entry ends. */
  end = 4;
  readonly #file: string;
  readonly #bodyAt: number;
  readonly #bodyBytes: number;
  readonly #entry = emptyEntry();
  #count = -1;
  #found = 0;
  /** Entries of the current name. */
  #ofName = 0;
  /** The value before. */
  #last: Uint8Array = new Uint8Array();
  #lastFrom = 0;
  #lastTo = 0;

  constructor(file: string, bodyAt: number, bodyBytes: number) {
    this.#file = file;
    this.#bodyAt = bodyAt;
    this.#bodyBytes = bodyBytes;
  }

  /** Takes whole entries from `bytes`, which begin at a position of the body; gives how many bytes these are. */
  take(bytes: Uint8Array, position: number, isLast: boolean): number {
    let at = 0;
    if (this.#count < 0) {
      if (bytes.length < 4) throw this.#corruptAt(0, `4 bytes expected, ${bytes.length} left`);
      this.#count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (this.#count * entryBytesMin > this.#bodyBytes - 4)
        throw this.#corruptAt(0, `${this.#count} entries do not fit ${this.#bodyBytes - 4} bytes`);
      at = 4;
    }
    const entry = this.#entry;
    while (this.#found < this.#count) {
      const outcome = readEntry(bytes, at, bytes.length, entry);
      if (outcome === 'cut' && !isLast) return at;
      if (outcome === 'cut') throw this.#corruptAt(position + at, 'entry reaches past the end of the section');
      if (outcome !== 'ok') throw this.#corruptAt(position + at, outcome);
      if (entry.listAt > Number.MAX_SAFE_INTEGER) throw this.#corruptAt(position + at, 'integer out of range');
      this.#add(bytes, position + at);
      at = entry.to;
      this.end = position + at;
    }
    return bytes.length;
  }

  #add(bytes: Uint8Array, place: number): void {
    const { nameFrom, nameTo, valueFrom, valueTo } = this.#entry;
    const name = this.names.at(-1);
    const order = name === undefined ? 1 : compareBytes(bytes, nameFrom, nameTo, name.bytes, 0, name.bytes.length);
    if (order < 0) this.isSorted = false;
    if (!this.isSorted) this.#found += 1;
    if (!this.isSorted) return;
    if (order > 0) this.#beginName(bytes.slice(nameFrom, nameTo));
    else if (compareBytes(bytes, valueFrom, valueTo, this.#last, this.#lastFrom, this.#lastTo) <= 0)
      this.isSorted = false;
    if (this.#ofName % sampleEvery === 0) this.#sample(bytes, place);
    this.#ofName += 1;
    this.#found += 1;
    this.#last = bytes;
    this.#lastFrom = valueFrom;
    this.#lastTo = valueTo;
  }

  #beginName(bytes: Uint8Array): void {
    const first = this.places.length;
    this.names.push({ name: textOf(bytes), bytes, first, end: first, firstListAt: this.#entry.listAt });
    this.#ofName = 0;
  }

  #sample(bytes: Uint8Array, place: number): void {
    const { valueFrom, valueTo } = this.#entry;
    const length = this.valuesLength + valueTo - valueFrom;
    if (length > this.values.length) this.values = grownBytes(this.values, length);
    this.values.set(bytes.subarray(valueFrom, valueTo), this.valuesLength);
    this.places.push(place);
    this.valueAt.push(this.valuesLength);
    this.valuesLength = length;
    this.names.at(-1)!.end = this.places.length;
  }

  #corruptAt(position: number, found: string): BlockCorruptError {
    return new BlockCorruptError('INDEX', { file: this.#file, offset: this.#bodyAt + position }, found);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
