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
  matches(value: string): boolean;
}
