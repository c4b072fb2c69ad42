import type { LabelMatcher } from './matcher.js';
import { intersectPostings, noPostings, type PostingsCursor, subtractPostings } from './postings.js';

/** The series of some values of a label: of those that are listed, or of all that its predicate takes. */
export interface ValueChoice {
  readonly name: string;
  /** Never the empty value: no series is listed under it. */
  readonly values: readonly string[] | undefined;
  readonly takes: (value: string) => boolean;
  /** Whether `takes` may take long for one value. */
  readonly isCostly: boolean;
}

/** Series that are in all of `included`, or simply all series where that is empty; without those that are in any of `excluded`. */
export interface PostingsPlan {
  readonly included: readonly ValueChoice[];
  readonly excluded: readonly ValueChoice[];
}

/** An index, as matchers ask it. Answers may come at once or from a disk. */
export interface PostingsSource {
  all(): PostingsCursor | Promise<PostingsCursor>;
  /** The series of any of these choices; `noPostings` itself where no list was found (as `PostingsUnion` has it). */
  unionOf(choices: readonly ValueChoice[]): Promise<PostingsCursor>;
}

/**
 * What to ask of an index. A matcher that the empty value satisfies holds for all series without the label, and these are in no list: so the lists of those
 * values that do not satisfy it are taken away. Any other one holds only for series in its values' lists.
 */
export function planMatchers(matchers: readonly LabelMatcher[]): PostingsPlan {
  const included: ValueChoice[] = [];
  const excluded: ValueChoice[] = [];
  for (const matcher of matchers) {
    const { name, matches, values, otherValues, isCostly } = matcher;
    if (!matcher.matchesEmpty) included.push({ name, values: withoutEmpty(values), takes: matches, isCostly });
    else if (!isAlwaysTrue(matcher))
      excluded.push({ name, values: withoutEmpty(otherValues), takes: (value) => !matches(value), isCostly });
  }
  return { included, excluded };
}

/** The series that satisfy all matchers. */
export async function selectPostings(
  source: PostingsSource,
  matchers: readonly LabelMatcher[],
): Promise<PostingsCursor> {
  const { included, excluded } = planMatchers(matchers);
  const wanted: PostingsCursor[] = [];
  // Listed values first: where a series name does not exist, no expression has to be tried on values.
  for (const choice of [...included].sort((a, b) => Number(a.values === undefined) - Number(b.values === undefined))) {
    const postings = await source.unionOf([choice]);
    if (postings === noPostings) return noPostings;
    wanted.push(postings);
  }
  const from = wanted.length === 0 ? await source.all() : intersectPostings(wanted);
  return subtractPostings(from, await source.unionOf(excluded));
}

function withoutEmpty(values: readonly string[] | undefined): readonly string[] | undefined {
  return values?.filter((value) => value !== '');
}

/** What a dashboard sends for "all". */
function isAlwaysTrue({ type, value }: LabelMatcher): boolean {
  return type === '=~' && value === '.*';
}
