/**
 * Postings in ascending order, each once: unsigned 32-bit numbers that stand for series. A cursor is used by one reader, from its beginning to its end.
 */
export interface PostingsCursor {
  /** Steps to the next posting and gives it; -1 at the end. */
  next(): number;
  /** The first posting that is not below `least`, but never one before the current one: which it gives again if that is not below. -1 at the end. */
  seek(least: number): number;
}

export const noPostings: PostingsCursor = { next: () => -1, seek: () => -1 };

/** Those of a list in memory, which must not change meanwhile: `list[from, to)`. */
export function postingsOfList(list: Uint32Array, from = 0, to = list.length): PostingsCursor {
  return new ListCursor(list, from, to);
}

/** Those that are in all of them. */
export function intersectPostings(cursors: readonly PostingsCursor[]): PostingsCursor {
  if (cursors.length === 0) return noPostings;
  return cursors.length === 1 ? cursors[0]! : new Intersection(cursors);
}

/** Those that are in any of a few: each step looks at all of them. `PostingsUnion` takes any number. */
export function unionPostings(cursors: readonly PostingsCursor[]): PostingsCursor {
  if (cursors.length === 0) return noPostings;
  return cursors.length === 1 ? cursors[0]! : new Union(cursors);
}

/** Those of the first that are not in the second. */
export function subtractPostings(from: PostingsCursor, taken: PostingsCursor): PostingsCursor {
  return taken === noPostings ? from : new Difference(from, taken);
}

class ListCursor implements PostingsCursor {
  readonly #list: Uint32Array;
  readonly #to: number;
  #at: number;
  #isStarted = false;

  constructor(list: Uint32Array, from: number, to: number) {
    this.#list = list;
    this.#at = from;
    this.#to = to;
  }

  next(): number {
    if (this.#isStarted && this.#at < this.#to) this.#at += 1;
    this.#isStarted = true;
    return this.#current();
  }

  /** Doubles its steps until it is past the place, then halves them: near places are found at once, far ones in logarithmic time. */
  seek(least: number): number {
    this.#isStarted = true;
    const list = this.#list;
    if (this.#at >= this.#to || list[this.#at]! >= least) return this.#current();
    let below = this.#at;
    let step = 1;
    while (below + step < this.#to && list[below + step]! < least) {
      below += step;
      step *= 2;
    }
    let end = Math.min(below + step, this.#to);
    while (below + 1 < end) {
      const middle = (below + end) >>> 1;
      if (list[middle]! < least) below = middle;
      else end = middle;
    }
    this.#at = end;
    return this.#current();
  }

  #current(): number {
    return this.#at < this.#to ? this.#list[this.#at]! : -1;
  }
}

class Intersection implements PostingsCursor {
  readonly #cursors: readonly PostingsCursor[];

  constructor(cursors: readonly PostingsCursor[]) {
    this.#cursors = cursors;
  }

  next(): number {
    return this.#agree(this.#cursors[0]!.next());
  }

  seek(least: number): number {
    return this.#agree(this.#cursors[0]!.seek(least));
  }

  /** Whoever is further on is followed by the others, until all have come to the same place. */
  #agree(candidate: number): number {
    const cursors = this.#cursors;
    for (let agreed = 1, turn = 1; agreed < cursors.length && candidate >= 0; turn = (turn + 1) % cursors.length) {
      const found = cursors[turn]!.seek(candidate);
      agreed = found === candidate ? agreed + 1 : 1;
      candidate = found;
    }
    return candidate;
  }
}

class Union implements PostingsCursor {
  readonly #cursors: readonly PostingsCursor[];
  readonly #heads: number[];
  #current = -1;

  constructor(cursors: readonly PostingsCursor[]) {
    this.#cursors = cursors;
    this.#heads = cursors.map((cursor) => cursor.next());
  }

  next(): number {
    return this.#least(this.#current + 1);
  }

  seek(least: number): number {
    return this.#least(Math.max(least, this.#current));
  }

  #least(least: number): number {
    let smallest = -1;
    for (let index = 0; index < this.#heads.length; index += 1) {
      let head = this.#heads[index]!;
      if (head >= 0 && head < least) head = this.#heads[index] = this.#cursors[index]!.seek(least);
      if (head >= 0 && (smallest < 0 || head < smallest)) smallest = head;
    }
    // At the end, the last one stays: a step further finds nothing either.
    if (smallest >= 0) this.#current = smallest;
    return smallest;
  }
}

class Difference implements PostingsCursor {
  readonly #from: PostingsCursor;
  readonly #taken: PostingsCursor;

  constructor(from: PostingsCursor, taken: PostingsCursor) {
    this.#from = from;
    this.#taken = taken;
  }

  next(): number {
    return this.#left(this.#from.next());
  }

  seek(least: number): number {
    return this.#left(this.#from.seek(least));
  }

  #left(candidate: number): number {
    while (candidate >= 0 && this.#taken.seek(candidate) === candidate) candidate = this.#from.next();
    return candidate;
  }
}
