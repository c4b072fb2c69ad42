import { type IndexHeader, PostingsReader } from '@gauntlet/block';
import {
  type LabelMatcher,
  noPostings,
  type Pace,
  type PostingsCursor,
  postingsOfList,
  type PostingsSource,
  PostingsUnion,
  selectPostings,
  type ValueChoice,
} from '@gauntlet/select';
import { type RefRange, RefSet } from './ref-set.js';

/** What a walk from list to list reads at once. */
export const listWindowBytes = 64 * 1024;
const valuesPerLook = 64;

/** References that a block's series can have. */
export function refRange({ seriesFrom, seriesEnd, unit }: IndexHeader): RefRange {
  return {
    from: Math.ceil(seriesFrom / unit),
    end: Math.max(Math.ceil(seriesEnd / unit), Math.ceil(seriesFrom / unit)),
  };
}

/** The series of a block that satisfy all matchers. */
export async function matchSeries(header: IndexHeader, matchers: readonly LabelMatcher[], pace: Pace): Promise<RefSet> {
  const range = refRange(header);
  const lists = new BlockLists(header, range, pace);
  return RefSet.of(await selectPostings(lists, matchers), range, pace);
}

/** The lists of a block's index, read where they lie. */
class BlockLists implements PostingsSource {
  readonly #header: IndexHeader;
  readonly #range: RefRange;
  readonly #pace: Pace;

  constructor(header: IndexHeader, range: RefRange, pace: Pace) {
    this.#header = header;
    this.#range = range;
    this.#pace = pace;
  }

  async all(): Promise<PostingsCursor> {
    const { allAt } = this.#header.table;
    return allAt === undefined ? noPostings : this.#list(new PostingsReader(this.#header.source), allAt);
  }

  async unionOf(choices: readonly ValueChoice[]): Promise<PostingsCursor> {
    const union = new PostingsUnion(this.#range.end, this.#pace);
    for (const choice of choices) await this.#add(union, choice);
    return union.postings();
  }

  async #add(union: PostingsUnion, { name, values, takes, isCostly }: ValueChoice): Promise<void> {
    const { table, source } = this.#header;
    const lists = new PostingsReader(source, listWindowBytes);
    const addList = async (listAt: number): Promise<void> => {
      const list = this.#list(lists, listAt);
      const added = union.add(list instanceof Promise ? await list : list);
      if (added !== undefined) await added;
    };
    let looked = 0;
    const rest = (): Promise<void> | undefined => {
      looked += 1;
      return (isCostly || looked % valuesPerLook === 0) && this.#pace.isDue ? this.#pace.rest() : undefined;
    };
    if (values !== undefined) {
      for (const value of values) {
        const listAt = await table.find(name, value);
        if (listAt !== undefined) await addList(listAt);
        await rest();
      }
      return;
    }
    const walk = table.walk(name);
    for (;;) {
      // Awaited only where there is something to wait for: a turn of the queue for each of a million values adds up.
      const has = walk.next();
      if (!(has instanceof Promise ? await has : has)) return;
      const due = rest();
      if (due !== undefined) await due;
      if (takes(walk.value())) await addList(walk.listAt);
    }
  }

  /** A list as it is; one that comes in parts as a set. */
  #list(lists: PostingsReader, listAt: number): PostingsCursor | Promise<PostingsCursor> {
    let list: PostingsCursor | undefined;
    let set: RefSet | undefined;
    const done = (): PostingsCursor => set?.cursor() ?? list ?? noPostings;
    const reading = lists.read(listAt, (refs, length, isWhole) => {
      if (isWhole) {
        list = postingsOfList(refs);
        return;
      }
      set ??= new RefSet(this.#range);
      for (let k = 0; k < length; k += 1) set.add(refs[k]!);
    });
    return reading === undefined ? done() : reading.then(done);
  }
}
