import {
  rejectedItems,
  rejectionReasons,
  type RejectedItem,
  type Rejection,
  type RejectionReason,
} from './rejection.js';

/** u32 series, first, count; u8 item and reason, by their places in the lists of rejection.ts. */
const runWords = 4;
const runsMin = 16;

/**
 * What was refused of a request, in 16 bytes a run: a hostile request has millions of them. In the order in which it was added, except that
 * neighbouring items make one run.
 */
export class RejectionList implements Iterable<Rejection> {
  #words = new Uint32Array(0);
  #length = 0;
  readonly #counts = new Map<RejectionReason, number>();
  #limitedSeries = 0;
  #lastLimited = -1;

  /** Runs. */
  get length(): number {
    return this.#length;
  }

  /** Items refused for a reason; a series stands for one. */
  count(reason: RejectionReason): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** Different series of which something was refused for their number; exact when each was added in one go. */
  get limitedSeries(): number {
    return this.#limitedSeries;
  }

  /** Adds items; none is added twice. */
  add(series: number, item: RejectedItem, reason: RejectionReason, first = 0, count = 1): void {
    if (count === 0) return;
    this.#counts.set(reason, this.count(reason) + count);
    if (reason === 'seriesLimit' && series !== this.#lastLimited) {
      this.#limitedSeries += 1;
      this.#lastLimited = series;
    }
    const kind = itemNumbers[item] | (reasonNumbers[reason] << 8);
    const last = (this.#length - 1) * runWords;
    const isSameKind = this.#length > 0 && this.#words[last] === series && this.#words[last + 3] === kind;
    if (isSameKind && this.#words[last + 1]! + this.#words[last + 2]! === first) {
      this.#words[last + 2] = this.#words[last + 2]! + count;
      return;
    }
    const at = this.#length * runWords;
    if (at === this.#words.length) this.#grow();
    this.#words.set([series, first, count, kind], at);
    this.#length += 1;
  }

  *[Symbol.iterator](): Generator<Rejection> {
    for (let at = 0; at < this.#length * runWords; at += runWords) {
      const kind = this.#words[at + 3]!;
      yield {
        series: this.#words[at]!,
        item: rejectedItems[kind & 0xff]!,
        first: this.#words[at + 1]!,
        count: this.#words[at + 2]!,
        reason: rejectionReasons[kind >>> 8]!,
      };
    }
  }

  #grow(): void {
    const larger = new Uint32Array(Math.max(runsMin * runWords, this.#words.length * 2));
    larger.set(this.#words);
    this.#words = larger;
  }
}

function numbersOf<T extends string>(names: readonly T[]): Readonly<Record<T, number>> {
  return Object.fromEntries(names.map((name, number) => [name, number])) as Record<T, number>;
}

const itemNumbers = numbersOf(rejectedItems);
const reasonNumbers = numbersOf(rejectionReasons);
