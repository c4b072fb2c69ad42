import { canonicalLabels, varintAt, varintEnd, type Label, type Labels } from '@gauntlet/model';
import { CanonicalNames, labelEnd } from './canonical-names.js';

/**
 * What lies between stored labels and those that a caller sees (spec/receive.md 5.4): external labels are added and win over stored ones of the same name;
 * replica labels are removed from both.
 */
export interface LabelOverlay {
  /** External labels without the removed ones. */
  readonly added: Labels;
  /** Names that no stored label keeps, in the order of their bytes: the removed ones, and those of `added`. */
  readonly hidden: readonly string[];
  /** The final labels of a stored series, both canonical; a view that the next call overwrites. */
  apply(stored: Uint8Array): Uint8Array;
  /** The order of two stored series by their final labels, without making those. */
  compare(a: Uint8Array, b: Uint8Array): number;
}

/** @param removed names in any order, also repeated */
export function createOverlay(external: Labels, removed: readonly string[]): LabelOverlay {
  return new CanonicalOverlay(external, removed);
}

class CanonicalOverlay implements LabelOverlay {
  readonly added: Labels;
  readonly hidden: readonly string[];
  readonly #hidden: CanonicalNames;
  /** What takes the place of each hidden name: the added label, in canonical form, or nothing. */
  readonly #labels: readonly Uint8Array[];
  readonly #addedBytes: number;
  /** Where the last added name is among the hidden ones; -1 where none is added. */
  readonly #lastAdded: number;
  #final = new Uint8Array(1024);

  constructor(external: Labels, removed: readonly string[]) {
    const removedNames = new Set(removed);
    this.added = external.filter(({ name }) => !removedNames.has(name));
    const added = new Map(this.added.map((label) => [label.name, label]));
    this.#hidden = new CanonicalNames([...removed, ...added.keys()]);
    this.hidden = this.#hidden.names;
    this.#labels = this.hidden.map((name) => formOf(added.get(name)));
    this.#addedBytes = this.#labels.reduce((sum, { length }) => sum + length, 0);
    this.#lastAdded = this.hidden.findLastIndex((name) => added.has(name));
  }

  apply(stored: Uint8Array): Uint8Array {
    const bytesMax = stored.length + this.#addedBytes;
    if (this.#final.length < bytesMax) this.#final = new Uint8Array(bytesMax * 2);
    const final = this.#final;
    const labels = this.#labels;
    let length = 0;
    let next = 0;
    // Labels that are kept are copied in runs: [run, at) has not been copied yet.
    let run = 0;
    for (let at = 0; at < stored.length && next < labels.length;) {
      const end = labelEnd(stored, at);
      const order = this.#hidden.compare(stored, at, next);
      if (order >= 0) {
        length = copy(stored, run, at, final, length);
        length = copyAll(labels[next]!, final, length);
        next += 1;
        run = order === 0 ? end : at;
      }
      // One that lies behind a hidden name is compared with the one after it.
      if (order <= 0) at = end;
    }
    length = copy(stored, run, stored.length, final, length);
    for (; next < labels.length; next += 1) length = copyAll(labels[next]!, final, length);
    return final.subarray(0, length);
  }

  /**
   * Walks both to the first labels that differ and are not hidden. If both have one, these decide: an added label lies before, between or behind both
   * of them, and in no place does it change their order. Where one has ended, labels that are added behind the other's next one make it the greater.
   */
  compare(a: Uint8Array, b: Uint8Array): number {
    let i = 0;
    let j = 0;
    for (;;) {
      // What both have in common stays in common, hidden or not.
      const common = commonBytes(a, i, b, j, Math.min(a.length - i, b.length - j));
      const labels = wholeLabelBytes(a, i, common);
      i = this.#skipHidden(a, i + labels);
      j = this.#skipHidden(b, j + labels);
      if (i === a.length || j === b.length) return this.#compareEnds(a, i, b, j);
      const order = compareLabel(a, i, b, j);
      if (order !== 0) return order;
      i = labelEnd(a, i);
      j = labelEnd(b, j);
    }
  }

  #compareEnds(a: Uint8Array, i: number, b: Uint8Array, j: number): number {
    if (i === a.length && j === b.length) return 0;
    if (i === a.length) return this.#isBehindAdded(b, j) ? 1 : -1;
    return this.#isBehindAdded(a, i) ? -1 : 1;
  }

  /** Whether an added label comes behind the one at `at`. */
  #isBehindAdded(bytes: Uint8Array, at: number): boolean {
    return this.#lastAdded >= 0 && this.#hidden.compare(bytes, at, this.#lastAdded) < 0;
  }

  #skipHidden(bytes: Uint8Array, at: number): number {
    while (at < bytes.length && this.#hidden.has(bytes, at)) at = labelEnd(bytes, at);
    return at;
  }
}

function formOf(label: Label | undefined): Uint8Array {
  return canonicalLabels(label === undefined ? [] : [label]);
}

/** In how many of the next `length` bytes both agree before they first differ. */
function commonBytes(a: Uint8Array, i: number, b: Uint8Array, j: number, length: number): number {
  let common = 0;
  while (common < length && a[i + common] === b[j + common]) common += 1;
  return common;
}

/** The bytes of those labels from `at` on that lie wholly within the next `length`. */
function wholeLabelBytes(bytes: Uint8Array, at: number, length: number): number {
  let whole = at;
  while (whole < at + length) {
    const end = labelEnd(bytes, whole);
    if (end > at + length) break;
    whole = end;
  }
  return whole - at;
}

/** The order of two labels by name and value. */
function compareLabel(a: Uint8Array, i: number, b: Uint8Array, j: number): number {
  i = varintEnd(a, i + 1);
  j = varintEnd(b, j + 1);
  for (let part = 0; part < 2; part += 1) {
    const left = varintEnd(a, i + 1);
    const leftEnd = left + varintAt(a, i + 1);
    const right = varintEnd(b, j + 1);
    const rightEnd = right + varintAt(b, j + 1);
    const shorter = Math.min(leftEnd - left, rightEnd - right);
    const common = commonBytes(a, left, b, right, shorter);
    if (common < shorter) return a[left + common]! - b[right + common]!;
    if (leftEnd - left !== rightEnd - right) return leftEnd - left - (rightEnd - right);
    i = leftEnd;
    j = rightEnd;
  }
  return 0;
}

function copyAll(from: Uint8Array, to: Uint8Array, at: number): number {
  return copy(from, 0, from.length, to, at);
}

/** Copies `from[start, end)`, and gives the place behind it. Short runs are copied byte by byte: a view of them would cost more. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start > 64) {
    to.set(from.subarray(start, end), at);
  } else {
    for (let k = start; k < end; k += 1) to[at + k - start] = from[k]!;
  }
  return at + end - start;
}
