import { varintAt, varintEnd } from '@gauntlet/model';
import { mergeTexts, type LabelQuery, type Pace } from '@gauntlet/select';
import type { HeadIndex, HeldIndex } from './head-index.js';
import type { IdListReader } from './id-lists.js';
import { noValue, type IndexedName } from './label-index.js';
import { findValue, matchSeries, type MatchedSeries } from './match-series.js';
import { sortTexts } from './sort-texts.js';

/** More values of a name than this are sorted for each call: strings of a label with a value for each series take much memory. */
const keptValuesMax = 100_000;
/** What reading a series' labels costs, in ids of a list. */
const labelsCost = 64;
const valuesPerLook = 128;
const seriesPerLook = 128;

/** Which ids count. */
type IsWanted = (id: number) => boolean;

/** Names of labels of the series that match, in the order of their bytes. */
export async function selectLabelNames(index: HeadIndex, held: HeldIndex, query: LabelQuery): Promise<string[]> {
  const found =
    query.matchers.length === 0
      ? await namesOfAll(held, query)
      : await namesOfMatched(index, held, await matchSeries(index, held, query.matchers, query.pace), query);
  return sortTexts(found, query.pace);
}

/** Values of a label of the series that match, in the order of their bytes. */
export async function selectLabelValues(
  index: HeadIndex,
  held: HeldIndex,
  name: string,
  query: LabelQuery,
): Promise<readonly string[]> {
  const indexed = held.labels.name(name);
  if (indexed === undefined) return [];
  const isForAll = query.matchers.length === 0 && query.limit === 0 && isLiveIn(held) === undefined;
  if (isForAll && indexed.valueCount <= keptValuesMax) return sortedValues(held, indexed, query.pace);
  return sortTexts(await valuesOf(index, held, indexed, query), query.pace);
}

/** All values of a name: those that have come since the last time are sorted in. */
async function sortedValues({ labels }: HeldIndex, name: IndexedName, pace: Pace): Promise<readonly string[]> {
  const { sorted, valueCount } = name;
  const fresh: string[] = [];
  for (let value = name.newest; sorted.length + fresh.length < valueCount; value = labels.olderValue(value))
    fresh.push(labels.text(value));
  if (fresh.length === 0) return sorted;
  const all = await mergeTexts([sorted, await sortTexts(fresh, pace)], pace);
  // Others may have been sorted in meanwhile.
  if (name.sorted === sorted) name.sorted = all;
  return all;
}

async function valuesOf(index: HeadIndex, held: HeldIndex, name: IndexedName, query: LabelQuery): Promise<string[]> {
  const { table } = held;
  if (query.matchers.length === 0) return valuesWith(held, name, isLiveIn(held), query);
  const matched = await matchSeries(index, held, query.matchers, query.pace);
  if (matched.ids.size() * labelsCost < name.seriesCount) return valuesOfMatched(index, held, matched, name, query);
  return valuesWith(
    held,
    name,
    (id) => id < held.count && matched.ids.has(id) && table.isAlive(id) && matched.check(id),
    query,
    matched.isCostly,
  );
}

function isLiveIn({ table, count }: HeldIndex): IsWanted | undefined {
  return table.deadCount === 0 && table.count === count ? undefined : (id) => id < count && table.isAlive(id);
}

/** Names that a live series has. */
async function namesOfAll(held: HeldIndex, { limit, pace }: LabelQuery): Promise<string[]> {
  const { labels } = held;
  const isWanted = isLiveIn(held);
  const reader = labels.reader();
  const found: string[] = [];
  for (const name of labels.names) {
    if (found.length === limit && limit > 0) break;
    let value = name.newest;
    while (value !== noValue && isWanted !== undefined && !(await hasAny(reader, value, isWanted, pace))) {
      value = labels.olderValue(value);
    }
    if (value !== noValue) found.push(name.name);
  }
  return found;
}

/** Values of a name with a series that is wanted; with any at all when that is undefined. */
async function valuesWith(
  { labels }: HeldIndex,
  name: IndexedName,
  isWanted: IsWanted | undefined,
  { limit, pace }: LabelQuery,
  isCostly = false,
): Promise<string[]> {
  const reader = labels.reader();
  const found: string[] = [];
  let looked = 0;
  for (let value = name.newest; value !== noValue; value = labels.olderValue(value)) {
    if (isWanted === undefined || (await hasAny(reader, value, isWanted, pace, isCostly)))
      found.push(labels.text(value));
    if (found.length === limit && limit > 0) break;
    looked += 1;
    if (looked % valuesPerLook === 0 && pace.isDue) await pace.rest();
  }
  return found;
}

async function hasAny(
  reader: IdListReader,
  value: number,
  isWanted: IsWanted,
  pace: Pace,
  isCostly = false,
): Promise<boolean> {
  reader.open(value);
  while (reader.next()) {
    for (let i = 0; i < reader.length; i += 1) {
      if (isCostly && pace.isDue) await pace.rest();
      if (isWanted(reader.ids[i]!)) return true;
    }
    if (pace.isDue) await pace.rest();
  }
  return false;
}

async function valuesOfMatched(
  index: HeadIndex,
  held: HeldIndex,
  matched: MatchedSeries,
  name: IndexedName,
  { limit, pace }: LabelQuery,
): Promise<string[]> {
  const found = new Set<string>();
  await walkMatched(index, held, matched, pace, (bytes, at, end) => {
    const value = findValue(bytes, at, end, name.bytes);
    if (value < 0) return false;
    const begin = varintEnd(bytes, value);
    found.add(Buffer.from(bytes.slice(begin, begin + varintAt(bytes, value))).toString());
    return found.size === limit;
  });
  return [...found];
}

async function namesOfMatched(
  index: HeadIndex,
  held: HeldIndex,
  matched: MatchedSeries,
  { limit, pace }: LabelQuery,
): Promise<string[]> {
  const found = new Set<IndexedName>();
  await walkMatched(index, held, matched, pace, (bytes, at, end) => {
    held.labels.namesOf(bytes, at, end, found);
    // Once all are found, no series has another.
    return (limit > 0 && found.size >= limit) || found.size === held.labels.names.length;
  });
  const names = [...found].map(({ name }) => name);
  return limit > 0 ? names.slice(0, limit) : names;
}

/** @param visit takes the canonical labels of a series, at [at, end) of `bytes`, and says whether that is enough */
async function walkMatched(
  index: HeadIndex,
  held: HeldIndex,
  matched: MatchedSeries,
  pace: Pace,
  visit: (bytes: Uint8Array, at: number, end: number) => boolean,
): Promise<void> {
  let looked = 0;
  for (const id of idsOf(held, matched)) {
    looked += 1;
    if ((matched.isCostly || looked % seriesPerLook === 0) && pace.isDue) await pace.rest();
    // It may have gone during a rest.
    if (!held.table.isAlive(id) || !matched.check(id)) continue;
    const reader = index.reader(held.table.shard(id));
    const s = held.table.address(id);
    const at = reader.labelsAt(s);
    if (visit(reader.bytes, at, at + reader.labelsLength(s))) return;
  }
}

function* idsOf({ table }: HeldIndex, { ids }: MatchedSeries): Generator<number> {
  const some = new Uint32Array(32);
  for (let word = 0; word < ids.words.length; word += 1) {
    const length = ids.idsOf(word, some, 0);
    for (let i = 0; i < length; i += 1) if (table.isAlive(some[i]!)) yield some[i]!;
  }
}
