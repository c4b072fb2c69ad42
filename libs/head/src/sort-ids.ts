import { SeriesSort, type SortOverlay } from '@gauntlet/kernel';
import { compareUtf8 } from '@gauntlet/model';
import type { LabelOverlay, Pace } from '@gauntlet/select';
import type { HeadIndex, HeldIndex } from './head-index.js';

/** So few are sorted here: the kernel wants memory. */
const fewIds = 64;
const sortSteps = 256;
const idsPerLook = 256;

/** Sorts ids of one shard's series by final labels, in slices. Those whose series have gone are left out. */
export async function sortIds(
  index: HeadIndex,
  held: HeldIndex,
  shard: number,
  ids: Uint32Array,
  overlay: LabelOverlay,
  pace: Pace,
): Promise<Uint32Array> {
  if (ids.length <= fewIds) return sortFew(index, held, ids, overlay);
  const sort = new SeriesSort(index.shard(shard), ids.length, overlayOf(held, overlay));
  try {
    for (;;) {
      const sorted = await trySort(index, held, shard, ids, sort, pace);
      if (sorted !== undefined) return sorted;
    }
  } finally {
    sort.close();
  }
}

function sortFew(index: HeadIndex, { table }: HeldIndex, ids: Uint32Array, overlay: LabelOverlay): Uint32Array {
  const series = [...ids]
    .filter((id) => table.isAlive(id))
    .map((id) => ({ id, labels: index.reader(table.shard(id)).labels(table.address(id)) }));
  series.sort((a, b) => overlay.compare(a.labels, b.labels));
  return Uint32Array.from(series, ({ id }) => id);
}

/** Hidden names that no series has need not be looked for. */
function overlayOf({ labels }: HeldIndex, { hidden, added }: LabelOverlay): SortOverlay {
  const names = added.map(({ name }) => name).sort(compareUtf8);
  return { hidden: hidden.filter((name) => labels.name(name) !== undefined), lastAdded: names.at(-1) };
}

/** Undefined when a series has gone meanwhile: where it was there is something else, and what was compared with that is in no order. */
async function trySort(
  index: HeadIndex,
  { table }: HeldIndex,
  shard: number,
  ids: Uint32Array,
  sort: SeriesSort,
  pace: Pace,
): Promise<Uint32Array | undefined> {
  const gone = table.deadCount;
  let count = 0;
  for (let i = 0; i < ids.length;) {
    const { addresses } = sort;
    const until = Math.min(ids.length, i + sortSteps);
    for (; i < until; i += 1) if (table.isAlive(ids[i]!)) addresses[count++] = table.address(ids[i]!);
    if (pace.isDue) await pace.rest();
  }
  if (table.deadCount !== gone) return undefined;
  sort.begin(count);
  while (sort.step(sortSteps)) {
    if (!pace.isDue) continue;
    await pace.rest();
    if (table.deadCount !== gone) return undefined;
  }
  const sorted = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) {
    const reader = index.reader(shard);
    const from = sort.sorted(count);
    const until = Math.min(count, i + idsPerLook);
    for (; i < until; i += 1) sorted[i] = table.idOf(reader.ref(from[i]!));
    i -= 1;
    if (!pace.isDue) continue;
    await pace.rest();
    if (table.deadCount !== gone) return undefined;
  }
  return sorted;
}
