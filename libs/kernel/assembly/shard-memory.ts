/**
 * Memory of a shard: pages of 16 KiB behind the module's static data, taken from the end of linear memory or from what was
 * given back. Small blocks (16 to 2,048 bytes, in steps of 16) share pages, one size to a page, so that a page whose blocks are all
 * free can serve another size: series are scraped in lockstep and outgrow a size all at the same time. Larger blocks get
 * runs of whole pages.
 *
 * page of small blocks
 *    0  u32  block size (0: first page of a run)
 *    4  u32  blocks in use (a run: number of pages)
 *    8  u32  first free block, linked through their first word; 0 for none
 *   12  u32  offset of the space never handed out yet
 *   16  u32  next and
 *   20  u32  previous page of the same size with room
 *   32       blocks
 *
 * Addresses are u32 and may pass 2 GiB: they are compared unsigned, as usize is.
 */
export const pageBytes: u32 = 16384;
const pageHeader: u32 = 32;
const smallMax: u32 = 2048;
/** The last wasm page stays unused, so that no address overflows. */
let wasmPagesMax: u32 = 65535;
/** What appends leave free for a walk over the series, and for the table of a replay. */
let headroomPages: u32 = 2048;

export function limitMemory(pages: u32): void {
  wasmPagesMax = min<u32>(pages, 65535);
  headroomPages = max<u32>(wasmPagesMax >> 5, 256);
}

const classes: usize = memory.data((2048 / 16 + 1) * 4, 16);

let brk: u32 = 0;
let freePages: u32 = 0;
let freePageCount: u32 = 0;
let freeRuns: u32 = 0;

/** As far as memory has been reserved for the request that is being appended; 0 when none is. */
let reservedEnd: u64 = 0;

function growTo(end: u64, pagesMax: u32): bool {
  let have = (<u64>memory.size()) << 16;
  if (end <= have) return true;
  let need = <u32>((end - have + 65535) >> 16);
  let step = (<u32>memory.size()) >> 4;
  if (step > 1024) step = 1024;
  if (need > step) step = need;
  if (<u32>memory.size() + step > pagesMax) step = need;
  if (<u32>memory.size() + step > pagesMax) return false;
  return memory.grow(step) >= 0;
}

function takePages(count: u32): u32 {
  if (brk == 0) brk = (<u32>__heap_base + pageBytes - 1) & ~(pageBytes - 1);
  let end = <u64>brk + <u64>count * pageBytes;
  if (!growTo(end, wasmPagesMax)) unreachable(); // The caller has reserved what a batch can need at most.
  let page = brk;
  brk = <u32>end;
  return page;
}

/**
 * Makes sure that so many bytes can be taken; false when the host or the address space has no more. Free pages serve small blocks only:
 * they need not be neighbours. Packing wastes up to an eighth of a page, and each size begins one of its own.
 */
export function reserveBytes(small: u64, runs: u64, isAppend: bool): bool {
  if (brk == 0) brk = (<u32>__heap_base + pageBytes - 1) & ~(pageBytes - 1);
  let pages = small + (small >> 2) + <u64>(smallMax / 16 + 4) * pageBytes;
  let free = <u64>freePageCount * pageBytes;
  let need = runs + (pages > free ? pages - free : 0);
  let end = <u64>brk + need;
  if (!growTo(end, isAppend ? wasmPagesMax - headroomPages : wasmPagesMax)) return false;
  reservedEnd = end;
  return true;
}

/** No request is being appended any more: nothing is set aside for it. */
export function endReservation(): void {
  reservedEnd = 0;
}

/** Makes sure of one block besides what has been reserved; it may use the headroom. */
export function reserveBlock(bytes: u32): bool {
  let isSmall = bytes <= smallMax;
  if (isSmall) {
    if (load<u32>(classes + ((<usize>((bytes + 15) >> 4)) << 2)) != 0) return true;
    if (reservedEnd == 0 && (freePageCount != 0 || freeRuns != 0)) return true;
  }
  let need = isSmall ? <u64>pageBytes : (<u64>bytes + pageHeader + pageBytes - 1) & ~(<u64>pageBytes - 1);
  let end = max<u64>(reservedEnd, <u64>brk) + need;
  if (!growTo(end, wasmPagesMax)) return false;
  if (reservedEnd != 0) reservedEnd = end;
  return true;
}

function takePage(): u32 {
  let page = freePages;
  if (page != 0) {
    freePages = load<u32>(page);
    freePageCount -= 1;
    return page;
  }
  // A run that was given back (an outgrown table) feeds single pages.
  let run = freeRuns;
  if (run != 0) {
    let count = load<u32>(run, 4);
    if (count > 1) {
      store<u32>(run, count - 1, 4);
      return run + (count - 1) * pageBytes;
    }
    freeRuns = load<u32>(run);
    return run;
  }
  return takePages(1);
}

function givePage(page: u32): void {
  store<u32>(page, freePages);
  freePages = page;
  freePageCount += 1;
}

function allocateRun(bytes: u32): u32 {
  let count = (bytes + pageHeader + pageBytes - 1) / pageBytes;
  let previous: u32 = 0;
  let run = freeRuns;
  while (run != 0) {
    let have = load<u32>(run, 4);
    if (have >= count) {
      if (have > count) {
        store<u32>(run, have - count, 4);
        run += (have - count) * pageBytes;
      } else if (previous == 0) {
        freeRuns = load<u32>(run);
      } else {
        store<u32>(previous, load<u32>(run));
      }
      store<u32>(run, 0);
      store<u32>(run, count, 4);
      return run + pageHeader;
    }
    previous = run;
    run = load<u32>(run);
  }
  run = takePages(count);
  store<u32>(run, 0);
  store<u32>(run, count, 4);
  return run + pageHeader;
}

function unlink(slot: usize, page: u32): void {
  let next = load<u32>(page, 16);
  let previous = load<u32>(page, 20);
  if (previous == 0) store<u32>(slot, next);
  else store<u32>(previous, next, 16);
  if (next != 0) store<u32>(next, previous, 20);
}

function link(slot: usize, page: u32): void {
  let next = load<u32>(slot);
  store<u32>(page, next, 16);
  store<u32>(page, 0, 20);
  if (next != 0) store<u32>(next, page, 20);
  store<u32>(slot, page);
}

/** A block of at least `bytes`, aligned to 16. Its contents are undefined. */
export function allocate(bytes: u32): u32 {
  if (bytes > smallMax) return allocateRun(bytes);
  let size = (bytes + 15) & ~15;
  let slot = classes + ((<usize>(size >> 4)) << 2);
  let page = load<u32>(slot);
  if (page == 0) {
    page = takePage();
    store<u32>(page, size);
    store<u32>(page, 0, 4);
    store<u32>(page, 0, 8);
    store<u32>(page, pageHeader, 12);
    link(slot, page);
  }
  store<u32>(page, load<u32>(page, 4) + 1, 4);
  let block = load<u32>(page, 8);
  if (block != 0) {
    store<u32>(page, load<u32>(block), 8);
  } else {
    let offset = load<u32>(page, 12);
    block = page + offset;
    store<u32>(page, offset + size, 12);
  }
  if (load<u32>(page, 8) == 0 && load<u32>(page, 12) + size > pageBytes) unlink(slot, page);
  return block;
}

export function release(block: u32): void {
  let page = block & ~(pageBytes - 1);
  let size = load<u32>(page);
  if (size == 0) {
    store<u32>(page, freeRuns);
    freeRuns = page; // The number of pages is where it was.
    return;
  }
  let slot = classes + ((<usize>(size >> 4)) << 2);
  let wasFull = load<u32>(page, 8) == 0 && load<u32>(page, 12) + size > pageBytes;
  store<u32>(block, load<u32>(page, 8));
  store<u32>(page, block, 8);
  let used = load<u32>(page, 4) - 1;
  store<u32>(page, used, 4);
  if (wasFull) link(slot, page);
  // One empty page of a size stays, so that a block going to and fro does not drag its page along.
  if (used == 0 && (load<u32>(page, 16) != 0 || load<u32>(page, 20) != 0)) {
    unlink(slot, page);
    givePage(page);
  }
}

/** End of what was ever handed out. */
export function usedBytes(): u32 {
  return brk - freePageCount * pageBytes;
}
