import { compareUtf8, varintAt, varintEnd } from '@gauntlet/model';

/** Names of labels, to be looked for in canonical labels without decoding those. */
export class CanonicalNames {
  /** In the order of their bytes. */
  readonly names: readonly string[];
  readonly #bytes: readonly Uint8Array[];

  constructor(names: Iterable<string>) {
    this.names = [...new Set(names)].sort(compareUtf8);
    this.#bytes = this.names.map((name) => encoder.encode(name));
  }

  /** Whether the label at `at` has one of the names. */
  has(labels: Uint8Array, at: number): boolean {
    let from = 0;
    let to = this.#bytes.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const order = this.compare(labels, at, middle);
      if (order === 0) return true;
      if (order < 0) to = middle;
      else from = middle + 1;
    }
    return false;
  }

  /** The order of the name of the label at `at` and the name of this index. */
  compare(labels: Uint8Array, at: number, index: number): number {
    const name = this.#bytes[index]!;
    const lengthAt = varintEnd(labels, at + 1) + 1;
    const length = varintAt(labels, lengthAt);
    const from = varintEnd(labels, lengthAt);
    const common = Math.min(length, name.length);
    for (let k = 0; k < common; k += 1) {
      const difference = labels[from + k]! - name[k]!;
      if (difference !== 0) return difference;
    }
    return length - name.length;
  }
}

/** The place behind the label at `at`. */
export function labelEnd(labels: Uint8Array, at: number): number {
  return varintEnd(labels, at + 1) + varintAt(labels, at + 1);
}

const encoder = new TextEncoder();
