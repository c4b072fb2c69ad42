import type { LabelOverlay } from './overlay.js';

/** A series as it is stored, with whatever its reader needs to come back to it. */
export interface StoredSeries<Handle> {
  /** Canonical; valid until the next call. */
  readonly labels: Uint8Array;
  /** Valid for as long as it is kept. */
  readonly handle: Handle;
}

/** Gives the next series, or undefined at the end; at once where it can. At most one call at a time. */
export type StoredSeriesReader<Handle> = () =>
  StoredSeries<Handle> | undefined | Promise<StoredSeries<Handle> | undefined>;

/**
 * Brings series that come in the order of their stored labels into that of their final ones, where the overlay adds labels but hides none that are
 * stored. Adding the same labels everywhere changes the order of two series only if the labels of one begin those of the other: with `c` added, {a}
 * stands before {a, b} and {a, c} behind {a, b, c}. So a series waits while longer ones that begin with it may follow. Those that wait begin each other,
 * and hence are no more than a series has labels.
 */
export function repairOrder<Handle>(
  reader: StoredSeriesReader<Handle>,
  overlay: Pick<LabelOverlay, 'compare'>,
): StoredSeriesReader<Handle> {
  const repair = new OrderRepair(reader, overlay);
  return () => repair.next();
}

class OrderRepair<Handle> {
  readonly #reader: StoredSeriesReader<Handle>;
  readonly #overlay: Pick<LabelOverlay, 'compare'>;
  /** Copies of those that wait, in their final order. */
  readonly #held: StoredSeries<Handle>[] = [];
  /** What the reader has given last: its view, until the reader is asked again. */
  #upcoming: StoredSeries<Handle> | undefined;
  #isEnded = false;

  constructor(reader: StoredSeriesReader<Handle>, overlay: Pick<LabelOverlay, 'compare'>) {
    this.#reader = reader;
    this.#overlay = overlay;
  }

  next(): StoredSeries<Handle> | undefined | Promise<StoredSeries<Handle> | undefined> {
    for (;;) {
      if (this.#upcoming === undefined && !this.#isEnded) {
        const read = this.#reader();
        if (read instanceof Promise) return this.#nextLater(read);
        this.#take(read);
      }
      if (this.#mayRelease()) return this.#held.shift();
      if (this.#upcoming === undefined) return undefined;
      this.#hold(this.#upcoming);
      this.#upcoming = undefined;
    }
  }

  async #nextLater(pending: Promise<StoredSeries<Handle> | undefined>): Promise<StoredSeries<Handle> | undefined> {
    this.#take(await pending);
    return this.next();
  }

  #take(read: StoredSeries<Handle> | undefined): void {
    this.#upcoming = read;
    this.#isEnded = read === undefined;
  }

  /**
   * Whether the smallest one may go. It may if it does not begin the upcoming one, for then it begins none that comes later either. It also may if there
   * is any other of that kind: whatever comes later stands behind that one, which stands behind the smallest.
   */
  #mayRelease(): boolean {
    const upcoming = this.#upcoming;
    if (upcoming === undefined) return this.#held.length > 0;
    return this.#held.some(({ labels }) => !begins(labels, upcoming.labels));
  }

  #hold({ labels, handle }: StoredSeries<Handle>): void {
    const copy = { labels: labels.slice(), handle };
    let place = this.#held.length;
    while (place > 0 && this.#overlay.compare(copy.labels, this.#held[place - 1]!.labels) < 0) place -= 1;
    this.#held.splice(place, 0, copy);
  }
}

/** Labels delimit themselves: bytes that begin others are whole labels of those. */
function begins(labels: Uint8Array, others: Uint8Array): boolean {
  if (labels.length > others.length) return false;
  // From the end: neighbours tell apart late.
  for (let at = labels.length - 1; at >= 0; at -= 1) if (labels[at] !== others[at]) return false;
  return true;
}
