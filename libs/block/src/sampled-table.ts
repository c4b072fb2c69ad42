import { KiB } from '@gauntlet/base';
import { type ByteSource, MemorySource } from './byte-source.js';
import { BlockCorruptError } from './corrupt.js';
import { compareBytes } from './fast-varint.js';
import { heldSectionBytesMax } from './sampled-symbols.js';
import { locateSection, scanSection } from './section-scan.js';
import { emptyEntry, readEntry, type TableEntry, type TableName, TableScan } from './table-scan.js';

/** What a walk through the table reads at once. */
const walkBytes = 64 * KiB;

/**
 * The postings offset table, of which each name's first entry and every 32nd behind it are in memory: values as bytes in one slab, beside the
 * places of their entries. The others are found by walking from there.
 */
export class SampledTable {
  static readonly empty = new SampledTable(
    new MemorySource('index', new Uint8Array()),
    0,
    0,
    new TableScan('', 0, 0),
    0,
  );

  /** In the order of their bytes, without the empty one. */
  readonly names: ReadonlyMap<string, TableName>;
  /** Where the list of all series lies. */
  readonly allAt: number | undefined;
  readonly bytesHeld: number;
  readonly #source: ByteSource;
  readonly #sourceAt: number;
  /** Where the body begins in the file, for messages. */
  readonly #bodyAt: number;
  /** Places of samples within the body; behind them the end of the last entry. */
  readonly #places: Uint32Array;
  /** Values of samples, and where each begins; behind them the end of the last one. */
  readonly #values: Uint8Array;
  readonly #valueAt: Uint32Array;

  private constructor(source: ByteSource, sourceAt: number, bodyAt: number, scan: TableScan, heldBytes: number) {
    this.#source = source;
    this.#sourceAt = sourceAt;
    this.#bodyAt = bodyAt;
    const names = scan.names.filter(({ bytes }) => bytes.length > 0);
    this.names = new Map(names.map((name) => [name.name, name]));
    this.allAt = scan.names.find(({ bytes }) => bytes.length === 0)?.firstListAt;
    scan.places.push(scan.end);
    scan.valueAt.push(scan.valuesLength);
    this.#places = scan.places.toArray();
    this.#valueAt = scan.valueAt.toArray();
    this.#values = scan.values.slice(0, scan.valuesLength);
    const nameBytes = names.reduce((sum, { bytes }) => sum + 3 * bytes.length + objectBytes, 0);
    this.bytesHeld = this.#places.byteLength + this.#valueAt.byteLength + this.#values.length + nameBytes + heldBytes;
  }

  /** Reads and verifies the section at `offset`. */
  static async read(source: ByteSource, offset: number): Promise<SampledTable> {
    const place = await locateSection(source, offset);
    const { bodyAt, bodyBytes } = place;
    const held = bodyBytes <= heldSectionBytesMax ? new Uint8Array(bodyBytes) : undefined;
    const scan = new TableScan(source.name, bodyAt, bodyBytes);
    await scanSection(source, place, (bytes, position, isLast) => {
      held?.set(bytes, position);
      return scan.take(bytes, position, isLast);
    });
    if (!scan.isSorted) return SampledTable.#sorted(await source.read(bodyAt, bodyBytes), source.name, bodyAt);
    return held === undefined
      ? new SampledTable(source, bodyAt, bodyAt, scan, 0)
      : new SampledTable(new MemorySource(source.name, held), 0, bodyAt, scan, held.length);
  }

  /** A table in no order, as version 1 has it, is put in order in memory. */
  static #sorted(body: Uint8Array, file: string, bodyAt: number): SampledTable {
    const entries: { readonly name: Uint8Array; readonly value: Uint8Array; readonly bytes: Uint8Array }[] = [];
    const entry = emptyEntry();
    for (let at = 4; readEntry(body, at, body.length, entry) === 'ok'; at = entry.to)
      entries.push({
        name: body.subarray(entry.nameFrom, entry.nameTo),
        value: body.subarray(entry.valueFrom, entry.valueTo),
        bytes: body.subarray(at, entry.to),
      });
    entries.sort((a, b) => Buffer.compare(a.name, b.name) || Buffer.compare(a.value, b.value));
    // Of entries with the same key, which no writer makes, the first one counts.
    const kept = entries.filter(
      ({ name, value }, index) =>
        index === 0 ||
        Buffer.compare(name, entries[index - 1]!.name) !== 0 ||
        Buffer.compare(value, entries[index - 1]!.value) !== 0,
    );
    const count = Buffer.alloc(4);
    count.writeUInt32BE(kept.length);
    const sorted = Buffer.concat([count, ...kept.map(({ bytes }) => bytes)]);
    const scan = new TableScan(file, bodyAt, sorted.length);
    scan.take(sorted, 0, true);
    return new SampledTable(new MemorySource(file, sorted), 0, bodyAt, scan, sorted.length);
  }

  /** Walks through the entries of a name, in the order of their values. */
  walk(name: string): TableWalk {
    const found = this.names.get(name);
    if (found === undefined) return new TableWalk(this.#source, this.#sourceAt, this.#bodyAt, 0, 0);
    return new TableWalk(
      this.#source,
      this.#sourceAt,
      this.#bodyAt,
      this.#places[found.first]!,
      this.#places[found.end]!,
    );
  }

  /** Where the list of a label lies in the index; undefined when no series has it. */
  async find(name: string, value: string): Promise<number | undefined> {
    const found = this.names.get(name);
    if (found === undefined) return undefined;
    const wanted = Buffer.from(value);
    const sample = this.#sampleBefore(found, wanted);
    if (sample < 0) return undefined;
    const from = this.#places[sample]!;
    const walk = new TableWalk(this.#source, this.#sourceAt, this.#bodyAt, from, this.#places[sample + 1]!);
    for (let has = await walk.next(); has; has = await walk.next()) {
      const order = walk.compareValue(wanted);
      if (order === 0) return walk.listAt;
      if (order > 0) return undefined;
    }
    return undefined;
  }

  /** The last sample of a name that is not above a value; -1 when all are. */
  #sampleBefore({ first, end }: TableName, value: Uint8Array): number {
    let from = first;
    let to = end;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const at = this.#valueAt[middle]!;
      if (compareBytes(this.#values, at, this.#valueAt[middle + 1]!, value, 0, value.length) <= 0) from = middle + 1;
      else to = middle;
    }
    return from === first ? -1 : from - 1;
  }
}

/** What a name takes besides its bytes. */
const objectBytes = 200;

/** Steps through entries, a window at a time. */
export class TableWalk {
  readonly #source: ByteSource;
  readonly #sourceAt: number;
  readonly #bodyAt: number;
  /** What has not been read into the window yet: places in the body. */
  #from: number;
  readonly #to: number;
  #window: Uint8Array = new Uint8Array();
  #at = 0;
  readonly #entry: TableEntry = emptyEntry();

  constructor(source: ByteSource, sourceAt: number, bodyAt: number, from: number, to: number) {
    this.#source = source;
    this.#sourceAt = sourceAt;
    this.#bodyAt = bodyAt;
    this.#from = from;
    this.#to = to;
  }

  get listAt(): number {
    return this.#entry.listAt;
  }

  value(): string {
    const { valueFrom, valueTo } = this.#entry;
    const { buffer, byteOffset } = this.#window;
    return Buffer.from(buffer, byteOffset + valueFrom, valueTo - valueFrom).toString('utf8');
  }

  compareValue(other: Uint8Array): number {
    return compareBytes(this.#window, this.#entry.valueFrom, this.#entry.valueTo, other, 0, other.length);
  }

  /** Whether there is another entry; a promise only where the file has to be read. */
  next(): boolean | Promise<boolean> {
    const outcome = readEntry(this.#window, this.#at, this.#window.length, this.#entry);
    if (outcome === 'ok') {
      this.#at = this.#entry.to;
      return true;
    }
    if (outcome === 'cut' && this.#from < this.#to) return this.#nextLater();
    if (outcome === 'cut' && this.#at === this.#window.length) return false;
    const offset = this.#bodyAt + this.#from - this.#window.length + this.#at;
    throw new BlockCorruptError(
      'INDEX',
      { file: this.#source.name, offset },
      'entry is not what it was when the index was opened',
    );
  }

  async #nextLater(): Promise<boolean> {
    const rest = this.#window.length - this.#at;
    // More than the rest: an entry may be longer than a window.
    const length = Math.min(Math.max(walkBytes, 2 * rest), this.#to - (this.#from - rest));
    const begin = this.#from - rest;
    this.#window = await this.#source.read(this.#sourceAt + begin, length);
    this.#from = begin + length;
    this.#at = 0;
    return this.next();
  }
}
