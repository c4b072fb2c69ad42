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

  has(ref: number): boolean {
    const at = ref % pageRefs;
    return ((this.#pages.get(Math.floor(ref / pageRefs))?.bits[at >>> 5] ?? 0) & (1 << (at & 31))) !== 0;
  }
}

const pageRefs = 16_384;
