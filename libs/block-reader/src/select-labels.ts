import { type IndexHeader, PostingsReader, type TableName } from '@gauntlet/block';
import { compareUtf8 } from '@gauntlet/model';
import type { LabelQuery, Pace } from '@gauntlet/select';
import type { EntryBatch } from './entry-batch.js';
import { listWindowBytes, matchSeries } from './match-series.js';
import { feedOf } from './ref-feed.js';
import type { RefSet } from './ref-set.js';

/** What reading a series' entry costs, in references of a list. */
const entryCost = 64;
const valuesPerLook = 64;

/** Names of labels of the series that match, in the order of their bytes. */
export async function selectLabelNames(header: IndexHeader, query: LabelQuery, batch: EntryBatch): Promise<string[]> {
  const { limit, matchers, pace } = query;
  const all = [...header.table.names.values()];
  if (matchers.length === 0) return limited(all, limit).map(({ name }) => name);
  const matched = await matchSeries(header, matchers, pace);
  if (matched.size === 0) return [];
  if (matched.size * entryCost < postingsOf(header, all)) return namesOfSeries(header, matched, query, batch);
  const found: string[] = [];
  for (const { name } of all) {
    if (limit > 0 && found.length === limit) break;
    if ((await valuesWith(header, name, matched, 1, pace)).length > 0) found.push(name);
  }
  return found;
}

/** Values of a label of the series that match, in the order of their bytes. */
export async function selectLabelValues(
  header: IndexHeader,
  name: string,
  query: LabelQuery,
  batch: EntryBatch,
): Promise<string[]> {
  const { limit, matchers, pace } = query;
  const known = header.table.names.get(name);
  if (known === undefined) return [];
  if (matchers.length === 0) return valuesWith(header, name, undefined, limit, pace);
  const matched = await matchSeries(header, matchers, pace);
  if (matched.size === 0) return [];
  return matched.size * entryCost < postingsOf(header, [known])
    ? valuesOfSeries(header, known, matched, query, batch)
    : valuesWith(header, name, matched, limit, pace);
}

/** About how many postings the lists of names have, each list's head counted as three: lists lie one behind the other. */
function postingsOf({ table, toc }: IndexHeader, names: readonly TableName[]): number {
  const all = [...table.names.values()];
  let bytes = 0;
  for (const name of names) {
    const next = all[all.indexOf(name) + 1];
    bytes += Math.max(0, (next?.firstListAt ?? toc.postingsTable) - name.firstListAt);
  }
  return bytes / 4;
}

/** Values of which a series is in the set; all of them without a set. */
async function valuesWith(
  { table, source }: IndexHeader,
  name: string,
  matched: RefSet | undefined,
  limit: number,
  pace: Pace,
): Promise<string[]> {
  const walk = table.walk(name);
  const lists = new PostingsReader(source, listWindowBytes);
  const found: string[] = [];
  let hasAny = matched === undefined;
  for (let looked = 1; limit === 0 || found.length < limit; looked += 1) {
    // Awaited only where there is something to wait for: there may be a million values.
    const has = walk.next();
    if (!(has instanceof Promise ? await has : has)) break;
    if (matched !== undefined) {
      hasAny = false;
      const reading = lists.read(walk.listAt, (refs, length) => {
        hasAny ||= matched.hasAny(refs, length);
      });
      if (reading !== undefined) await reading;
    }
    if (hasAny) found.push(walk.value());
    if (looked % valuesPerLook === 0 && pace.isDue) await pace.rest();
  }
  return found;
}

async function valuesOfSeries(
  header: IndexHeader,
  { bytes }: TableName,
  matched: RefSet,
  { limit, pace }: LabelQuery,
  batch: EntryBatch,
): Promise<string[]> {
  const name = await header.symbols.lowerBound(bytes);
  const found = new Set<number>();
  await walkSeries(matched, batch, pace, (symbols, from, end) => {
    for (let at = from; at < end; at += 2) if (symbols[at] === name) found.add(symbols[at + 1]!);
    return limit > 0 && found.size >= limit;
  });
  return textsOf(header, found, limit);
}

async function namesOfSeries(
  header: IndexHeader,
  matched: RefSet,
  { limit, pace }: LabelQuery,
  batch: EntryBatch,
): Promise<string[]> {
  const found = new Set<number>();
  await walkSeries(matched, batch, pace, (symbols, from, end) => {
    for (let at = from; at < end; at += 2) found.add(symbols[at]!);
    // Once all are found, no series has another.
    return (limit > 0 && found.size >= limit) || found.size === header.table.names.size;
  });
  return textsOf(header, found, limit);
}

/** @param visit takes the references of a series' symbols, `symbols[from, end)`, and says whether that is enough */
async function walkSeries(
  matched: RefSet,
  batch: EntryBatch,
  pace: Pace,
  visit: (symbols: Uint32Array, from: number, end: number) => boolean,
): Promise<void> {
  const feed = feedOf(matched.cursor());
  for (let hasMore = true; hasMore;) {
    hasMore = await batch.read([], feed, pace);
    for (let entry = 0; entry < batch.count; entry += 1)
      if (visit(batch.symbols, batch.labelAt[entry]!, batch.labelAt[entry + 1]!)) return;
  }
}

async function textsOf({ symbols }: IndexHeader, found: ReadonlySet<number>, limit: number): Promise<string[]> {
  const texts: string[] = [];
  const references = limited([...Uint32Array.from(found).sort()], limit);
  await symbols.read(Uint32Array.from(references), listWindowBytes, (_, { bytes, textFrom, to }) => {
    texts.push(Buffer.from(bytes.buffer, bytes.byteOffset + textFrom, to - textFrom).toString('utf8'));
  });
  return symbols.ascend ? texts : texts.sort(compareUtf8);
}

function limited<T>(all: readonly T[], limit: number): readonly T[] {
  return limit > 0 ? all.slice(0, limit) : all;
}
