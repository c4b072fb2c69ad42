import type { LabelMatcher } from './matcher.js';
import type { Pace } from './pace.js';
import { PostingsUnion } from './postings-union.js';
import { intersectPostings, noPostings, type PostingsCursor, subtractPostings } from './postings.js';

/** The series of some values of a label: of those that are listed, or of all that its predicate takes. */
export interface ValueChoice {
  readonly name: string;
  /** Never the empty value: no series is listed under it. */
  readonly values: readonly string[] | undefined;
  readonly takes: (value: string) => boolean;
}

/** Series that are in all of `included`, or simply all series where that is empty; without those that are in any of `excluded`. */
export interface PostingsPlan {
  readonly included: readonly ValueChoice[];
  readonly excluded: readonly ValueChoice[];
}

/** An index, as matchers ask it. Answers may come at once or from a disk. */
export interface PostingsSource {
  /** Above all postings. */
  readonly end: number;
  all(): PostingsCursor | Promise<PostingsCursor>;
  /** Undefined where no series has the pair. */
  list(name: string, value: string): PostingsCursor | undefined | Promise<PostingsCursor | undefined>;
  /** The label's values in any order. */
  values(name: string): Iterable<string> | Promise<Iterable<string>>;
}

/** How many values are looked at between two looks at the clock. */
const valuesPerLook = 64;

/**
 * What to ask of an index. A matcher that the empty value satisfies holds for all series without the label, and these are in no list: so the lists of those
 * values that do not satisfy it are taken away. Any other one holds only for series in its values' lists.
 */
export function planMatchers(matchers: readonly LabelMatcher[]): PostingsPlan {
  const included: ValueChoice[] = [];
  const excluded: ValueChoice[] = [];
  for (const matcher of matchers) {
    const { name, matches, values, otherValues } = matcher;
    if (!matcher.matchesEmpty) included.push({ name, values: withoutEmpty(values), takes: matches });
    else if (!isAlwaysTrue(matcher))
      excluded.push({ name, values: withoutEmpty(otherValues), takes: (value) => !matches(value) });
  }
  return { included, excluded };
}

/** The series that satisfy all matchers. */
export async function selectPostings(
  source: PostingsSource,
  matchers: readonly LabelMatcher[],
  pace: Pace,
): Promise<PostingsCursor> {
  const { included, excluded } = planMatchers(matchers);
  const wanted: PostingsCursor[] = [];
  // Listed values first: where a series name does not exist, no expression has to be tried on values.
  for (const choice of [...included].sort((a, b) => Number(a.values === undefined) - Number(b.values === undefined))) {
    const postings = await unionOf(source, [choice], pace);
    if (postings === noPostings) return noPostings;
    wanted.push(postings);
  }
  const from = wanted.length === 0 ? await source.all() : intersectPostings(wanted);
  return subtractPostings(from, await unionOf(source, excluded, pace));
}

async function unionOf(source: PostingsSource, choices: readonly ValueChoice[], pace: Pace): Promise<PostingsCursor> {
  const union = new PostingsUnion(source.end, pace);
  let looked = 0;
  for (const { name, values, takes } of choices) {
    for (const value of values ?? (await source.values(name))) {
      looked += 1;
      if (looked % valuesPerLook === 0 && pace.isDue) await pace.rest();
      if (values === undefined && !takes(value)) continue;
      // Awaited only where there is something to wait for: a turn of the queue for each of a million values adds up.
      const found = source.list(name, value);
      const list = found instanceof Promise ? await found : found;
      const added = list && union.add(list);
      if (added !== undefined) await added;
    }
  }
  return union.postings();
}

function withoutEmpty(values: readonly string[] | undefined): readonly string[] | undefined {
  return values?.filter((value) => value !== '');
}

/** What a dashboard sends for "all". */
function isAlwaysTrue({ type, value }: LabelMatcher): boolean {
  return type === '=~' && value === '.*';
}
