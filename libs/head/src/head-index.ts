import { SeriesReader, type Shard } from '@gauntlet/kernel';
import { LabelIndex } from './label-index.js';
import type { RefPages } from './ref-set.js';
import { SeriesTable } from './series-table.js';

/** What one step may index: series, and bytes of labels. */
const stepSeries = 64;
const stepLabelBytes = 64 * 1024;
/** What one step of the beginning takes in, of refs or of addresses: numbers only. */
const beginStepSeries = 1024;
/** A truncation is not waited for longer than this before the index is begun again: it may itself wait. */
const waitTurnsMax = 64;
/** Fewer dead ids than this are no reason to build anew. */
const deadMin = 1024;

/** One index, with the series it is about. */
export interface IndexedSeries {
  readonly table: SeriesTable;
  readonly labels: LabelIndex;
}

/** An index as it was at one moment: ids below `count` are indexed, later ones are none of the reader's business. */
export interface HeldIndex extends IndexedSeries {
  readonly count: number;
}

/** What the index needs of its head. */
export interface IndexedHead {
  readonly shards: readonly Shard[];
  /** Refs of all series, as a copy. */
  liveRefs(): RefPages;
}

/** A list of series that is read before the index can be begun. */
interface Beginning {
  readonly refs: Iterator<number>;
  readonly table: SeriesTable;
  readonly lists: { readonly shard: number; readonly addresses: Uint32Array; at: number }[];
  /** A series has gone meanwhile. */
  isStale: boolean;
}

/**
 * Keeps the index of a head: begun by the first read, and brought up to date by those that follow. Truncations keep it small, and take it away when
 * nobody has read since the last one.
 */
export class HeadIndex {
  readonly #head: IndexedHead;
  readonly #readers: (SeriesReader | undefined)[] = [];
  readonly #shards: (Shard | undefined)[] = [];
  #beginning: Beginning | undefined;
  #current: IndexedSeries | undefined;
  /** How far the current one is indexed. */
  #indexed = 0;
  /** The one that takes its place, and how far it has come. */
  #next: { readonly series: IndexedSeries; from: number } | undefined;
  /** Tables that somebody reads, by how many. */
  readonly #held = new Map<SeriesTable, number>();
  #wasRead = false;
  #isTruncating = false;
  /** Turns that a beginning has been put off for. */
  #waitedTurns = 0;

  constructor(head: IndexedHead) {
    this.#head = head;
  }

  /** Memory, about. */
  get bytes(): number {
    const all = [this.#current, this.#next?.series];
    return all.reduce((sum, series) => sum + (series === undefined ? 0 : series.table.bytes + series.labels.bytes), 0);
  }

  /** The reader of a shard, as tables number it, up to date. */
  reader(shard: number): SeriesReader {
    const reader = this.#readers[shard]!;
    reader.refresh();
    return reader;
  }

  shard(shard: number): Shard {
    return this.#shards[shard]!;
  }

  get shardCount(): number {
    return this.#shards.length;
  }

  /** Brings the index nearer to the head by a small step; whether there is more to do. */
  step(): boolean {
    this.#wasRead = true;
    return this.#step();
  }

  /** Whether the next step had better come in another turn: the index was begun while series go, and will have to be begun again. */
  get isWaiting(): boolean {
    return this.#isTruncating && this.#beginning?.isStale === true && this.#waitedTurns < waitTurnsMax;
  }

  /** The index as far as it has come: all of it when `step` has nothing to do. To be let go of. */
  hold(): HeldIndex {
    const { table, labels } = this.#current!;
    this.#held.set(table, (this.#held.get(table) ?? 0) + 1);
    return { table, labels, count: this.#indexed };
  }

  release({ table }: HeldIndex): void {
    const holders = this.#held.get(table)! - 1;
    if (holders === 0) this.#held.delete(table);
    else this.#held.set(table, holders);
  }

  /** A shard has come; it is empty. */
  addShard(shard: Shard): void {
    if (this.#beginning === undefined && this.#current === undefined) return;
    shard.trackCreated();
    this.#number(shard);
  }

  dropShard(shard: Shard): void {
    const number = this.#shards.indexOf(shard);
    if (number < 0) return;
    this.#shards[number] = undefined;
    this.#readers[number] = undefined;
  }

  /** A truncation begins. */
  beginTruncation(): void {
    this.#isTruncating = true;
    this.#next = undefined;
    if (!this.#wasRead && this.#held.size === 0) this.#drop();
    this.#wasRead = false;
  }

  endTruncation(): void {
    this.#isTruncating = false;
  }

  /** Before series are removed, those that have come must be known: takes a step, and says whether there is more to do. */
  stepBeforeRemoval(): boolean {
    if (this.#beginning !== undefined || this.#current === undefined) return false;
    return this.#step();
  }

  removed(ref: number): void {
    if (this.#beginning !== undefined) this.#beginning.isStale = true;
    for (const table of this.#held.keys()) table.remove(ref);
    const { table } = this.#current ?? {};
    if (table !== undefined && !this.#held.has(table)) table.remove(ref);
  }

  /** After a truncation: builds the index anew beside the old one when much of that is dead. Takes a step; whether there is more to do. */
  stepRebuild(): boolean {
    if (this.#current === undefined) return false;
    const { table } = this.#current;
    if (this.#next === undefined) {
      if (table.deadCount < deadMin || table.deadCount * 4 < table.count) return false;
      this.#next = { series: { table: new SeriesTable(), labels: new LabelIndex() }, from: 0 };
    }
    const { series } = this.#next;
    let bytes = 0;
    for (let n = 0; n < stepSeries && bytes < stepLabelBytes && this.#next.from < this.#indexed; n += 1) {
      const id = this.#next.from;
      this.#next.from += 1;
      if (!table.isAlive(id)) continue;
      series.table.push(table.ref(id), table.shard(id), table.address(id));
      bytes += this.#add(series, series.table.count - 1);
    }
    if (this.#next.from < this.#indexed) return true;
    const indexed = series.table.count;
    // Those that have come and are not indexed yet.
    for (let id = this.#indexed; id < table.count; id += 1) {
      if (table.isAlive(id)) series.table.push(table.ref(id), table.shard(id), table.address(id));
    }
    this.#indexed = indexed;
    this.#current = series;
    this.#next = undefined;
    return false;
  }

  #step(): boolean {
    if (this.#current === undefined) {
      this.#beginStep();
      return true;
    }
    const { table } = this.#current;
    if (this.#indexed === table.count && !this.#takeCreated(table)) return false;
    let bytes = 0;
    for (let n = 0; n < stepSeries && bytes < stepLabelBytes && this.#indexed < table.count; n += 1) {
      if (table.isAlive(this.#indexed)) bytes += this.#add(this.#current, this.#indexed);
      this.#indexed += 1;
    }
    return true;
  }

  /** Whether any have come. */
  #takeCreated(table: SeriesTable): boolean {
    for (const shard of this.#head.shards) {
      const created = shard.takeCreated();
      if (created.length === 0) continue;
      const number = this.#number(shard);
      const reader = this.reader(number);
      for (const s of created) table.push(reader.ref(s), number, s);
      return true;
    }
    return false;
  }

  #add({ table, labels }: IndexedSeries, id: number): number {
    const reader = this.reader(table.shard(id));
    const s = table.address(id);
    const at = reader.labelsAt(s);
    const length = reader.labelsLength(s);
    labels.add(id, reader.bytes, at, at + length);
    return length;
  }

  /** Addresses come in no order, refs from where the head counts them: ids are the ranks of refs, and then each series finds its own. */
  #beginStep(): void {
    if (this.isWaiting) {
      this.#waitedTurns += 1;
      return;
    }
    if (this.#beginning === undefined || this.#beginning.isStale) {
      this.#waitedTurns = 0;
      this.#beginning = {
        refs: ascending(this.#head.liveRefs()),
        table: new SeriesTable(),
        lists: this.#head.shards.map((shard) => ({
          shard: this.#number(shard),
          addresses: shard.trackCreated(),
          at: 0,
        })),
        isStale: false,
      };
    }
    const { refs, table, lists } = this.#beginning;
    for (let n = 1; ; n += 1) {
      const { done, value } = refs.next();
      if (done === true) break;
      table.push(value, 0, 0);
      if (n === beginStepSeries) return;
    }
    const list = lists.find(({ at, addresses }) => at < addresses.length);
    if (list === undefined) {
      this.#beginning = undefined;
      this.#current = { table, labels: new LabelIndex() };
      this.#indexed = 0;
      return;
    }
    const reader = this.reader(list.shard);
    const until = Math.min(list.addresses.length, list.at + beginStepSeries);
    for (; list.at < until; list.at += 1) {
      const s = list.addresses[list.at]!;
      table.place(table.idOf(reader.ref(s)), list.shard, s);
    }
  }

  #number(shard: Shard): number {
    const known = this.#shards.indexOf(shard);
    if (known >= 0) return known;
    const free = this.#shards.indexOf(undefined);
    const number = free < 0 ? this.#shards.length : free;
    this.#shards[number] = shard;
    this.#readers[number] = new SeriesReader(shard.memory);
    return number;
  }

  #drop(): void {
    for (const shard of this.#shards) shard?.untrackCreated();
    this.#beginning = undefined;
    this.#current = undefined;
    this.#indexed = 0;
    this.#shards.length = 0;
    this.#readers.length = 0;
  }
}

function* ascending(pages: RefPages): Generator<number> {
  for (const page of [...pages.keys()].sort((a, b) => a - b)) {
    const bits = pages.get(page)!;
    for (let word = 0; word < bits.length; word += 1) {
      for (let left = bits[word]!; left !== 0; left &= left - 1) {
        yield (page * bits.length + word) * 32 + (31 - Math.clz32(left & -left));
      }
    }
  }
}
