import type { Labels } from '@gauntlet/model';
import { compileExpression, type Expression, type ExpressionBudget } from './expression.js';

/** How a matcher tests a value. */
export type MatchType = '=' | '!=' | '=~' | '!~';

/**
 * A compiled matcher. A label that a series does not have counts as the empty value. Regular expressions are RE2's, anchored at both ends, and their dot
 * matches newlines too (spec/store-api.md 4.2); they take time linear in the value's length, whatever the expression.
 */
export interface LabelMatcher {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
  /** Whether a series without the label matches. */
  readonly matchesEmpty: boolean;
  /** All the values that can match, where they are few enough to be listed: of `=`, and of expressions like `a|b|c`. Not for negative matchers. */
  readonly values: readonly string[] | undefined;
  /** All the values that do not match, where a negative matcher lists them. */
  readonly otherValues: readonly string[] | undefined;
  readonly matches: (value: string) => boolean;
  /** Whether one value may take so long that a loop over values must look at the clock after each. */
  readonly isCostly: boolean;
}

/**
 * @param budget of all matchers of a request: compiling takes time
 * @throws MatcherError for an expression that RE2 refuses, and for one whose program would be too large
 */
export function compileMatcher(type: MatchType, name: string, value: string, budget?: ExpressionBudget): LabelMatcher {
  const { matches, values, isCostly } = expressionOf(type, value, budget);
  const isNegative = type === '!=' || type === '!~';
  return {
    name,
    type,
    value,
    matchesEmpty: matches('') !== isNegative,
    values: isNegative ? undefined : values,
    otherValues: isNegative ? values : undefined,
    matches: isNegative ? (tested) => !matches(tested) : matches,
    isCostly,
  };
}

/**
 * Judges matchers by the external labels of a store (spec/store-api.md 5.1): 'none' where one of them does not hold for any of its series, else those
 * that are left to ask of stored labels.
 */
export function prepareMatchers(matchers: readonly LabelMatcher[], external: Labels): 'none' | LabelMatcher[] {
  const externalValues = new Map(external.map(({ name, value }) => [name, value]));
  const left: LabelMatcher[] = [];
  for (const matcher of matchers) {
    const value = externalValues.get(matcher.name) ?? '';
    if (value === '') left.push(matcher);
    else if (!matcher.matches(value)) return 'none';
  }
  return left;
}

function expressionOf(type: MatchType, value: string, budget: ExpressionBudget | undefined): Expression {
  if (type === '=~' || type === '!~') return compileExpression(value, budget);
  return { matches: (tested) => tested === value, values: [value], isCostly: false };
}
