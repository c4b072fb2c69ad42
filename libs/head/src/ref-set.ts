/** Refs that can be posted to another thread: bits of each page of 16,384 that is not empty, by its number. */
export type RefPages = ReadonlyMap<number, Uint32Array>;

/** A set of series refs, which are dense: a bit each, in pages that exist only where refs are. */
export class RefSet {
  readonly #pages = new Map<number, { bits: Uint32Array; count: number }>();

  add(ref: number): void {
    const key = Math.floor(ref / pageRefs);
    let page = this.#pages.get(key);
    if (page === undefined) this.#pages.set(key, (page = { bits: new Uint32Array(pageRefs / 32), count: 0 }));
    const at = ref % pageRefs;
    const mask = 1 << (at & 31);
    if (page.bits[at >>> 5]! & mask) return;
    page.bits[at >>> 5]! |= mask;
    page.count += 1;
  }

  delete(ref: number): void {
    const key = Math.floor(ref / pageRefs);
    const page = this.#pages.get(key);
    const at = ref % pageRefs;
    const mask = 1 << (at & 31);
    if (page === undefined || !(page.bits[at >>> 5]! & mask)) return;
    page.bits[at >>> 5]! &= ~mask;
    page.count -= 1;
    if (page.count === 0) this.#pages.delete(key);
  }

  get isEmpty(): boolean {
    return this.#pages.size === 0;
  }

  /** Views of the pages that are not empty. */
  *pages(): Generator<readonly [page: number, bits: Uint32Array]> {
    for (const [page, { bits }] of this.#pages) yield [page, bits];
  }
}

const pageRefs = 16_384;

/** What is in any of the sets, as a copy. */
export function unionOfRefs(sets: readonly RefSet[]): RefPages {
  const union = new Map<number, Uint32Array>();
  for (const set of sets) {
    for (const [page, bits] of set.pages()) {
      const sum = union.get(page);
      if (sum === undefined) union.set(page, bits.slice());
      else for (let i = 0; i < bits.length; i += 1) sum[i]! |= bits[i]!;
    }
  }
  return union;
}

export function hasRef(pages: RefPages, ref: number): boolean {
  const at = ref % pageRefs;
  return ((pages.get(Math.floor(ref / pageRefs))?.[at >>> 5] ?? 0) & (1 << (at & 31))) !== 0;
}
