import { varintAt, varintEnd } from '@gauntlet/model';
import type { LabelMatcher, Pace } from '@gauntlet/select';
import type { HeadIndex, HeldIndex } from './head-index.js';
import { IdBits } from './id-bits.js';
import { noValue } from './label-index.js';

/** What reading a series' labels costs, in ids of a list. */
const labelsCost = 256;
/** What testing a value costs. */
const testCost = 64;
/** Lists read between two looks at the clock. */
const listsPerLook = 64;

/** What a choice of series says. */
export interface MatchedSeries {
  /** All that match, and perhaps some that do not: `check` tells. Some may be gone. */
  readonly ids: IdBits;
  /** Whether a series that is there matches. */
  check(id: number): boolean;
  /** Whether `check` may take so long that a loop must look at the clock after each series. */
  readonly isCostly: boolean;
}

/** What is known of a matcher before any list is read. */
interface Plan {
  readonly matcher: LabelMatcher;
  /** Whether its lists say who does not match: for matchers that a missing label satisfies. */
  readonly isInverse: boolean;
  /** Pairs whose lists are read, when they are known without testing the name's values. */
  readonly values: readonly number[] | undefined;
  readonly cost: number;
}

/**
 * Chooses series by matchers. The one with the shortest lists comes first; another one's lists are read only if they are short beside what is left: else the labels
 * of those few series are looked at.
 */
export async function matchSeries(
  index: HeadIndex,
  held: HeldIndex,
  matchers: readonly LabelMatcher[],
  pace: Pace,
): Promise<MatchedSeries> {
  const plans = matchers.map((matcher) => planOf(held, matcher)).sort((a, b) => a.cost - b.cost);
  const first = plans.find(({ isInverse }) => !isInverse);
  const checks: LabelMatcher[] = [];
  const ids = new IdBits(held.count);
  if (first === undefined) ids.fill();
  else await readInto(ids, held, first, pace);
  for (const plan of plans) {
    if (plan === first) continue;
    const left = ids.size();
    if (left === 0) break;
    if (left * labelsCost < plan.cost) {
      checks.push(plan.matcher);
      continue;
    }
    const others = new IdBits(held.count);
    await readInto(others, held, plan, pace);
    if (plan.isInverse) ids.subtract(others);
    else ids.intersect(others);
  }
  const tests = checks.map((matcher) => new LabelTest(matcher));
  return {
    ids,
    isCostly: checks.some((matcher) => matcher.isCostly),
    check: (id) => {
      if (tests.length === 0) return true;
      const reader = index.reader(held.table.shard(id));
      const s = held.table.address(id);
      const at = reader.labelsAt(s);
      return tests.every((test) => test.holds(reader.bytes, at, at + reader.labelsLength(s)));
    },
  };
}

function planOf(held: HeldIndex, matcher: LabelMatcher): Plan {
  const { labels } = held;
  const isInverse = matcher.matchesEmpty;
  const known = isInverse ? excluded(held, matcher) : matcher.values?.map((value) => labels.value(matcher.name, value));
  if (known !== undefined) {
    const values = known.filter((value) => value !== noValue);
    return { matcher, isInverse, values, cost: values.reduce((sum, value) => sum + labels.count(value), 0) };
  }
  const name = labels.name(matcher.name);
  const cost = name === undefined ? 0 : name.valueCount * testCost + name.seriesCount;
  return { matcher, isInverse, values: undefined, cost };
}

/** The only pairs that do not satisfy a matcher, where that is plain. */
function excluded({ labels }: HeldIndex, { name, type, value }: LabelMatcher): readonly number[] | undefined {
  return type === '!=' && value !== '' ? [labels.value(name, value)] : undefined;
}

/** Reads the lists of those that match; of an inverse one, of those that do not. */
async function readInto(ids: IdBits, { labels }: HeldIndex, plan: Plan, pace: Pace): Promise<void> {
  const { matcher, isInverse, values } = plan;
  const reader = labels.reader();
  let looked = 0;
  let at = 0;
  let tested = labels.name(matcher.name)?.newest ?? noValue;
  const next = (): number => {
    if (values !== undefined) return values[at++] ?? noValue;
    const value = tested;
    if (value !== noValue) tested = labels.olderValue(value);
    return value;
  };
  for (let value = next(); value !== noValue; value = next()) {
    looked += 1;
    if ((matcher.isCostly || looked % listsPerLook === 0) && pace.isDue) await pace.rest();
    if (values === undefined && matcher.matches(labels.text(value)) === isInverse) continue;
    reader.open(value);
    while (reader.next()) {
      ids.add(reader.ids, reader.length);
      looked += 1;
      if (looked % listsPerLook === 0 && pace.isDue) await pace.rest();
    }
  }
}

/** Tests a matcher on the labels of a series. */
export class LabelTest {
  readonly #matcher: LabelMatcher;
  readonly #name: Uint8Array;

  constructor(matcher: LabelMatcher) {
    this.#matcher = matcher;
    this.#name = Buffer.from(matcher.name);
  }

  holds(bytes: Uint8Array, at: number, end: number): boolean {
    const value = findValue(bytes, at, end, this.#name);
    if (value < 0) return this.#matcher.matchesEmpty;
    const begin = varintEnd(bytes, value);
    return this.#matcher.matches(Buffer.from(bytes.slice(begin, begin + varintAt(bytes, value))).toString());
  }
}

/** Where the length of a label's value is, in canonical labels at [at, end); -1 when there is no such label. */
export function findValue(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  while (at < end) {
    const label = varintEnd(bytes, at + 1);
    at = label + varintAt(bytes, at + 1);
    const length = varintAt(bytes, label + 1);
    if (length !== name.length) continue;
    const begin = varintEnd(bytes, label + 1);
    let i = 0;
    while (i < length && bytes[begin + i] === name[i]) i += 1;
    if (i === length) return begin + length + 1;
  }
  return -1;
}
