import { invariant } from '@gauntlet/base';
import { xxh64 } from '@gauntlet/kernel';
import type { Labels } from '@gauntlet/model';

export interface Exemplar {
  readonly timestampMs: bigint;
  readonly valueBits: bigint;
  readonly labels: Labels;
}

/** `repeated`: there is one already, and nothing was done. */
export type ExemplarVerdict = 'stored' | 'repeated' | 'outOfOrder' | 'labels';

/** Code points of all names and values of an exemplar together. */
export const exemplarLabelsMax = 128;

interface Entry extends Exemplar {
  readonly ref: number;
  readonly slot: number;
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** A series' entries by time: linked from `newest` to older ones and back. */
interface Chain {
  newest: Entry;
  oldest: Entry;
}

/**
 * The newest exemplars of one tenant, in a ring: each takes the place of the one that came first, whatever their series or times. Exemplars of a series are kept
 * by time. Rules: spec/tsdb.md 5.11.
 */
export class ExemplarRing {
  readonly capacity: number;
  readonly #window: bigint;
  readonly #ring: (Entry | undefined)[] = [];
  #next = 0;
  #size = 0;
  readonly #chains = new Map<number, Chain>();

  constructor({
    capacity,
    outOfOrderWindowMs = 0,
  }: {
    readonly capacity: number;
    readonly outOfOrderWindowMs?: number;
  }) {
    invariant(Number.isSafeInteger(capacity) && capacity > 0, 'a ring has room for an exemplar');
    this.capacity = capacity;
    this.#window = BigInt(outOfOrderWindowMs);
  }

  get size(): number {
    return this.#size;
  }

  get seriesCount(): number {
    return this.#chains.size;
  }

  /** What `add` would say. */
  judge(ref: number, exemplar: Exemplar): ExemplarVerdict {
    if (areLabelsTooLong(exemplar.labels)) return 'labels';
    const newest = this.#chains.get(ref)?.newest;
    if (newest === undefined) return 'stored';
    if (equals(newest, exemplar)) return 'repeated';
    const age = newest.timestampMs - exemplar.timestampMs;
    if (age > 0n) return age >= this.#window ? 'outOfOrder' : 'stored';
    return age === 0n && comesBefore(exemplar, newest) ? 'outOfOrder' : 'stored';
  }

  /** Keeps an exemplar, unless its labels are too long, it is older than the window allows, or it is there already. */
  add(ref: number, exemplar: Exemplar): ExemplarVerdict {
    const verdict = this.judge(ref, exemplar);
    if (verdict !== 'stored') return verdict;
    const { timestampMs, valueBits, labels } = exemplar;
    const newer = this.#newerThan(ref, timestampMs);
    // An older one finds its place by its time alone, and a time that is taken stays with whom has it.
    if (newer !== undefined && newer.older?.timestampMs === timestampMs) return 'repeated';
    const entry: Entry = { ref, slot: this.#next, timestampMs, valueBits, labels, older: undefined, newer: undefined };
    const evicted = this.#ring[this.#next];
    // It may be the neighbour of the new entry, or all that its series had: it goes once the new one is linked.
    this.#link(entry, newer);
    if (evicted === undefined) this.#size += 1;
    else this.#unlink(evicted);
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % this.capacity;
    return 'stored';
  }

  /** The series is gone. */
  forget(ref: number): void {
    for (let entry = this.#chains.get(ref)?.oldest; entry !== undefined; entry = entry.newer) {
      this.#ring[entry.slot] = undefined;
      this.#size -= 1;
    }
    this.#chains.delete(ref);
  }

  /** A series' exemplars, oldest first. */
  select(ref: number): Exemplar[] {
    const exemplars: Exemplar[] = [];
    for (let entry = this.#chains.get(ref)?.oldest; entry !== undefined; entry = entry.newer) {
      const { timestampMs, valueBits, labels } = entry;
      exemplars.push({ timestampMs, valueBits, labels });
    }
    return exemplars;
  }

  /** All series that have exemplars, in no order. */
  *all(): Iterable<{ readonly ref: number; readonly exemplars: readonly Exemplar[] }> {
    for (const ref of this.#chains.keys()) yield { ref, exemplars: this.select(ref) };
  }

  /** The oldest entry that is newer than a time; undefined when all are as old, or older. */
  #newerThan(ref: number, timestampMs: bigint): Entry | undefined {
    let newer: Entry | undefined;
    for (
      let entry = this.#chains.get(ref)?.newest;
      entry !== undefined && entry.timestampMs > timestampMs;
      entry = entry.older
    ) {
      newer = entry;
    }
    return newer;
  }

  #link(entry: Entry, newer: Entry | undefined): void {
    const chain = this.#chains.get(entry.ref);
    if (chain === undefined) {
      this.#chains.set(entry.ref, { newest: entry, oldest: entry });
      return;
    }
    entry.newer = newer;
    entry.older = newer === undefined ? chain.newest : newer.older;
    if (newer === undefined) chain.newest = entry;
    else newer.older = entry;
    if (entry.older === undefined) chain.oldest = entry;
    else entry.older.newer = entry;
  }

  #unlink({ ref, older, newer }: Entry): void {
    if (older === undefined && newer === undefined) {
      this.#chains.delete(ref);
      return;
    }
    const chain = this.#chains.get(ref)!;
    if (older === undefined) chain.oldest = newer!;
    else older.newer = newer;
    if (newer === undefined) chain.newest = older!;
    else newer.older = older;
  }
}

/** In code points. */
function labelsLength(labels: Labels): number {
  let length = 0;
  for (const { name, value } of labels) length += codePoints(name) + codePoints(value);
  return length;
}

/** Whether an exemplar with these labels is refused. */
export function areLabelsTooLong(labels: Labels): boolean {
  return labelsLength(labels) > exemplarLabelsMax;
}

function codePoints(text: string): number {
  // Longer texts are too long in any case; what they are made of need not be known.
  return text.length > 2 * exemplarLabelsMax ? text.length / 2 : [...text].length;
}

function equals(a: Exemplar, b: Exemplar): boolean {
  if (a.timestampMs !== b.timestampMs || !sameValue(a, b) || a.labels.length !== b.labels.length) return false;
  return a.labels.every(({ name, value }, i) => b.labels[i]!.name === name && b.labels[i]!.value === value);
}

/** Whether an exemplar of the same time has the smaller value, or the same and labels of a smaller hash. */
function comesBefore(a: Exemplar, b: Exemplar): boolean {
  const [left, right] = [doubleOf(a.valueBits), doubleOf(b.valueBits)];
  return left < right || (left === right && hashOf(a.labels) < hashOf(b.labels));
}

function sameValue(a: Exemplar, b: Exemplar): boolean {
  return a.valueBits === b.valueBits || doubleOf(a.valueBits) === doubleOf(b.valueBits);
}

const doubles = new DataView(new ArrayBuffer(8));

function doubleOf(bits: bigint): number {
  doubles.setBigUint64(0, bits);
  return doubles.getFloat64(0);
}

function hashOf(labels: Labels): bigint {
  return xxh64(Buffer.concat(labels.flatMap(({ name, value }) => [Buffer.from(name), end, Buffer.from(value), end])));
}

const end = Buffer.of(0xff);
