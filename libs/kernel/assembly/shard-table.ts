import { allocate, release } from './shard-memory';
import { sLabels, sLabelsLength, sTag } from './series-layout';
import { equalBytes } from './shard-series';

/**
 * Finds series by the hash of their labels: open addressing with linear probing, at most 7 of 10 slots in use. A slot holds
 * the low half of the hash and the address of the series (0: empty), so that growing reads no series. Removal shifts
 * the cluster back; there are no tombstones.
 */
let slots: u32 = 0;
/** Odd and random, so that nobody can choose labels that share slots. */
let seed: u64 = 0;
export let tableMask: u32 = 0;
export let seriesCount: u32 = 0;
/** Counts the times that every slot moved: whoever walks the slots across calls begins anew. */
export let tableGeneration: u32 = 0;

// @ts-ignore: decorator
@inline
export function slotAt(index: u32): usize {
  return <usize>slots + (<usize>index << 3);
}

/** Where the search for a tag begins. */
// @ts-ignore: decorator
@inline
function homeOf(tag: u32): u32 {
  return <u32>((<u64>tag * seed) >> 32) & tableMask;
}

function makeSlots(count: u32): void {
  slots = allocate(count << 3);
  memory.fill(slots, 0, count << 3);
  tableMask = count - 1;
  tableGeneration += 1;
}

export function openTable(random: u64): void {
  seed = random | 1;
  if (slots == 0) makeSlots(1024);
}

/** The first series whose tag agrees, to warm the cache with; 0 for none. Its labels still need comparing. */
// @ts-ignore: decorator
@inline
export function candidate(tag: u32): u32 {
  let mask = tableMask;
  let i = homeOf(tag);
  while (true) {
    let slot = slotAt(i);
    let s = load<u32>(slot, 4);
    if (s == 0 || load<u32>(slot) == tag) return s;
    i = (i + 1) & mask;
  }
}

export function find(tag: u32, labels: usize, length: u32): u32 {
  let mask = tableMask;
  let i = homeOf(tag);
  while (true) {
    let slot = slotAt(i);
    let s = load<u32>(slot, 4);
    if (s == 0) return 0;
    if (load<u32>(slot) == tag && load<u32>(s, sLabelsLength) == length && equalBytes(<usize>s + sLabels, labels, length)) return s;
    i = (i + 1) & mask;
  }
}

function place(tag: u32, s: u32): void {
  let mask = tableMask;
  let i = homeOf(tag);
  while (load<u32>(slotAt(i), 4) != 0) i = (i + 1) & mask;
  store<u32>(slotAt(i), tag);
  store<u32>(slotAt(i), s, 4);
}

function grow(): void {
  let old = slots;
  let count = tableMask + 1;
  makeSlots(count << 1);
  for (let i: u32 = 0; i < count; i++) {
    let slot = <usize>old + (<usize>i << 3);
    let s = load<u32>(slot, 4);
    if (s != 0) place(load<u32>(slot), s);
  }
  release(old);
}

/** Bytes of the tables that `more` series may make necessary, and of the lists of a snapshot that begins anew for them. */
export function tableNeed(more: u32): u64 {
  let need: u64 = 0;
  let room = <u64>tableMask + 1;
  while (<u64>seriesCount + more + 1 >= room * 7 / 10) {
    room <<= 1;
    need += room * 14 + 65536;
  }
  return need;
}

/** Most series that fit before every slot moves. */
export function tableRoom(): u32 {
  return <u32>((<u64>tableMask + 1) * 7 / 10) + 1;
}

export function insert(tag: u32, s: u32): void {
  if (seriesCount + 1 >= tableRoom()) grow();
  place(tag, s);
  seriesCount += 1;
}

/** Empties a slot and closes the gap; what follows in the cluster may have moved into it. */
export function removeAt(index: u32): void {
  let mask = tableMask;
  let hole = index;
  let i = hole;
  while (true) {
    i = (i + 1) & mask;
    let slot = slotAt(i);
    if (load<u32>(slot, 4) == 0) break;
    let home = homeOf(load<u32>(slot));
    // It may move back only if its home is not behind the hole.
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      store<u64>(slotAt(hole), load<u64>(slot));
      hole = i;
    }
  }
  store<u64>(slotAt(hole), 0);
  seriesCount -= 1;
}

/** Takes a series out of the table. */
export function remove(s: u32): void {
  let i = homeOf(load<u32>(s, sTag));
  while (load<u32>(slotAt(i), 4) != s) i = (i + 1) & tableMask;
  removeAt(i);
}
